//! The demo's processes when their server is killed and cannot tell them.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use procfs::process::{Process, all_processes};

/// Until a condition holds, looking often; a test that waits longer than
/// `LONGEST` has failed.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    const LONGEST: Duration = Duration::from_secs(30);
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < LONGEST, "waited too long for {what}");
        // Nothing tells us when a process of a process comes or goes.
        thread::sleep(Duration::from_millis(20));
    }
}

fn children(of: &Child) -> Vec<Process> {
    let id = i32::try_from(of.id()).unwrap();
    all_processes()
        .unwrap()
        .filter_map(Result::ok)
        .filter(|process| process.stat().is_ok_and(|stat| stat.ppid == id))
        .collect()
}

#[test]
fn processes_of_the_demo_leave_when_their_server_is_killed() {
    let place = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_peregrine"))
        .args(["demo", "--port", "0"])
        .env("XDG_RUNTIME_DIR", place.path())
        .env("TMPDIR", place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(server.stdout.take().unwrap());
    let listens = |line: &String| line.starts_with("listening on ");
    stdout.lines().map(Result::unwrap).find(listens).unwrap();

    // Their sockets are there once they have looked who their server is.
    let mut workers = Vec::new();
    wait_until("two processes", || {
        workers = children(&server);
        let sockets = workers.iter().filter(|worker| {
            let socket = worker
                .cmdline()
                .ok()
                .and_then(|words| words.get(2).cloned());
            socket.is_some_and(|path| std::path::Path::new(&path).exists())
        });
        sockets.count() == 2
    });

    server.kill().unwrap();
    server.wait().unwrap();
    wait_until("the processes to leave", || {
        workers.iter().all(|worker| !worker.is_alive())
    });
}
