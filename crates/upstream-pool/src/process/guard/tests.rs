use std::{fs, os::unix::process::ExitStatusExt, time::Duration};

use rustix::process::{Signal, kill_process};
use tokio::{process::Child, time};

use super::*;

/// A group that only its guard knows of: it has no mark.
fn sleeper() -> (Child, Pid) {
    let mut command = Command::new("sleep");
    command.arg("1000").process_group(0).kill_on_drop(true);
    let child = command.spawn().unwrap();
    let pid = child.id().unwrap().cast_signed();
    (child, Pid::from_raw(pid).unwrap())
}

/// The guard of the moment, once it is another one than `before`.
async fn guard_after(guard: &Guard, before: Option<Pid>) -> Pid {
    let mark = &guard.0.as_ref().unwrap().mark;
    let is_guard = |pid: &i32| {
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.ends_with(&format!("peregrine-guard\0{mark}\0"))
    };
    let look = async {
        loop {
            let all = fs::read_dir("/proc").unwrap().flatten();
            let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            let mut guards = pids.filter(is_guard).filter_map(Pid::from_raw);
            if let Some(pid) = guards.find(|pid| Some(*pid) != before) {
                return pid;
            }
            // Nobody tells when it has begun to be what it is.
            time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = time::timeout(Duration::from_secs(90), look).await;
    found.expect("there is a guard")
}

#[tokio::test]
async fn a_guard_that_is_killed_is_replaced_by_one_that_knows_of_everybody() {
    let (guard, guardian) = Guard::start();
    let (mut before, group) = sleeper();
    guard.watch(group);
    let (mut over, group) = sleeper();
    guard.watch(group);
    guard.forget(group);
    let first = guard_after(&guard, None).await;

    kill_process(first, Signal::KILL).unwrap();
    let second = guard_after(&guard, Some(first)).await;
    let (mut later, group) = sleeper();
    guard.watch(group);
    // One after the other: that takes a moment longer.
    kill_process(second, Signal::KILL).unwrap();
    guard_after(&guard, Some(second)).await;

    drop(guard);
    guardian.leave().await;
    for sleeper in [&mut before, &mut later] {
        let status = sleeper.wait().await.unwrap();
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
    }
    assert!(over.try_wait().unwrap().is_none(), "it was nobody's");
}
