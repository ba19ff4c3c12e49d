//! What is sent again, and what never is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{Empty, Full};
use peregrine_upstream_pool::UpstreamPool;
use tower::ServiceExt;

use crate::support::{app, get, kill, lines, pid, ready, shell, socket, text, until};

#[tokio::test]
async fn an_idempotent_request_outlives_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let (pool, handle) = UpstreamPool::builder(app().env("JOURNAL", &journal))
        .min_instances(2)
        .spawn()
        .unwrap();
    until("both are ready", || ready(&handle) == 2).await;
    let response = pool.oneshot(get("/die_once")).await.unwrap();
    text(response).await;
    assert_eq!(lines(&journal), ["GET /die_once", "GET /die_once"]);
    handle.stop().await;
}

#[tokio::test]
async fn it_waits_for_the_next_process_if_there_is_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let (pool, handle) = UpstreamPool::builder(app().env("JOURNAL", &journal))
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let first = pid(&pool).await.to_string();
    let response = pool.oneshot(get("/die_once")).await.unwrap();
    assert_ne!(text(response).await, first);
    handle.stop().await;
}

#[tokio::test]
async fn a_request_that_may_have_done_something_is_sent_once() {
    for method in ["POST", "GET"] {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal");
        let (pool, handle) = UpstreamPool::builder(app().env("JOURNAL", &journal))
            .min_instances(2)
            .spawn()
            .unwrap();
        until("both are ready", || ready(&handle) == 2).await;
        // Even a GET with a body: nobody has kept it.
        let request = Request::builder().method(method).uri("/die_once");
        let request = request.body(Full::<Bytes>::from("a=b")).unwrap();
        let error = pool.oneshot(request).await.unwrap_err();
        assert!(error.is_closed_early(), "{error:?}");
        assert_eq!(lines(&journal), [format!("{method} /die_once")]);
        handle.stop().await;
    }
}

#[tokio::test]
async fn an_idempotent_request_is_sent_again_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let (pool, handle) = UpstreamPool::builder(app().env("JOURNAL", &journal))
        .min_instances(3)
        .spawn()
        .unwrap();
    until("all are ready", || ready(&handle) == 3).await;
    let error = pool.oneshot(get("/die")).await.unwrap_err();
    assert!(error.is_closed_early(), "{error:?}");
    assert_eq!(lines(&journal).len(), 2);
    handle.stop().await;
}

#[tokio::test]
async fn a_process_found_dead_by_a_post_that_was_not_sent_costs_nothing() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let first = pid(&pool).await;
    let socket = socket(first);
    kill("KILL", first);
    // Real waiting, without the runtime: it is not to see the exit. Now the
    // connection that is kept is closed, and nobody listens.
    while std::os::unix::net::UnixStream::connect(&socket).is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let request = Request::post("/pid")
        .body(Full::<Bytes>::from("a=b"))
        .unwrap();
    let response = pool.oneshot(request).await.unwrap();
    assert_ne!(text(response).await, first.to_string());
    handle.stop().await;
}

#[tokio::test]
async fn a_post_does_not_go_to_a_process_that_is_dead_though_somebody_seems_to_listen() {
    // Its child has the listener, too, and takes no connection from it.
    let app = r#"exec python3 -c '
import os, socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
if os.fork() == 0:
    time.sleep(1000)
while True:
    peer, _ = listener.accept()
    while peer.recv(1000):
        answer = str(os.getpid()).encode()
        length = str(len(answer)).encode()
        head = b"HTTP/1.1 200 Fine\r\nContent-Length: " + length + b"\r\n\r\n"
        peer.sendall(head + answer)' "$0""#;
    let (pool, handle) = UpstreamPool::builder(shell(app).arg("{socket}"))
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let first = pid(&pool).await;
    kill("KILL", first);
    // Real waiting, without the runtime: it is not to see the exit.
    let stat = format!("/proc/{first}/stat");
    while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let request = Request::post("/pid").body(Empty::<Bytes>::new()).unwrap();
    let response = pool.oneshot(request).await.unwrap();
    assert_ne!(text(response).await, first.to_string());
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_get_fails_while_processes_are_killed() {
    let (pool, handle) = UpstreamPool::builder(app())
        .min_instances(3)
        .max_pool_size(3)
        .spawn()
        .unwrap();
    until("all are ready", || ready(&handle) == 3).await;
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (pool, over) = (pool.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let mut answers = 0;
                while !over.load(Ordering::Relaxed) {
                    let response = pool.clone().oneshot(get("/pid")).await.unwrap();
                    text(response).await;
                    answers += 1;
                }
                answers
            })
        })
        .collect();
    for _ in 0..10 {
        until("all are ready and have served", || {
            let processes = handle.snapshot().processes;
            ready(&handle) == 3 && processes.iter().all(|p| p.served > 0)
        })
        .await;
        let victim = handle.snapshot().processes[1].pid;
        kill("KILL", victim);
        until("it is gone", || {
            handle.snapshot().processes.iter().all(|p| p.pid != victim)
        })
        .await;
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        assert!(client.await.unwrap() > 0);
    }
    handle.stop().await;
}
