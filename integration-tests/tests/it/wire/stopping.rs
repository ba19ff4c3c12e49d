//! What clients find who ask just when the server stops: no request is lost.

use integration_tests::wait;
use tokio::net::TcpStream;

use super::{End, Reply, Wire};

fn held() -> Vec<(&'static str, Reply)> {
    let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast";
    vec![("/held", Reply::Held(bytes.into()))]
}

#[tokio::test]
async fn a_request_that_runs_is_answered_and_told_that_it_was_the_last() {
    let wire = Wire::start(&[], held()).await;
    let mut client = wire.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.lines("connection"), [""; 0]);
    client.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n").await;
    wire.origin.has_begun(2).await;

    wire.server.terminate();
    refuses_connections(&wire).await;
    wire.origin.release();
    let answer = client.answer().await;
    assert_eq!(answer.content, b"last");
    assert_eq!(answer.lines("connection"), ["close"], "{answer:?}");
    assert_eq!(client.closed().await, b"");
    assert!(wire.server.ended().await.status.success());
}

#[tokio::test]
async fn a_body_that_is_on_its_way_is_waited_for() {
    let wire = Wire::start(&[], Vec::new()).await;
    let mut client = wire
        .send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst")
        .await;
    wire.server.in_flight(1).await;
    wire.server.terminate();
    refuses_connections(&wire).await;
    client.send(" last").await;
    let answer = client.answer().await;
    assert_eq!(answer.content, b"POST /x HTTP/1.1");
    assert_eq!(answer.lines("connection"), ["close"], "{answer:?}");
    assert_eq!(client.closed().await, b"");
    assert_eq!(wire.origin.take()[0].content, b"first last");
}

#[tokio::test]
async fn a_request_that_comes_at_that_very_moment_is_answered_or_never_reaches_anybody() {
    const CLIENTS: usize = 20;
    let wire = Wire::start(&[], Vec::new()).await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = wire.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n").await;
        client.answer().await;
        clients.push(client);
    }
    wire.origin.take();

    for (number, client) in clients.iter_mut().enumerate() {
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        if number == CLIENTS / 2 {
            wire.server.terminate();
        }
    }
    let mut answered = 0;
    for client in &mut clients {
        if let Some(answer) = client.next("GET").await {
            assert_eq!(answer.end, End::Length, "{answer:?}");
            assert_eq!(answer.content, b"GET /x HTTP/1.1");
            answered += 1;
        }
        // What was answered before the stop was known is not told so.
        assert_eq!(client.closed().await, b"");
    }
    let stopped = wire.server.ended().await;
    assert!(stopped.status.success(), "{stopped:?}");
    // RFC 9112 §9.3.1: a client may ask again whose connection was closed before anything
    // came. So whoever got nothing is to have caused nothing.
    assert_eq!(wire.origin.take().len(), answered);
}

/// The stop has begun.
async fn refuses_connections(wire: &Wire) {
    wait::until("the server not to listen", async || {
        let address = wire.server.address();
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
}
