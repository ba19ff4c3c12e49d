//! Clients that take their time.

use super::{Reply, Wire};

#[tokio::test]
async fn a_head_that_stalls_is_let_go_wherever_it_does() {
    let wire = Wire::start(&["--header-timeout", "1"], Vec::new()).await;
    let begun = [
        "\r\n",
        "G",
        "GET /x",
        "GET /x HTTP/1.1\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n\r",
        // Behind a request that was answered.
        "GET /y HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost",
        "POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nokGET /x HTTP/1.1\r\nHost",
    ];
    let mut clients = Vec::new();
    for bytes in begun {
        clients.push((bytes, wire.send(bytes).await));
    }
    for (bytes, mut client) in clients {
        while let Some(answer) = client.next("GET").await {
            let is_answered = answer.content.ends_with(b"/y HTTP/1.1") || answer.status() == 408;
            assert!(is_answered, "{bytes}: {answer:?}");
        }
    }
    let heard = wire.origin.take();
    assert_eq!(heard.len(), 2, "{heard:?}");
}

#[tokio::test]
async fn a_body_that_stalls_is_let_go_and_reaches_nobody() {
    let wire = Wire::start(&["--body-timeout", "1"], Vec::new()).await;
    for (name, begun) in [
        ("nothing of it", "Content-Length: 2\r\n\r\n"),
        ("half of it", "Content-Length: 2\r\n\r\no"),
        ("half a chunk", "Transfer-Encoding: chunked\r\n\r\n2\r\no"),
    ] {
        let mut client = wire
            .send(format!("POST /x HTTP/1.1\r\nHost: a\r\n{begun}"))
            .await;
        assert_eq!(client.answer().await.status(), 408, "{name}");
        assert!(client.closed().await.is_empty(), "{name}");
    }
    let heard = wire.origin.take();
    assert!(heard.is_empty(), "{heard:?}");
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_let_go() {
    // More than the operating system keeps at both ends.
    let content = vec![b'x'; 32 << 20];
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    let page = Reply::Whole([head.as_bytes(), &content].concat().into());
    let options = ["--send-timeout", "1"];
    let wire = Wire::start(&options, vec![("/page", page)]).await;
    let mut client = wire.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n").await;
    wire.server
        .logs("the client took nothing of its answer in time")
        .await;
    wire.server.in_flight(0).await;
    let rest = client.closed().await;
    assert!(rest.len() < content.len(), "{}", rest.len());
}
