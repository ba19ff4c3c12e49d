//! What either side says, the other one hears.

use http::StatusCode;
use integration_tests::{Server, client, processes, wait};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

use super::{
    Application, LARGE, NODE, PYTHON, RUBY, closed, echo, hear, offer, open, say, websocket,
};

async fn messages_go_both_ways(application: &Application) {
    let server = application.start_one(&[]).await;
    let mut socket = websocket(&server).await;
    let hello = Message::text("hello");
    assert_eq!(say(&mut socket, hello.clone()).await, hello);
    let large = Message::binary(vec![7; LARGE / 8]);
    assert_eq!(say(&mut socket, large.clone()).await, large);

    // It is a request that runs, and no other's business.
    open(&server, 1).await;
    server.in_flight(1).await;
    server.sessions(1).await;

    socket.close(None).await.unwrap();
    closed(&mut socket).await;
    // As a browser does, which does not say "close" and stay.
    drop(socket);
    open(&server, 0).await;
    server.in_flight(0).await;
    server.sessions(0).await;
}

#[tokio::test]
async fn a_websocket_to_node() {
    messages_go_both_ways(&NODE).await;
}

#[tokio::test]
async fn a_websocket_to_uvicorn() {
    messages_go_both_ways(&PYTHON).await;
}

async fn bytes_go_both_ways_at_once(application: &Application) {
    let server = application.start_one(&[]).await;
    let mut stream = echo(&server).await;
    let large: Vec<u8> = (0..LARGE).map(|n| n.to_le_bytes()[0]).collect();
    let (mut reads, mut writes) = stream.split();
    let mut heard = vec![0; LARGE];
    let exchange = async {
        tokio::try_join!(writes.write_all(&large), reads.read_exact(&mut heard)).unwrap();
    };
    wait::bounded("a large echo", exchange).await;
    assert!(heard == large);

    // Who has no more to say may still listen.
    stream.shutdown().await.unwrap();
    assert_eq!(client::read_to_end(&mut stream).await, "that was all");
    open(&server, 0).await;
}

#[tokio::test]
async fn another_protocol_to_node() {
    bytes_go_both_ways_at_once(&NODE).await;
}

#[tokio::test]
async fn a_connection_that_puma_lets_an_application_hijack() {
    bytes_go_both_ways_at_once(&RUBY).await;
}

#[tokio::test]
async fn who_does_not_wait_for_the_answer_is_heard_all_the_same() {
    let server = NODE.start_one(&[]).await;
    let (mut stream, head, _) = offer(&server, "echo", b"early").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(hear(&mut stream, 5).await, b"early");
}

#[tokio::test]
async fn the_head_of_a_switch_is_as_the_application_sent_it() {
    let server = NODE.start_one(&[]).await;
    let (_stream, head, _) = offer(&server, "x, echo", b"").await;
    let lines: Vec<_> = head.trim_end().lines().map(str::to_lowercase).collect();
    assert_eq!(lines[0], "http/1.1 101 switching protocols");
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert!(lines.contains(&"connection: upgrade".to_owned()), "{head}");
    assert!(lines.contains(&"upgrade: echo".to_owned()), "{head}");
    assert_eq!((count("connection:"), count("upgrade:")), (1, 1), "{head}");
    // RFC 9110 §8.6 and RFC 9112 §6.1: neither in a 1xx response.
    assert_eq!(count("content-length:") + count("transfer-encoding:"), 0);
    assert!(head.to_lowercase().contains("detail=upgrade"), "{head}");
}

#[tokio::test]
async fn an_offer_that_is_refused_is_a_request_like_any_other() {
    let server = NODE.start_one(&[]).await;
    let mut request = client::request(http::Method::GET, "/elsewhere");
    let headers = request.headers_mut();
    headers.insert("connection", "upgrade".parse().unwrap());
    headers.insert("upgrade", "websocket".parse().unwrap());
    let page = server.send(request).await;
    assert_eq!(
        (page.status, page.body.as_str()),
        (StatusCode::FORBIDDEN, "no")
    );
    server.in_flight(0).await;
    server.sessions(0).await;
}

#[tokio::test]
async fn an_offer_of_http_2_is_not_passed_on_and_does_not_pass_the_cache_by() {
    let server = NODE.start_one(&[]).await;
    for expected_hit in [false, true, true] {
        // As `curl --http2` does.
        let mut request = client::request(http::Method::GET, "/cached");
        let headers = request.headers_mut();
        headers.insert("connection", "Upgrade, HTTP2-Settings".parse().unwrap());
        headers.insert("upgrade", "h2c".parse().unwrap());
        headers.insert(
            "http2-settings",
            "AAMAAABkAAQAoAAAAAIAAAAA".parse().unwrap(),
        );
        let page = server.send(request).await;
        assert_eq!(page.body, "rendering 1");
        assert_eq!(page.is_hit(), expected_hit);
    }
}

#[tokio::test]
async fn connect_is_refused() {
    let server = NODE.start_one(&[]).await;
    let answer = server
        .exchange(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
}

#[tokio::test]
async fn a_switch_is_never_stored_or_shared() {
    let server = NODE.start_one(&[]).await;
    // At once, so that one might wait for another's answer.
    let (mut one, mut other) = tokio::join!(echo(&server), echo(&server));
    one.write_all(b"one").await.unwrap();
    other.write_all(b"two").await.unwrap();
    assert_eq!(hear(&mut one, 3).await, b"one");
    assert_eq!(hear(&mut other, 3).await, b"two");
    open(&server, 2).await;
    assert_eq!(
        server.status().await["applications"][0]["cache"]["entries"],
        0
    );
}

#[tokio::test]
async fn a_client_that_vanishes_frees_its_place() {
    for application in [&NODE, &RUBY] {
        let server = application.start_one(&[]).await;
        let mut stream = echo(&server).await;
        open(&server, 1).await;
        // With something that it has not read, so that it resets.
        stream.write_all(b"anybody there?").await.unwrap();
        stream.readable().await.unwrap();
        drop(stream);
        open(&server, 0).await;
        server.sessions(0).await;
        server.in_flight(0).await;
    }
}

#[tokio::test]
async fn an_application_that_dies_is_a_connection_that_ends() {
    let server = NODE.start_one(&[]).await;
    let mut stream = echo(&server).await;
    processes::kill(server.ready_processes().await[0]);
    assert_eq!(client::read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn an_open_socket_takes_the_only_place_of_a_process_but_not_of_another_one() {
    let one_each = ["--force-max-concurrent-requests-per-process", "1"];
    let two = [&one_each[..], &["--max-pool-size", "2"]].concat();
    let server = NODE.start(&two).await;
    let mut first = echo(&server).await;
    let second = server.get("/").await.body;
    first.write_all(b"one").await.unwrap();
    assert_eq!(hear(&mut first, 3).await, b"one");
    let _second = echo(&server).await;

    // Both are taken: the next one waits until a place is free.
    let address = server.address();
    let waiting = tokio::spawn(async move {
        client::try_fetch(address, client::request(http::Method::GET, "/")).await
    });
    wait::until("a request that queues", async || {
        (server.status().await["applications"][0]["pool"]["queue"]["length"] == 1).then_some(())
    })
    .await;
    drop(first);
    let page = wait::bounded("its turn", waiting).await.unwrap().unwrap();
    assert_ne!(page.body, second);
}

#[tokio::test]
async fn a_server_that_runs_already_may_switch_as_well() {
    let behind = NODE.start_one(&[]).await;
    let upstream = format!("http://{}", behind.address());
    let server = Server::start(&["start", "--upstream", &upstream]).await;
    let mut socket = websocket(&server).await;
    let hello = Message::text("hello");
    assert_eq!(say(&mut socket, hello.clone()).await, hello);
    drop(socket);
    behind.sessions(0).await;
}
