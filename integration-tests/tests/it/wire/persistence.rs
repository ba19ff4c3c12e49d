//! Whether a connection outlives an answer (RFC 9112 §9.3), and what the answer says.

use bytes::Bytes;

use super::{Client, End, Message, Reply, Wire};

/// What an answer's `Connection` says, as a set of options in lower case.
fn connection(answer: &Message) -> Vec<String> {
    let options = answer.lines("connection").join(",").to_ascii_lowercase();
    let options = options.split(',').map(str::trim);
    options
        .filter(|option| !option.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What follows an answer: the end of the connection, or what is asked then.
async fn keeps_its_word(client: &mut Client, answer: &Message, what: &str) {
    if connection(answer).contains(&"close".to_owned()) {
        assert_eq!(client.closed().await, b"", "{what}");
    } else {
        client.send("GET /again HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let next = client.answer().await;
        assert_eq!(next.content, b"GET /again HTTP/1.1", "{what}: {next:?}");
    }
}

#[tokio::test]
async fn a_connection_is_kept_unless_somebody_says_otherwise() {
    const KEPT: bool = true;
    const CLOSED: bool = false;
    let wire = Wire::start(&[], Vec::new()).await;
    let cases: [(_, &str, _); 17] = [
        ("1.1", "", KEPT),
        ("1.1", "Connection: keep-alive\r\n", KEPT),
        ("1.1", "Connection:\r\n", KEPT),
        ("1.1", "Connection: closed\r\n", KEPT),
        ("1.1", "Connection: x-close\r\n", KEPT),
        ("1.1", "Proxy-Connection: close\r\n", KEPT),
        ("1.1", "Connection: close\r\n", CLOSED),
        ("1.1", "connection:CLOSE\r\n", CLOSED),
        ("1.1", "Connection: x, Close\r\n", CLOSED),
        ("1.1", "Connection: ,close,\r\n", CLOSED),
        ("1.1", "Connection: x\r\nConnection: close\r\n", CLOSED),
        // §9.3: "If the "close" connection option is present [...], the connection will
        // not persist after the current response; else [...]".
        ("1.1", "Connection: close, keep-alive\r\n", CLOSED),
        (
            "1.1",
            "Connection: keep-alive\r\nConnection: close\r\n",
            CLOSED,
        ),
        ("1.0", "", CLOSED),
        ("1.0", "Connection: keep-alive, close\r\n", CLOSED),
        ("1.0", "Connection: x\r\n", CLOSED),
        ("1.0", "Connection: Keep-Alive\r\n", KEPT),
    ];
    for (version, lines, kept) in cases {
        let what = format!("{version} with {lines:?}");
        let request = format!("GET /x HTTP/{version}\r\nHost: a\r\n{lines}\r\n");
        let mut client = wire.send(&request).await;
        let answer = client.answer().await;
        assert_eq!(answer.status(), 200, "{what}: {answer:?}");
        assert_eq!(answer.end, End::Length, "{what}: {answer:?}");
        let said = connection(&answer);
        let expected: &[&[&str]] = match (version, kept) {
            // Whoever speaks 1.0 expects the end unless he is told otherwise.
            ("1.0", true) => &[&["keep-alive"]],
            ("1.0", false) => &[&[], &["close"]],
            (_, true) => &[&[], &["keep-alive"]],
            // §9.6: a server "SHOULD send a "close" connection option in its final
            // response on that connection".
            (_, false) => &[&["close"]],
        };
        assert!(
            expected.iter().any(|options| said == *options),
            "{what}: {said:?}"
        );
        if kept {
            client.send(&request).await;
            let next = client.answer().await;
            assert_eq!(next.content, answer.content, "{what}: {next:?}");
        } else {
            assert_eq!(client.closed().await, b"", "{what}");
        }
    }
}

#[tokio::test]
async fn what_comes_behind_the_last_request_is_no_request() {
    let wire = Wire::start(&[], Vec::new()).await;
    // §9.6: "The server MUST NOT process any further requests received on that
    // connection."
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    for head in ["HTTP/1.1\r\nHost: a\r\nConnection: close", "HTTP/1.0"] {
        let mut client = wire.send(format!("GET /x {head}\r\n\r\n{next}")).await;
        assert_eq!(client.answer().await.status(), 200, "{head}");
        assert_eq!(client.closed().await, b"", "{head}");
        let requests = wire.origin.take();
        assert_eq!(requests.len(), 1, "{head}: {requests:?}");
    }
}

#[tokio::test]
async fn the_application_s_connection_is_not_its_client_s() {
    let replies = vec![
        (
            "/close",
            Reply::last("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nyes"),
        ),
        (
            "/without-length",
            Reply::last("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nyes"),
        ),
        ("/http-1.0", Reply::last("HTTP/1.0 200 OK\r\n\r\nyes")),
        (
            "/keep-alive",
            Reply::whole(
                "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=1\r\n\
                 Content-Length: 3\r\n\r\nyes",
            ),
        ),
    ];
    let wire = Wire::start(&[], replies).await;
    for path in ["/close", "/without-length", "/http-1.0", "/keep-alive"] {
        let mut client = wire
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        let answer = client.answer().await;
        assert_eq!(answer.content, b"yes", "{path}: {answer:?}");
        assert!(
            [End::Length, End::Chunks].contains(&answer.end),
            "{path}: {answer:?}"
        );
        keeps_its_word(&mut client, &answer, path).await;
    }
}

#[tokio::test]
async fn an_old_client_may_keep_only_what_has_an_end() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n";
    let empty = "HTTP/1.1 204 No Content\r\n\r\n";
    let unchanged = "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n";
    let replies = vec![
        ("/chunked", Reply::Halves(head.into(), "0\r\n\r\n".into())),
        ("/empty", Reply::whole(empty)),
        ("/unchanged", Reply::whole(unchanged)),
    ];
    let wire = Wire::start(&[], replies).await;
    let ask = |path| format!("GET {path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    let mut client = wire.send(ask("/chunked")).await;
    // Its length is not known while it begins.
    let mut answer = client.head().await;
    wire.origin.release();
    client.content(&mut answer).await;
    assert_eq!(answer.content, b"yes", "{answer:?}");
    // RFC 9112 §6.1: "A server MUST NOT send a response containing Transfer-Encoding unless
    // the corresponding request indicates HTTP/1.1".
    assert_eq!(answer.end, End::Connection, "{answer:?}");
    assert!(
        !connection(&answer).contains(&"keep-alive".to_owned()),
        "{answer:?}"
    );

    for path in ["/empty", "/unchanged"] {
        let mut client = wire.send(ask(path)).await;
        for _ in 0..2 {
            let answer = client.answer().await;
            assert_eq!(connection(&answer), ["keep-alive"], "{answer:?}");
            client.send(ask(path)).await;
        }
    }
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let page = Bytes::from_static(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage");
    let wire = Wire::start(&[], vec![("/page", Reply::Whole(page))]).await;
    let mut client = wire.connect().await;
    for number in 0..500 {
        client.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let answer = client.answer().await;
        assert_eq!(answer.content, b"page", "{number}: {answer:?}");
    }
}
