//! Many clients at once.

use http::{Method, StatusCode, header::RETRY_AFTER};
use integration_tests::{
    Server,
    client::{self, request},
    wait,
};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::unruly;

#[tokio::test]
async fn twenty_who_ask_at_once_for_a_slow_page_reach_the_application_once() {
    // Room for all twenty, so that it is not the queue that holds them back.
    let server = unruly::start(&["--force-max-concurrent-requests-per-process", "0"]).await;
    let path = "/slowly/Cache-Control=public,max-age=60";
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        clients.spawn(client::try_fetch(
            server.address(),
            request(Method::GET, path),
        ));
    }

    let mut bodies = Vec::new();
    for page in clients.join_all().await {
        let page = page.unwrap();
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        bodies.push(page.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn twenty_who_ask_at_once_for_a_page_that_no_cache_may_keep_get_one_each() {
    let server = unruly::start(&["--force-max-concurrent-requests-per-process", "0"]).await;
    let path = "/slowly/Cache-Control=no-store";
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        clients.spawn(client::try_fetch(
            server.address(),
            request(Method::GET, path),
        ));
    }

    let pages = clients.join_all().await.into_iter();
    let mut bodies: Vec<_> = pages.map(|page| page.unwrap().body).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 20, "{bodies:?}");
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let server = unruly::start_with_one_slot(&["--max-request-queue-size", "1"]).await;
    let mut first = TcpStream::connect(server.address()).await.unwrap();
    first
        .write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    // Not only in flight: it must have left the queue.
    a_session_in_each_process(&server).await;
    let address = server.address();
    let queued = tokio::spawn(client::try_fetch(address, request(Method::GET, "/answer")));
    wait::until("a request in the queue", async || {
        (server.status().await["applications"][0]["pool"]["queue"]["length"] == 1).then_some(())
    })
    .await;

    let refused = server.get("/answer?refused").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let seconds: u32 = refused.header(RETRY_AFTER.as_str()).parse().unwrap();
    assert!(seconds > 0, "{refused:?}");

    // Before the upload: there is no 100 that would ask for it.
    let upload = b"POST /head HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
                   Connection: close\r\nContent-Length: 1000000\r\n\r\n";
    let refused = server.exchange(upload).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");

    // Whoever queued is next.
    drop(first);
    let page = queued.await.unwrap().unwrap();
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
}

#[tokio::test]
async fn requests_are_spread_over_all_processes() {
    let server = unruly::start(&["--min-instances", "3", "--max-pool-size", "3"]).await;
    wait::until("three ready processes", async || {
        (server.ready_processes().await.len() == 3).then_some(())
    })
    .await;

    let mut clients = Vec::new();
    for number in 0..3 {
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        // Three pages, or the cache would wait for one.
        let request = format!("GET /never?{number} HTTP/1.1\r\nHost: a\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        clients.push(client);
    }
    a_session_in_each_process(&server).await;
}

async fn a_session_in_each_process(server: &Server) {
    wait::until("a session in each process", async || {
        let status = server.status().await;
        let processes = status["applications"][0]["pool"]["processes"]
            .as_array()
            .unwrap();
        let busy = |process: &Value| process["sessions"] == 1;
        (!processes.is_empty() && processes.iter().all(busy)).then_some(())
    })
    .await;
}
