//! Clients that go, or half go.

use integration_tests::wait;

use super::{End, Reply, Wire};

#[tokio::test]
async fn an_application_learns_that_its_client_has_left_within_the_answer() {
    let options = ["--response-buffer-high-watermark", "1"];
    let wire = Wire::start(&options, vec![("/endless", Reply::Endless)]).await;
    let mut client = wire.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.head().await.status(), 200);
    drop(client);
    wire.origin.is_refused().await;
}

#[tokio::test]
async fn who_hangs_up_behind_a_request_gets_all_of_the_answer_or_none_of_it() {
    // Hardly any client does that and goes on to read: as with nginx, it has left. RFC
    // 9112 §9.6 leaves it open.
    let wire = Wire::start(&[], Vec::new()).await;
    for _ in 0..20 {
        let mut client = wire.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        client.hang_up().await;
        if let Some(answer) = client.next("GET").await {
            assert_eq!(answer.end, End::Length, "{answer:?}");
            assert_eq!(answer.content, b"GET /x HTTP/1.1");
        }
        assert_eq!(client.closed().await, b"");
    }
}

#[tokio::test]
async fn who_hangs_up_behind_the_last_request_gets_all_of_the_answer_or_none_of_it() {
    let wire = Wire::start(&[], Vec::new()).await;
    for last in ["HTTP/1.1\r\nHost: a\r\nConnection: close", "HTTP/1.0"] {
        let mut client = wire.send(format!("GET /x {last}\r\n\r\n")).await;
        client.hang_up().await;
        if let Some(answer) = client.next("GET").await {
            assert_eq!(answer.content, b"GET /x HTTP/1.1", "{answer:?}");
        }
        assert_eq!(client.closed().await, b"");
    }
}

#[tokio::test]
async fn who_hangs_up_within_a_request_has_not_asked() {
    let wire = Wire::start(&["--stream-requests-below", "/streamed"], Vec::new()).await;
    let requests = [
        "G",
        "GET /x HTTP/1.1",
        "GET /x HTTP/1.1\r\nHost: a\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n\r",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello",
        "POST /streamed HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell",
        "POST /streamed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ];
    for request in requests {
        let mut client = wire.send(request).await;
        client.hang_up().await;
        // RFC 9112 §8: "A server that receives an incomplete request message, usually due
        // to a canceled request or a triggered timeout exception, MAY send an error
        // response prior to closing the connection."
        if let Some(answer) = client.next("GET").await {
            assert!(
                matches!(answer.status(), 400 | 408 | 413),
                "{request}: {answer:?}"
            );
        }
        assert_eq!(client.closed().await, b"", "{request}");
        assert_eq!(wire.origin.take(), [], "{request}");
    }
}

#[tokio::test]
async fn who_leaves_without_a_word_leaves_nothing_behind() {
    let held = Reply::Held("HTTP/1.1 204 No Content\r\n\r\n".into());
    let wire = Wire::start(&[], vec![("/held", held)]).await;
    let mut clients = Vec::new();
    for number in 0..10 {
        // One page for all of them would be fetched once.
        let request = format!("GET /held?{number} HTTP/1.1\r\nHost: a\r\n\r\n");
        clients.push(wire.send(request).await);
    }
    wire.origin.has_begun(10).await;
    wire.server.in_flight(10).await;
    drop(clients);
    wire.server.in_flight(0).await;
    // Nor does it keep anybody from stopping.
    let stopped = wait::bounded("a stop", wire.server.stop()).await;
    assert!(stopped.status.success(), "{stopped:?}");
}
