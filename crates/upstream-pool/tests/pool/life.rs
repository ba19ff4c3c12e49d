//! How processes start, die, and are stopped.

use std::{
    os::unix::net::UnixListener,
    path::Path,
    time::{Duration, Instant},
};

use peregrine_upstream_pool::{AppCommand, ProcessState, UpstreamPool};
use tower::ServiceExt;

use crate::support::{PATIENCE, app, get, group, kill, pid, ready, shell, socket, text, until};

/// A test that waits for a deadline of the pool waits this long.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_process_that_cannot_start_says_why_to_everyone_who_asks() {
    let command = shell("echo loading; echo no database >&2; exit 3")
        .current_dir("/")
        .env("DATABASE_PASSWORD", "s3cret");
    let (pool, handle) = UpstreamPool::builder(command).spawn().unwrap();
    let begun = Instant::now();
    for _ in 0..2 {
        let error = pool.clone().oneshot(get("/")).await.unwrap_err();
        assert!(error.is_not_started(), "{error:?}");
        assert!(error.retry_after().is_some());
        let report = error.start_report().unwrap();
        assert_eq!(report.exit_status().unwrap().code(), Some(3));
        assert_eq!(report.directory(), Some(Path::new("/")));
        let mut output = report.output().to_vec();
        output.sort();
        assert_eq!(output, ["loading", "no database"]);
        assert!(!format!("{report} {report:?}").contains("s3cret"));
    }
    // Nobody waited for the next attempts.
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!(handle.snapshot().last_start_failure.is_some());
    handle.stop().await;
}

#[tokio::test]
async fn what_the_operating_system_cannot_run_is_reported() {
    let missing = AppCommand::new("peregrine-no-such-program");
    let nowhere = shell("true").current_dir("/peregrine/no/such/folder");
    for (name, command, advice) in [
        ("program", missing, "in PATH"),
        ("folder", nowhere, "directory does not exist"),
    ] {
        let (pool, handle) = UpstreamPool::builder(command).spawn().unwrap();
        let error = pool.oneshot(get("/")).await.unwrap_err();
        let report = error.start_report().unwrap();
        assert!(report.advice().contains(advice), "{name}: {report}");
        handle.stop().await;
    }
}

#[tokio::test]
async fn a_process_that_does_not_answer_in_time_is_killed_and_reported() {
    // Each has somebody else listen, who hears nothing, or is gone: an interpreter might
    // not be there in time, and a port might be taken by another program.
    let dir = tempfile::tempdir().unwrap();
    let (deaf, gone) = (dir.path().join("deaf"), dir.path().join("gone"));
    let _deaf = UnixListener::bind(&deaf).unwrap();
    drop(UnixListener::bind(&gone).unwrap());
    for (listener, expected) in [(gone, "refused"), (deaf, "did not answer")] {
        let script = format!("ln -s '{}' \"$0\"; exec sleep 1000", listener.display());
        let (pool, handle) = UpstreamPool::builder(shell(&script).arg("{socket}"))
            // The shell needs a moment for that.
            .start_timeout(SHORT * 5)
            .spawn()
            .unwrap();
        until("it runs", || !handle.snapshot().processes.is_empty()).await;
        let leader = handle.snapshot().processes[0].pid;
        let error = pool.oneshot(get("/")).await.unwrap_err();
        let report = error.start_report().unwrap();
        assert!(report.timed_out());
        assert!(report.reason().contains(expected), "{report}");
        assert_eq!(group(leader), [""; 0], "it is gone");
        handle.stop().await;
    }
}

#[tokio::test]
async fn what_has_left_the_group_of_a_process_that_does_not_start_goes_too() {
    let dir = tempfile::tempdir().unwrap();
    let (stray, stays) = (dir.path().join("stray"), dir.path().join("stays"));
    let serves = format!("exec python3 {} \"$0\"", crate::support::script());
    for (name, then) in [("ends", "exit 3"), ("does not answer its warm-up", &serves)] {
        // A daemon, and another one that is none of the pool's.
        let daemon = |file: &Path| {
            let file = file.display();
            format!("setsid sh -c 'echo $$ > {file}.new; mv {file}.new {file}; exec sleep 1000'")
        };
        let script = format!(
            "{} & env -u PEREGRINE_POOL {} & \
             until test -e {} && test -e {}; do sleep 0.01; done; {then}",
            daemon(&stray),
            daemon(&stays),
            stray.display(),
            stays.display(),
        );
        let (pool, handle) = UpstreamPool::builder(shell(&script).arg("{socket}"))
            .warm_up("/close".parse().unwrap())
            // No other start is tried.
            .min_instances(0)
            .spawn()
            .unwrap();
        let error = pool.oneshot(get("/")).await.unwrap_err();
        assert!(error.is_not_started(), "{name}: {error:?}");
        let [stray, stays] = [&stray, &stays].map(|file| {
            let pid = std::fs::read_to_string(file).unwrap();
            std::fs::remove_file(file).unwrap();
            pid.trim().parse().unwrap()
        });
        let stayed = group(stays).len() == 1;
        kill("KILL", stays);
        assert!(stayed, "{name}");
        until(name, || group(stray).is_empty()).await;
        handle.stop().await;
    }
}

#[tokio::test]
async fn a_killed_process_is_replaced_and_what_it_started_is_killed() {
    let script = format!(
        "sleep 1000 & exec python3 {} \"$0\"",
        crate::support::script()
    );
    let command = shell(&script).arg("{socket}");
    let (pool, handle) = UpstreamPool::builder(command).spawn().unwrap();
    let first = pid(&pool).await;
    assert_eq!(group(first).len(), 2, "the application and its sleeper");

    kill("KILL", first);
    assert_ne!(pid(&pool).await, first);
    until("nothing is left", || group(first).is_empty()).await;
    handle.stop().await;
}

#[tokio::test]
async fn a_stop_leaves_nothing_behind() {
    let script = format!(
        "sleep 1000 & exec python3 {} \"$0\"",
        crate::support::script()
    );
    let command = shell(&script).arg("{socket}");
    let (pool, handle) = UpstreamPool::builder(command)
        .min_instances(2)
        .spawn()
        .unwrap();
    until("both are ready", || ready(&handle) == 2).await;
    let pids: Vec<_> = handle.snapshot().processes.iter().map(|p| p.pid).collect();
    let socket = socket(pids[0]);
    let folder = socket.parent().unwrap();
    let mode = std::os::unix::fs::MetadataExt::mode(&folder.metadata().unwrap());
    assert_eq!(mode & 0o777, 0o700);

    handle.stop().await;
    for leader in pids {
        assert_eq!(group(leader), [""; 0], "no process, no zombie");
    }
    assert!(!folder.exists());
    let error = pool.oneshot(get("/")).await.unwrap_err();
    assert!(error.is_stopping(), "{error:?}");
    // Once more does no harm.
    handle.stop().await;
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_is_killed() {
    let script = format!(
        "trap '' TERM; python3 {} \"$0\"; sleep 1000",
        crate::support::script()
    );
    let (pool, handle) = UpstreamPool::builder(shell(&script).arg("{socket}"))
        .shutdown_timeout(SHORT)
        .spawn()
        .unwrap();
    pid(&pool).await;
    let leader = handle.snapshot().processes[0].pid;
    handle.stop().await;
    assert_eq!(group(leader), [""; 0]);
}

#[tokio::test]
async fn what_outlives_its_shell_gets_its_time_to_finish() {
    // The shell leaves at once, as it has no trap; its child takes a moment
    // and tells when it is done.
    let dir = tempfile::tempdir().unwrap();
    let done = dir.path().join("done");
    let script = format!(
        r#"(trap 'sleep 0.2; echo done > "{}"; exit' TERM; while :; do sleep 0.02; done) &
        python3 {} "$0""#,
        done.display(),
        crate::support::script()
    );
    let (pool, handle) = UpstreamPool::builder(shell(&script).arg("{socket}"))
        .spawn()
        .unwrap();
    pid(&pool).await;
    handle.stop().await;
    assert!(done.exists());
}

#[tokio::test]
async fn a_stop_finishes_what_runs_and_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate");
    let path = format!("/wait{}", gate.display());
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .spawn()
        .unwrap();
    pid(&pool).await;
    let running = tokio::spawn(pool.clone().oneshot(get(&path)));
    until("it runs", || handle.snapshot().processes[0].running == 1).await;
    let waiting = tokio::spawn(pool.clone().oneshot(get(&path)));
    until("it waits", || handle.snapshot().queued == 1).await;

    let stop = tokio::spawn({
        let handle = handle.clone();
        async move { handle.stop().await }
    });
    until("it stops", || handle.snapshot().stopping).await;
    let error = pool.clone().oneshot(get("/pid")).await.unwrap_err();
    assert!(error.is_stopping(), "{error:?}");
    assert!(!stop.is_finished());

    std::fs::write(&gate, "").unwrap();
    for request in [running, waiting] {
        text(request.await.unwrap().unwrap()).await;
    }
    stop.await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let (pool, handle) = UpstreamPool::builder(app())
        .stop_timeout(SHORT)
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let only = pid(&pool).await;
    let running = tokio::spawn(pool.clone().oneshot(get("/never")));
    until("it runs", || handle.snapshot().processes[0].running == 1).await;
    let waiting = tokio::spawn(pool.clone().oneshot(get("/never")));
    until("it waits", || handle.snapshot().queued == 1).await;
    handle.stop().await;
    assert_eq!(group(only), [""; 0]);
    let error = running.await.unwrap().unwrap_err();
    assert!(error.is_closed_early() || error.is_stopping(), "{error:?}");
    let error = waiting.await.unwrap().unwrap_err();
    assert!(error.is_stopping(), "{error:?}");
}

#[tokio::test]
async fn a_stop_ends_a_start() {
    let (pool, handle) = UpstreamPool::builder(shell("exec sleep 1000"))
        .spawn()
        .unwrap();
    until("it starts", || !handle.snapshot().processes.is_empty()).await;
    let process = handle.snapshot().processes[0].clone();
    assert_eq!(process.state, ProcessState::Starting);
    let waiting = tokio::spawn(pool.oneshot(get("/")));
    until("it waits", || handle.snapshot().queued == 1).await;
    handle.stop().await;
    assert_eq!(group(process.pid), [""; 0]);
    assert!(waiting.await.unwrap().unwrap_err().is_stopping());
}

#[tokio::test]
async fn processes_go_with_the_last_who_could_use_them() {
    let (pool, handle) = UpstreamPool::builder(app()).spawn().unwrap();
    let leader = pid(&pool).await;
    let response = pool.clone().oneshot(get("/pid")).await.unwrap();
    drop((pool, handle, response));
    until("it is gone", || group(leader).is_empty()).await;
}

#[test]
fn processes_go_with_the_runtime() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    let (leader, _pool) = first.block_on(async {
        let (pool, _handle) = UpstreamPool::builder(app()).spawn().unwrap();
        (pid(&pool).await, pool)
    });
    drop(first);
    // Another runtime reaps what the first one has killed.
    runtime().block_on(async {
        let reaper = tokio::process::Command::new("true").status();
        assert!(reaper.await.unwrap().success());
        until("it is gone", || {
            group(leader).iter().all(|stat| stat.contains(") Z "))
        })
        .await;
    });
}

#[tokio::test]
async fn the_pool_grows_under_pressure_and_shrinks_when_idle() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate");
    let path = format!("/wait{}", gate.display());
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(2)
        .pool_idle_time(SHORT)
        .spawn()
        .unwrap();
    pid(&pool).await;
    let requests: Vec<_> = (0..5)
        .map(|_| tokio::spawn(pool.clone().oneshot(get(&path))))
        .collect();
    until("there are two", || ready(&handle) == 2).await;
    until("three wait", || handle.snapshot().queued == 3).await;
    assert_eq!(handle.snapshot().processes.len(), 2);
    std::fs::write(&gate, "").unwrap();
    for request in requests {
        text(request.await.unwrap().unwrap()).await;
    }
    until("there is one", || handle.snapshot().processes.len() == 1).await;
    let left = handle.snapshot().processes[0].pid;
    assert_eq!(pid(&pool).await, left);
    handle.stop().await;
}

#[tokio::test]
async fn a_process_that_dies_young_again_and_again_is_reported() {
    // It answers the ping, and has enough.
    let script = r#"exec python3 -c '
import os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
asked = b""
while not asked:
    peer, _ = listener.accept()
    asked = peer.recv(1000)
peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
print("enough", flush=True)
os._exit(4)'"#;
    let (pool, handle) = UpstreamPool::builder(shell(script)).spawn().unwrap();
    // A request may still meet a process that is about to die. Soon it meets
    // the pause between two starts.
    let (error, next) = loop {
        let error = pool.clone().oneshot(get("/")).await.unwrap_err();
        match handle.snapshot().start_pause {
            Some((failures, next)) if failures >= 2 && error.is_not_started() => {
                break (error, next);
            }
            // There is one after the first death, too.
            _ if error.is_not_started() => tokio::task::yield_now().await,
            _ => assert!(error.is_closed_early() || error.is_connect(), "{error:?}"),
        }
    };
    let report = error.start_report().unwrap();
    assert_eq!(report.exit_status().unwrap().code(), Some(4));
    assert_eq!(report.output(), ["enough"]);
    // The error says the same in whole seconds; it may be of the pause before.
    assert!(next <= PATIENCE, "{next:?}");
    handle.stop().await;
}
