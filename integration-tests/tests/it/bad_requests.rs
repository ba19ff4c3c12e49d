//! What no honest client sends is refused with a status that says why, and
//! costs nobody else anything.

use std::time::Duration;

use http::StatusCode;
use integration_tests::{Server, client, wait};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time,
};

use crate::unruly;

#[tokio::test]
async fn a_malformed_request_is_answered_with_400() {
    let server = unruly::start_with_one_slot(&[]).await;
    let cases = [
        ("no HTTP at all", "Good morning!\r\n\r\n"),
        ("no method", " / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "a control character in the path",
            "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "a field without a colon",
            "GET / HTTP/1.1\r\nHost: a\r\nNonsense\r\n\r\n",
        ),
        (
            "a space before the colon",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        ),
        (
            "a folded line",
            "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n",
        ),
        (
            "a zero byte in a value",
            "GET / HTTP/1.1\r\nHost: a\r\nX-A: \0\r\n\r\n",
        ),
        ("no host", "GET / HTTP/1.1\r\n\r\n"),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        (
            "a host that is none",
            "GET / HTTP/1.1\r\nHost: a/b c\r\n\r\n",
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        ),
        (
            "a length that is no number",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: two\r\n\r\nab",
        ),
        (
            "a length with a sign",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nab",
        ),
        (
            "a coding that does not end",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        ),
    ];
    for (name, request) in cases {
        let answer = server.exchange(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{name}: {answer:?}");
    }
    serves_on(&server).await;
}

#[tokio::test]
async fn a_head_over_64_kib_is_answered_with_431() {
    let server = unruly::start_with_one_slot(&[]).await;
    let fields = |count: usize, bytes: usize| {
        let value = "x".repeat(bytes);
        let fields = format!("X-Padding: {value}\r\n").repeat(count);
        format!("GET /answer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n")
    };
    let cases = [
        ("within every limit", fields(60, 1000), "200"),
        ("one large field", fields(1, 65 * 1024), "431"),
        ("large in all", fields(80, 1024), "431"),
        ("many small fields", fields(5000, 1), "431"),
    ];
    for (name, request, status) in cases {
        let answer = server.exchange(request.as_bytes()).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{name}: {answer:?}");
    }
    serves_on(&server).await;
}

#[tokio::test]
async fn a_length_beside_chunks_never_reaches_the_application() {
    let server = unruly::start_with_one_slot(&[]).await;
    let answer = server
        .exchange(
            b"POST /head HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
              Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
              0\r\n\r\n",
        )
        .await;

    // RFC 9112 §6.1: refuse it, or let the chunks alone count.
    let head = answer.to_ascii_lowercase();
    let both = head.contains("content-length: 4") && head.contains("transfer-encoding: chunked");
    assert!(answer.starts_with("HTTP/1.1 400 ") || !both, "{answer}");
    serves_on(&server).await;
}

#[tokio::test]
async fn a_body_that_is_cut_off_gets_no_answer_and_frees_its_slot() {
    let server = unruly::start_with_one_slot(&[]).await;
    let cases = [
        ("of known length", "Content-Length: 100\r\n\r\n0123456789"),
        (
            "in chunks",
            "Transfer-Encoding: chunked\r\n\r\n64\r\n0123456789",
        ),
        (
            "in a broken chunk",
            "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        ),
    ];
    for (name, rest) in cases {
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        let request = format!("POST /answer HTTP/1.1\r\nHost: a\r\n{rest}");
        client.write_all(request.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();

        let answer = client::read_to_end(&mut client).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 400 ");
        assert!(refused, "{name}: {answer}");
        serves_on(&server).await;
    }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_not_waited_for_forever() {
    let server = unruly::start_with_one_slot(&["--header-timeout", "1"]).await;
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nX-Padding: ")
        .await
        .unwrap();

    let mut answer = Vec::new();
    let (mut read, mut write) = client.split();
    wait::bounded("the server to lose patience", async {
        tokio::select! {
            // A reset is a close, too.
            _ = read.read_to_end(&mut answer) => {}
            () = async {
                while write.write_all(b"x").await.is_ok() {
                    // It is the client that is slow here.
                    time::sleep(Duration::from_millis(100)).await;
                }
            } => {}
        }
    })
    .await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
        "{answer}"
    );
    serves_on(&server).await;
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_slot() {
    let server = unruly::start_with_one_slot(&[]).await;
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client
        .write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    server.in_flight(1).await;

    drop(client);
    serves_on(&server).await;
}

/// The only slot is free, and the process that holds it was not restarted.
async fn serves_on(server: &Server) {
    let page = server.get("/answer").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    server.in_flight(0).await;
    let status = server.status().await;
    let processes = status["applications"][0]["pool"]["processes"]
        .as_array()
        .unwrap();
    assert_eq!(processes.len(), 1, "{status:#}");
    assert_eq!(processes[0]["sessions"], 0, "{status:#}");
}
