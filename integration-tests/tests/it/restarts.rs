//! New code takes over while clients ask, or the old code stays.

use std::{fs, os::unix::fs::symlink, path::Path};

use integration_tests::{Ended, Load, Server, binary, processes, run, tools, wait};
use rustix::process::{Pid, Signal, getpriority_process};
use serde_json::json;
use tokio::process::Command;

use crate::{holding_app::HoldingApp, unruly};

/// An application in a folder of its own, which does not start while there is
/// a file `broken` in it.
struct App {
    folder: tempfile::TempDir,
}

impl App {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        path.into_os_string().into_string().unwrap()
    }

    fn break_it(&self) {
        fs::write(self.path("broken"), "").unwrap();
    }

    fn repair_it(&self) {
        fs::remove_file(self.path("broken")).unwrap();
    }

    async fn start(&self, options: &[&str]) -> Server {
        let script = format!(
            "test -e broken && echo 'no such table: users' >&2 && exit 7; exec '{}'",
            unruly::PROGRAM
        );
        let folder = self.path(".");
        let args = [
            &["start", &folder],
            options,
            &["--", "/bin/sh", "-c", &script],
        ];
        Server::start(&args.concat()).await
    }
}

async fn tell(server: &Server, command: &[&str]) -> Ended {
    let socket = server.admin_socket();
    run(&[command, &["--admin-socket", &socket]].concat()).await
}

/// Waits until as many processes are ready, none of them in `old`.
async fn replaced(server: &Server, old: &[i32]) {
    wait::until("new processes", async || {
        let new = server.ready_processes().await;
        (new.len() == old.len() && new.iter().all(|pid| !old.contains(pid))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_request_has_its_time_in_a_process_that_is_replaced() {
    let app = HoldingApp::new();
    // None at all, which is for a server that stops.
    let server = app.serve(&["--shutdown-timeout", "0"]).await;
    let old = server.get("/").await.body;
    let restart = async {
        server.sessions(1).await;
        let ended = tell(&server, &["restart-app"]).await;
        assert!(ended.status.success(), "{ended:?}");
        app.release();
    };
    let (page, ()) = tokio::join!(server.get("/hold"), restart);
    assert_eq!(page.body, old);
}

#[tokio::test]
async fn restart_app_under_load_replaces_every_process_and_fails_no_request() {
    let app = App::new();
    let server = app
        .start(&["--min-instances", "2", "--max-pool-size", "2"])
        .await;
    wait::until("both processes", async || {
        (server.ready_processes().await.len() == 2).then_some(())
    })
    .await;
    let old = server.ready_processes().await;
    let load = Load::start(server.address(), "/answer", 4);
    load.answers(20).await;

    let ended = tell(&server, &["restart-app"]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, "Restarted; 2 processes were replaced.\n");
    // When the command returns, no request goes to an old process any more.
    let new = server.ready_processes().await;
    assert!(new.iter().all(|pid| !old.contains(pid)), "{old:?} {new:?}");
    load.answers(20).await;
    load.stop().await;
    let stopped = server.stop().await;
    assert_eq!(stopped.left, []);
}

#[tokio::test]
async fn code_that_does_not_start_is_reported_and_the_old_processes_stay() {
    let app = App::new();
    let server = app.start(&["--max-pool-size", "1"]).await;
    server.get("/answer").await;
    let old = server.ready_processes().await;
    let load = Load::start(server.address(), "/answer", 2);

    app.break_it();
    let ended = tell(&server, &["restart-app"]).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(ended.stdout, "");
    for part in [
        "old processes stay",
        "no such table: users",
        "exit status: 7",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
    server.logs("no such table: users").await;
    let status = server.status().await;
    assert_eq!(
        status["applications"][0]["pool"]["resisting_deployment_error"],
        true
    );
    let restarts = &status["applications"][0]["pool"]["restarts"];
    assert_eq!(
        (&restarts["finished"], &restarts["failed"]),
        (&json!(0), &json!(1))
    );
    assert!(
        restarts["last_at_seconds"].as_f64() > Some(0.0),
        "{restarts}"
    );
    let page = tell(&server, &["status"]).await.stdout;
    assert!(page.contains("Resisting deployment error"), "{page}");
    assert!(
        page.contains("Restarts: 0, failed: 1; the latest: "),
        "{page}"
    );
    assert!(page.contains("no such table: users"), "{page}");
    load.answers(20).await;
    assert_eq!(server.ready_processes().await, old);

    app.repair_it();
    let ended = tell(&server, &["restart-app"]).await;
    assert_eq!(ended.stdout, "Restarted; 1 process was replaced.\n");
    let status = server.status().await;
    assert_eq!(
        status["applications"][0]["pool"]["resisting_deployment_error"],
        false
    );
    let restarts = &status["applications"][0]["pool"]["restarts"];
    assert_eq!(
        (
            &restarts["finished"],
            &restarts["failed"],
            &restarts["under_way"]
        ),
        (&json!(1), &json!(1), &json!(false))
    );
    replaced(&server, &old).await;
    load.stop().await;
}

#[tokio::test]
async fn code_that_starts_but_fails_its_warm_up_request_replaces_nothing() {
    tools::require("python3");
    // Reads its release when it starts, and fails with one that is broken.
    let script = r#"
import http.server, os
release = open("release").read()
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if release == "broken" else 200)
        self.end_headers()
        self.wfile.write(release.encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"#;
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("release");
    fs::write(&release, "first").unwrap();
    let args = [
        "start",
        folder.path().to_str().unwrap(),
        "--max-pool-size",
        "1",
        "--warm-up",
        "/login?warm=up",
        "--",
        "python3",
        "-c",
        script,
    ];
    let server = Server::start(&args).await;
    assert_eq!(server.get("/").await.body, "first");
    let old = server.ready_processes().await;

    fs::write(&release, "broken").unwrap();
    let ended = tell(&server, &["restart-app"]).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    for part in ["/login?warm=up", "500"] {
        assert!(ended.stderr.contains(part), "{part}: {ended:?}");
    }
    assert_eq!(server.ready_processes().await, old);
    assert_eq!(server.get("/").await.body, "first");
}

#[tokio::test]
async fn a_touch_of_restart_txt_and_a_hangup_restart_the_application() {
    let app = App::new();
    fs::write(app.path("tmp/restart.txt"), "").unwrap();
    let server = app.start(&["--max-pool-size", "1"]).await;
    server.get("/answer").await;
    let first = server.ready_processes().await;
    let load = Load::start(server.address(), "/answer", 2);

    fs::write(app.path("tmp/restart.txt"), "").unwrap();
    replaced(&server, &first).await;
    let second = server.ready_processes().await;
    processes::signal(server.pid(), Signal::HUP);
    replaced(&server, &second).await;
    load.answers(20).await;
    load.stop().await;
}

#[tokio::test]
async fn a_restart_runs_what_the_link_to_the_release_leads_to_by_then() {
    tools::require("bash");
    let app = App::new();
    for release in ["1", "2"] {
        fs::create_dir(app.path(release)).unwrap();
        let script = format!(
            "#!/bin/sh\nexec -a release-{release} '{}'\n",
            unruly::PROGRAM
        );
        fs::write(app.path(&format!("{release}/run")), script).unwrap();
    }
    symlink(app.path("1"), app.path("current")).unwrap();
    let current = app.path("current");
    let server = Server::start(&["start", &current, "--", "/bin/bash", "run"]).await;
    let runs = |name: &str| {
        let running = server.processes();
        running.iter().any(|process| process.command == name)
    };
    server.get("/answer").await;
    assert!(runs("release-1"), "{:?}", server.processes());

    let next = app.path("next");
    symlink(app.path("2"), &next).unwrap();
    fs::rename(&next, &current).unwrap();
    let ended = tell(&server, &["restart-app"]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(runs("release-2"), "{:?}", server.processes());
}

#[tokio::test]
async fn a_process_that_is_detached_leaves_and_another_one_takes_its_place() {
    let app = App::new();
    let server = app.start(&["--max-pool-size", "1"]).await;
    server.get("/answer").await;
    let old = server.ready_processes().await;
    let load = Load::start(server.address(), "/answer", 2);

    let pid = old[0].to_string();
    let ended = tell(&server, &["detach-process", &pid]).await;
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, format!("Process {pid} detached.\n"));
    replaced(&server, &old).await;
    load.answers(20).await;
    load.stop().await;

    wait::until("the process to be gone", async || {
        (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    })
    .await;
    let ended = tell(&server, &["detach-process", &pid]).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains(&pid), "{ended:?}");
    let ended = tell(
        &server,
        &["detach-process", &pid, "--ignore-nonexistant-pid"],
    )
    .await;
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn processes_that_are_killed_during_restarts_fail_no_request() {
    let app = App::new();
    let server = app
        .start(&["--min-instances", "3", "--max-pool-size", "3"])
        .await;
    let load = Load::start(server.address(), "/answer", 4);
    for _ in 0..4 {
        let ready = wait::until("all processes", async || {
            let ready = server.ready_processes().await;
            (ready.len() >= 3).then_some(ready)
        })
        .await;
        // Each of them has served by now, so that none dies young.
        load.answers(50).await;
        processes::signal(server.pid(), Signal::HUP);
        processes::kill(ready[0]);
        load.answers(50).await;
    }
    load.stop().await;
    let stopped = server.stop().await;
    assert_eq!(stopped.left, []);
}

#[tokio::test]
async fn a_process_that_has_served_its_requests_is_replaced() {
    let app = App::new();
    let server = app
        .start(&["--max-requests", "10", "--max-pool-size", "1"])
        .await;
    server.get("/answer").await;
    let old = server.ready_processes().await;
    let load = Load::start(server.address(), "/answer", 2);
    replaced(&server, &old).await;
    load.answers(20).await;
    load.stop().await;
}

#[tokio::test]
async fn a_process_that_is_too_large_with_its_children_is_replaced() {
    tools::require("python3");
    let script = format!(
        "python3 -c 'import time; x = bytearray(64 << 20); time.sleep(1000)' & exec '{}'",
        unruly::PROGRAM
    );
    let limit = ["--memory-limit", "32", "--max-pool-size", "1"];
    let command = ["--", "/bin/sh", "-c", &script];
    let args = [&["start", unruly::FOLDER], &limit[..], &command].concat();
    let server = Server::start(&args).await;
    server.get("/answer").await;
    let old = server.ready_processes().await;
    let load = Load::start(server.address(), "/answer", 2);
    replaced(&server, &old).await;
    load.answers(20).await;
    load.stop().await;
}

#[tokio::test]
async fn a_process_that_serves_has_the_priority_of_the_server_again() {
    let app = App::new();
    let server = app.start(&["--max-pool-size", "1"]).await;
    for attempt in ["first", "restarted"] {
        server.get("/answer").await;
        let process = server.ready_processes().await[0];
        let nice = |pid| getpriority_process(Pid::from_raw(pid)).unwrap();
        assert_eq!(nice(process), nice(server.pid()), "{attempt}");
        tell(&server, &["restart-app"]).await;
    }
}

#[tokio::test]
async fn there_is_nothing_to_restart_in_front_of_an_upstream() {
    let upstream = unruly::start(&[]).await;
    let address = format!("http://{}", upstream.address());
    let server = Server::start(&["start", "--upstream", &address]).await;

    let ended = tell(&server, &["restart-app"]).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    processes::signal(server.pid(), Signal::HUP);
    // It is listened to, and not died of.
    wait::until("the signal to arrive", async || {
        let log = server.stderr().to_string();
        log.contains("SIGHUP").then_some(())
    })
    .await;
    server.get("/answer").await;
}

/// Ends what carries the mark, should the test fail.
struct Mark(String);

impl Drop for Mark {
    fn drop(&mut self) {
        for process in processes::marked(self.0.as_ref()) {
            processes::kill(process.pid);
        }
    }
}

#[tokio::test]
async fn the_hangup_of_a_terminal_that_is_closed_stops_the_server() {
    tools::require("python3");
    // Runs the server in a terminal of its own, and closes that.
    let script = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
written = b""
while b"listening on" not in written:
    written += os.read(terminal, 1000)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;
    let folder = tempfile::tempdir().unwrap();
    let mark = Mark(processes::new_mark());
    let mut terminal = Command::new("python3")
        .args(["-c", script])
        .arg(binary::peregrine())
        .args(["start", unruly::FOLDER, "--port", "0", "--admin-socket"])
        .arg(folder.path().join("admin"))
        .args(["--", unruly::PROGRAM])
        .env(processes::MARK, &mark.0)
        .spawn()
        .unwrap();
    let ended = wait::bounded("the server to stop", terminal.wait()).await;
    let status = ended.unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(processes::marked(mark.0.as_ref()), []);
}
