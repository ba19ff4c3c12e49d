//! Processes that are replaced while they serve.

use std::{fs, path::Path, process::Command, time::Duration};

use peregrine_upstream_pool::{AppCommand, PoolHandle, ProcessState, UpstreamPool};
use tower::ServiceExt;

use crate::support::{Clients, get, lines, pid, ready, script, shell, text, until};

/// The application, unless there is a file `broken`.
fn unless_broken(dir: &Path) -> AppCommand {
    let script = format!(
        "test -e broken && echo 'no such table' && exit 7; exec python3 {} \"$0\"",
        script()
    );
    shell(&script).arg("{socket}").current_dir(dir)
}

fn pids(handle: &PoolHandle) -> Vec<u32> {
    let processes = handle.snapshot().processes;
    processes.iter().map(|process| process.pid).collect()
}

/// Whether the tests may raise a priority that was lowered.
fn may_raise() -> bool {
    let script = "renice -n 1 -p $$ && renice -n 0 -p $$";
    let tried = Command::new("sh").args(["-c", script]).output().unwrap();
    tried.status.success()
}

#[tokio::test]
async fn a_process_that_starts_has_a_lower_priority_where_others_serve_and_only_there() {
    let dir = tempfile::tempdir().unwrap();
    // The first one has nothing to wait for but a moment in which it could be lowered.
    let script = format!(
        "python3 -c ''; before=$(head -n 1 nice 2>&-)
         for look in $(seq 1000); do test \"$(nice)\" = \"$before\" || break; sleep 0.01; done
         nice >> nice; exec python3 {} \"$0\"",
        script()
    );
    let command = shell(&script).arg("{socket}").current_dir(dir.path());
    let (pool, handle) = UpstreamPool::builder(command)
        .max_pool_size(1)
        .spawn()
        .unwrap();
    pid(&pool).await;
    if may_raise() {
        handle.restart().await.unwrap();
    }

    let starts = lines(&dir.path().join("nice"));
    let own = Command::new("nice").output().unwrap().stdout;
    assert_eq!(starts[0], str::from_utf8(&own).unwrap().trim());
    assert!(
        starts[1..].iter().all(|nice| *nice != starts[0]),
        "{starts:?}"
    );
    handle.stop().await;
}

#[tokio::test]
async fn a_restart_under_load_replaces_every_process_and_fails_no_request() {
    let dir = tempfile::tempdir().unwrap();
    let (pool, handle) = UpstreamPool::builder(unless_broken(dir.path()))
        .min_instances(2)
        .max_pool_size(2)
        .spawn()
        .unwrap();
    until("both are ready", || ready(&handle) == 2).await;
    let old = pids(&handle);
    let clients = Clients::ask(&pool);
    clients.some_answers().await;

    let watched = handle.clone();
    let extremes = tokio::spawn(async move {
        let (mut most, mut least) = (0, 2);
        loop {
            let snapshot = watched.snapshot();
            if snapshot.stopping {
                break (most, least);
            }
            let states = snapshot.processes.iter().map(|process| process.state);
            let ready = states.filter(|state| *state == ProcessState::Ready);
            (most, least) = (most.max(snapshot.processes.len()), least.min(ready.count()));
            // Nothing tells when a process comes or goes.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(handle.restart().await.unwrap(), 2);
    let restarts = handle.snapshot().restarts;
    assert_eq!((restarts.finished, restarts.failed), (1, 0));
    assert!(!restarts.under_way && restarts.last.is_some());
    clients.some_answers().await;
    assert!(pids(&handle).iter().filter(|pid| old.contains(pid)).count() <= 1);
    until("the old ones have left", || pids(&handle).len() == 2).await;
    assert!(pids(&handle).iter().all(|pid| !old.contains(pid)));
    clients.stop().await;
    handle.stop().await;
    let (most, least) = extremes.await.unwrap();
    assert_eq!(most, 3, "one too many at most");
    assert_eq!(least, 2, "never fewer than there were");
}

#[tokio::test]
async fn what_does_not_start_replaces_nothing_and_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let (pool, handle) = UpstreamPool::builder(unless_broken(dir.path()))
        .spawn()
        .unwrap();
    let old = pid(&pool).await;
    let clients = Clients::ask(&pool);

    fs::write(dir.path().join("broken"), "").unwrap();
    let error = handle.restart().await.unwrap_err();
    assert!(error.is_not_started(), "{error:?}");
    let report = error.start_report().unwrap();
    assert_eq!(report.exit_status().unwrap().code(), Some(7));
    assert_eq!(report.output(), ["no such table"]);
    let snapshot = handle.snapshot();
    assert!(snapshot.resisting_deployment_error);
    assert_eq!(snapshot.due, 1);
    assert_eq!(
        (snapshot.restarts.finished, snapshot.restarts.failed),
        (0, 1)
    );
    assert!(snapshot.last_start_failure.is_some());
    clients.some_answers().await;
    assert_eq!(pid(&pool).await, old);

    fs::remove_file(dir.path().join("broken")).unwrap();
    assert!(handle.restart().await.unwrap() >= 1);
    assert!(!handle.snapshot().resisting_deployment_error);
    assert_ne!(pid(&pool).await, old);
    clients.stop().await;
    handle.stop().await;
    assert!(handle.restart().await.unwrap_err().is_stopping());
}

#[tokio::test]
async fn a_restart_waits_for_the_requests_that_run() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate");
    let (pool, handle) = UpstreamPool::builder(unless_broken(dir.path()))
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let old = pid(&pool).await;
    let path = format!("/wait{}", gate.display());
    let running = tokio::spawn(pool.clone().oneshot(get(&path)));
    until("it runs", || handle.snapshot().processes[0].running == 1).await;

    assert_eq!(handle.snapshot().restarts.last, None);
    handle.restart().await.unwrap();
    assert_ne!(pid(&pool).await, old);
    assert_eq!(pids(&handle)[0], old, "it is still there");
    fs::write(&gate, "").unwrap();
    text(running.await.unwrap().unwrap()).await;
    until("it has left", || pids(&handle).len() == 1).await;
    handle.stop().await;
}

#[tokio::test]
async fn a_detached_process_finishes_what_it_has_and_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let gate = dir.path().join("gate");
    let (pool, handle) = UpstreamPool::builder(unless_broken(dir.path()))
        .min_instances(2)
        .max_pool_size(2)
        .spawn()
        .unwrap();
    until("both are ready", || ready(&handle) == 2).await;
    let path = format!("/wait{}", gate.display());
    let running = tokio::spawn(pool.clone().oneshot(get(&path)));
    until("it runs", || handle.snapshot().processes[0].running == 1).await;

    let first = pids(&handle)[0];
    handle.detach(first).await.unwrap();
    until("it is replaced", || ready(&handle) == 2).await;
    fs::write(&gate, "").unwrap();
    text(running.await.unwrap().unwrap()).await;
    until("it has left", || !pids(&handle).contains(&first)).await;

    let error = handle.detach(first).await.unwrap_err();
    assert!(error.is_unknown_process(), "{error:?}");
    handle.stop().await;
}

#[tokio::test]
async fn the_last_process_is_detached_when_another_one_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let (pool, handle) = UpstreamPool::builder(unless_broken(dir.path()))
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let old = pid(&pool).await;
    let clients = Clients::ask(&pool);

    fs::write(dir.path().join("broken"), "").unwrap();
    let error = handle.detach(old).await.unwrap_err();
    assert!(error.is_not_started(), "{error:?}");
    clients.some_answers().await;
    assert_eq!(pid(&pool).await, old);

    fs::remove_file(dir.path().join("broken")).unwrap();
    handle.detach(old).await.unwrap();
    assert_ne!(pid(&pool).await, old);
    clients.stop().await;
    handle.stop().await;
}
