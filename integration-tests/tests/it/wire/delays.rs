//! Clients that take their time. For one that takes too much of it over a body, the
//! server has a minute of patience, which is too much for a test.

use super::Wire;

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
