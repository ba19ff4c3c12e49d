//! The request that a process gets before those of clients.

use peregrine_upstream_pool::UpstreamPool;
use tower::ServiceExt;

use crate::support::{app, get, lines, pid, shell, text};

#[tokio::test]
async fn a_process_is_warmed_up_before_its_first_client_comes() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let (pool, handle) = UpstreamPool::builder(app().env("JOURNAL", &journal))
        .warm_up("/pid?warm=up".parse().unwrap())
        .spawn()
        .unwrap();
    let answer = pool.clone().oneshot(get("/pid?client")).await.unwrap();
    text(answer).await;
    assert_eq!(lines(&journal), ["GET /pid?warm=up", "GET /pid?client"]);
    assert_eq!(handle.snapshot().processes[0].served, 1, "the client's");
    pid(&pool).await;
    handle.stop().await;
}

#[tokio::test]
async fn a_process_that_fails_its_warm_up_has_not_started() {
    let script = r#"exec python3 -c '
import os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    peer, _ = listener.accept()
    asked = peer.recv(1000)
    status = b"500 No" if asked.startswith(b"GET /warm ") else b"204 Fine"
    peer.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
    print("no such table", flush=True)
    peer.close()'"#;
    let (pool, handle) = UpstreamPool::builder(shell(script))
        .warm_up("/warm".parse().unwrap())
        .spawn()
        .unwrap();
    let error = pool.oneshot(get("/")).await.unwrap_err();
    let report = error.start_report().unwrap();
    assert!(report.reason().contains("/warm"), "{report}");
    assert!(report.reason().contains("500"), "{report}");
    assert!(report.output().contains(&"no such table".to_owned()));
    handle.stop().await;
}
