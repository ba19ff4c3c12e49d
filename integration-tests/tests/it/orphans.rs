//! Who is left when somebody ends without a word.

use std::time::{Duration, Instant};

use integration_tests::{Server, processes, tools, wait};

use crate::unruly;

async fn start_shell(script: &str) -> Server {
    // Of which there is one, or there are twice as many.
    let one = ["start", unruly::FOLDER, "--max-pool-size", "1"];
    let command = ["--", "/bin/sh", "-c", script];
    Server::start(&[&one[..], &command].concat()).await
}

#[tokio::test]
async fn when_the_server_is_killed_no_process_outlives_it_by_more_than_5_seconds() {
    // None of the three heeds a SIGTERM.
    let script = format!(
        "trap '' TERM; sleep 1000 & '{}' & sh -c 'sleep 1000; :'",
        unruly::PROGRAM
    );
    let server = start_shell(&script).await;
    server.get("/answer").await;
    assert!(server.processes().len() >= 5, "{:?}", server.processes());

    processes::kill(server.pid());
    let killed = Instant::now();
    wait::until("everybody to be gone", async || {
        server.processes().is_empty().then_some(())
    })
    .await;
    let outlived = killed.elapsed();
    assert!(outlived < Duration::from_secs(5), "{outlived:?}");
}

#[tokio::test]
async fn processes_that_finish_have_time_for_it_when_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    let script = format!(
        "trap 'sleep 0.2; echo done > \"{}\"; kill $!; exit' TERM; '{}' & wait",
        done.display(),
        unruly::PROGRAM
    );
    let server = start_shell(&script).await;
    server.get("/answer").await;

    processes::kill(server.pid());
    wait::until("everybody to be gone", async || {
        server.processes().is_empty().then_some(())
    })
    .await;
    assert!(done.exists());
}

/// The process that outlives a server that is killed.
async fn guard_of(server: &Server, is_wanted: impl Fn(i32) -> bool) -> i32 {
    wait::until("a guard", async || {
        let mut children = processes::children_of(server.pid()).into_iter();
        let guard = children.find(|it| it.command.contains("peregrine-guard") && is_wanted(it.pid));
        guard.map(|guard| guard.pid)
    })
    .await
}

#[tokio::test]
async fn a_guard_that_was_killed_is_replaced() {
    // Found by nothing but its group, which the first one was told.
    let script = format!("exec env -u PEREGRINE_POOL '{}'", unruly::PROGRAM);
    let server = start_shell(&script).await;
    server.get("/answer").await;
    let first = guard_of(&server, |_| true).await;
    processes::kill(first);
    guard_of(&server, |pid| pid != first).await;

    processes::kill(server.pid());
    wait::until("everybody to be gone", async || {
        server.processes().is_empty().then_some(())
    })
    .await;
}

/// Serves, after it has started these three, which have left its group: one that
/// heeds a SIGTERM, one that does not, and one that was told to stay.
async fn start_with_strays() -> Server {
    tools::require("setsid");
    let script = format!(
        "setsid sleep 1003 & setsid sh -c \"trap '' TERM; sleep 1004; :\" & \
         env -u PEREGRINE_POOL setsid sleep 1005 & exec '{}'",
        unruly::PROGRAM
    );
    let server = start_shell(&script).await;
    server.get("/answer").await;
    wait::until("the strays", async || {
        let processes = server.processes();
        let sleeps = |process: &&processes::Process| process.command.starts_with("sleep 100");
        (processes.iter().filter(sleeps).count() == 3).then_some(())
    })
    .await;
    server
}

/// Waits until only the one is left that was told to stay, and ends that.
async fn only_one_stays(processes: impl Fn() -> Vec<processes::Process>) {
    let left = wait::until("the others to be gone", async || {
        Some(processes()).filter(|left| left.len() <= 1)
    })
    .await;
    let [stays] = left.as_slice() else {
        panic!("{left:?}");
    };
    assert!(stays.command.starts_with("sleep 1005"), "{stays:?}");
    processes::kill(stays.pid);
}

#[tokio::test]
async fn who_has_left_the_group_goes_when_the_server_is_killed() {
    let server = start_with_strays().await;
    processes::kill(server.pid());
    let killed = Instant::now();
    only_one_stays(|| server.processes()).await;
    let outlived = killed.elapsed();
    assert!(outlived < Duration::from_secs(5), "{outlived:?}");
}

#[tokio::test]
async fn who_has_left_the_group_goes_when_the_server_stops() {
    let server = start_with_strays().await;
    let stopped = server.stop().await;
    assert!(stopped.status.success(), "{stopped:?}");
    let [stays] = stopped.left.as_slice() else {
        panic!("{stopped:?}");
    };
    assert!(stays.command.starts_with("sleep 1005"), "{stays:?}");
    processes::kill(stays.pid);
}

#[tokio::test]
async fn orphans_are_adopted_and_waited_for() {
    tools::require("setsid");
    // Both lose their parent at once, and the second one leaves its group.
    let script = format!(
        "sh -c 'sleep 1001 &'; sh -c 'setsid sleep 1002 &'; exec '{}'",
        unruly::PROGRAM
    );
    let server = start_shell(&script).await;
    server.get("/answer").await;
    let sleepers = || {
        let mut all = server.processes();
        all.retain(|process| process.command.starts_with("sleep 100"));
        all
    };
    let orphans = wait::until("two orphans", async || {
        let mut orphans = sleepers();
        orphans.retain(|process| process.parent == server.pid());
        (orphans.len() == 2).then_some(orphans)
    })
    .await;
    for orphan in orphans {
        processes::kill(orphan.pid);
    }
    wait::until("their end", async || {
        let zombies = processes::zombies_of(server.pid());
        (sleepers().is_empty() && zombies.is_empty()).then_some(())
    })
    .await;
    // The application's own process was nobody's orphan.
    server.get("/answer").await;
    let stopped = server.stop().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
}
