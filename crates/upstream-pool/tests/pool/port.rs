//! Whose process it is that answers on a port.

use std::path::Path;

use peregrine_upstream_pool::{AppCommand, UpstreamPool};
use tower::ServiceExt;

use crate::support::{get, lines, pid, ready, script, shell, text, until};

const STRANGER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/pool/support/stranger.py"
);

/// The application, on a port, after what `first` does in the folder `dir`.
fn after(first: &str, dir: &Path) -> AppCommand {
    let script = format!("{first}\nexec python3 {}", script());
    shell(&script).current_dir(dir)
}

fn stranger(dir: &Path) -> String {
    format!("python3 {STRANGER} $PORT {}", dir.display())
}

#[tokio::test]
async fn a_program_that_has_taken_the_port_is_not_taken_for_the_process() {
    // Whether the application fails then, or does not even try.
    for then in ["", "sleep 1000"] {
        let dir = tempfile::tempdir().unwrap();
        let first = format!("mkdir once && {} && {then}", stranger(dir.path()));
        let first = first.trim_end_matches("&& ");
        let (pool, handle) = UpstreamPool::builder(after(first, dir.path()))
            .warm_up("/pid".parse().unwrap())
            .spawn()
            .unwrap();
        // The start goes on with another port: nothing has failed.
        let answered = pid(&pool).await;
        assert_eq!(answered, handle.snapshot().processes[0].pid);
        assert!(handle.snapshot().last_start_failure.is_none());
        assert_eq!(lines(&dir.path().join("asked")), [""; 0]);
        handle.stop().await;
    }
}

#[tokio::test]
async fn a_start_that_finds_every_port_taken_says_by_whom() {
    let dir = tempfile::tempdir().unwrap();
    let (pool, handle) = UpstreamPool::builder(after(&stranger(dir.path()), dir.path()))
        .spawn()
        .unwrap();
    let error = pool.oneshot(get("/pid")).await.unwrap_err();
    let report = error.start_report().unwrap();
    assert!(report.is_port_taken(), "{report}");
    assert!(report.reason().contains("(python3"), "{report}");
    assert!(report.advice().contains("another port"), "{report}");
    assert_eq!(lines(&dir.path().join("asked")), [""; 0]);
    handle.stop().await;
}

#[tokio::test]
async fn a_process_whose_port_was_taken_later_is_asked_nothing_more() {
    // It leaves its port to a stranger when it is asked for that, and lives on.
    let dir = tempfile::tempdir().unwrap();
    let app = r#"exec python3 -c '
import os, socket, subprocess, sys, time
port = int(os.environ["PORT"])
listener = socket.create_server(("127.0.0.1", port))
while True:
    peer, _ = listener.accept()
    asked = peer.recv(1000)
    if asked.startswith(b"GET /leave"):
        listener.close()
        subprocess.run([sys.executable, sys.argv[1], str(port), sys.argv[2]])
    answer = str(os.getpid()).encode()
    peer.sendall(b"HTTP/1.0 200 Fine\r\n\r\n" + answer)
    peer.close()
    if asked.startswith(b"GET /leave"):
        time.sleep(1000)' "$0" "$1""#;
    let command = shell(app).arg(STRANGER).arg(dir.path());
    let (pool, handle) = UpstreamPool::builder(command)
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let first = pid(&pool).await;
    let leaves = pool.clone().oneshot(get("/leave")).await.unwrap();
    assert_eq!(text(leaves).await, first.to_string());

    // Nothing of it was sent to the stranger, so it goes to the next process.
    let request = http::Request::post("/pid").body(http_body_util::Empty::<bytes::Bytes>::new());
    let answer = pool.clone().oneshot(request.unwrap()).await.unwrap();
    let second: u32 = text(answer).await.parse().unwrap();
    assert_ne!(second, first);
    assert_eq!(second, handle.snapshot().processes.last().unwrap().pid);
    assert_eq!(lines(&dir.path().join("asked")), [""; 0]);
    handle.stop().await;
}

#[tokio::test]
async fn whoever_listens_for_the_process_is_known_wherever_it_has_gone() {
    let dir = tempfile::tempdir().unwrap();
    let app = format!("python3 {}", script());
    let cases = [
        ("a child", format!("{app} & wait")),
        ("in a session of its own", format!("setsid -w {app}")),
        (
            "and without a parent",
            format!("(setsid {app} &); exec sleep 1000"),
        ),
        (
            "a worker with its parent's socket",
            with_worker("os.wait()"),
        ),
        ("a worker alone", with_worker("listener.close(); os.wait()")),
        ("several beside each other", beside_each_other()),
    ];
    for (name, script) in cases {
        let command = shell(&script).current_dir(dir.path());
        let (pool, handle) = UpstreamPool::builder(command).spawn().unwrap();
        let answered = pid(&pool).await;
        assert!(Path::new(&format!("/proc/{answered}")).exists(), "{name}");
        until(name, || ready(&handle) == 1).await;
        handle.stop().await;
    }
}

/// An application whose child answers on a socket that its parent has opened, who
/// then does something else.
fn with_worker(then: &str) -> String {
    format!(
        r#"exec python3 -c '
import os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
if os.fork():
    {then}
{ANSWER}'"#
    )
}

/// An application that has two processes with a socket each.
fn beside_each_other() -> String {
    format!(
        r#"exec python3 -c '
import os, socket
os.fork()
address = "127.0.0.1", int(os.environ["PORT"])
listener = socket.create_server(address, reuse_port=True)
{ANSWER}'"#
    )
}

const ANSWER: &str = r#"
while True:
    peer, _ = listener.accept()
    if peer.recv(1000):
        peer.sendall(b"HTTP/1.0 200 Fine\r\n\r\n" + str(os.getpid()).encode())
    peer.close()"#;
