//! Pages that are answered from memory: by the same rules, but nobody behind the server
//! takes part in it.

use bytes::Bytes;

use super::{Client, End, Message, Reply, Wire};

const CONTENT: &str = "0123456789";

/// In front of an application whose `/page` may be kept, and is.
async fn start() -> (Wire, Client) {
    let page = format!(
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nETag: \"x\"\r\nX-A: b\r\n\
         Content-Length: {}\r\n\r\n{CONTENT}",
        CONTENT.len()
    );
    let wire = Wire::start(&[], vec![("/page", Reply::Whole(Bytes::from(page)))]).await;
    let mut client = wire.send(get("")).await;
    assert!(!is_hit(&client.answer().await));
    // On the same connection, so that the answer before is over, and kept.
    client.send(get("")).await;
    assert!(is_hit(&client.answer().await));
    wire.origin.take();
    (wire, client)
}

fn get(lines: &str) -> String {
    format!("GET /page HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

fn is_hit(answer: &Message) -> bool {
    answer.lines("cache-status").concat().contains("; hit")
}

#[tokio::test]
async fn many_at_once_are_answered_one_by_one() {
    let (wire, mut client) = start().await;
    let miss = "GET /miss HTTP/1.1\r\nHost: a\r\n\r\n";
    // Those behind a miss wait for it, too.
    client
        .send([&get("").repeat(100), miss].concat().repeat(3))
        .await;
    for _ in 0..3 {
        for number in 0..100 {
            let answer = client.answer().await;
            assert!(is_hit(&answer), "{number}: {answer:?}");
            assert_eq!(answer.content, CONTENT.as_bytes(), "{number}: {answer:?}");
            assert_eq!(answer.lines("date").len(), 1, "{number}: {answer:?}");
            assert_eq!(
                answer.lines("content-length"),
                ["10"],
                "{number}: {answer:?}"
            );
        }
        assert_eq!(client.answer().await.content, b"GET /miss HTTP/1.1");
    }
    assert_eq!(wire.origin.take().len(), 3);
}

#[tokio::test]
async fn what_has_no_content_has_none() {
    let (wire, mut client) = start().await;
    let cases = [
        ("HEAD", "", 200, ""),
        ("GET", "If-None-Match: \"x\"\r\n", 304, ""),
        ("HEAD", "If-None-Match: \"x\"\r\n", 304, ""),
        ("GET", "If-None-Match: \"y\"\r\n", 200, CONTENT),
        ("GET", "Range: bytes=2-4\r\n", 206, "234"),
        ("GET", "Range: bytes=20-\r\n", 416, ""),
    ];
    // All of them in one packet: what is left of one would be found in the next.
    let requests = cases
        .map(|(method, lines, ..)| format!("{method} /page HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    client.send(requests.concat()).await;
    for (method, lines, status, content) in cases {
        let answer = client.next(method).await.expect("an answer");
        assert_eq!(answer.status(), status, "{method} {lines}: {answer:?}");
        assert_eq!(
            answer.content,
            content.as_bytes(),
            "{method} {lines}: {answer:?}"
        );
        if method == "HEAD" && status == 200 {
            assert_eq!(answer.lines("content-length"), ["10"], "{answer:?}");
        }
        assert_eq!(
            answer.lines("transfer-encoding"),
            [""; 0],
            "{method} {lines}: {answer:?}"
        );
    }
    assert_eq!(wire.origin.take(), []);
}

#[tokio::test]
async fn a_body_that_comes_with_the_request_is_not_left_behind() {
    let (wire, _) = start().await;
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    let bodies = [
        "Content-Length: 5\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        // A refusal to go on is one with the answer.
        "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        "If-None-Match: \"x\"\r\nContent-Length: 5\r\n\r\nhello",
    ];
    for body in bodies {
        let mut client = wire
            .send(format!("GET /page HTTP/1.1\r\nHost: a\r\n{body}{next}"))
            .await;
        let mut answer = client.answer().await;
        while answer.status() == 100 {
            answer = client.answer().await;
        }
        assert!([200, 304].contains(&answer.status()), "{body}: {answer:?}");
        // It goes on behind the body, or not at all.
        match client.next("GET").await {
            Some(next) => assert_eq!(next.content, b"GET /next HTTP/1.1", "{body}: {next:?}"),
            None => assert_eq!(answer.lines("connection"), ["close"], "{body}: {answer:?}"),
        }
        let requests = wire.origin.take();
        let expected = ["/page", "/next"];
        assert!(
            requests
                .iter()
                .all(|request| expected.contains(&request.path())),
            "{body}: {requests:?}"
        );
    }
}

#[tokio::test]
async fn an_old_client_is_answered_as_it_understands() {
    let (wire, _) = start().await;
    for (lines, connection) in [
        ("", &[][..]),
        ("Connection: keep-alive\r\n", &["keep-alive"]),
    ] {
        let request = format!("GET /page HTTP/1.0\r\nHost: a\r\n{lines}\r\n");
        let mut client = wire.send(&request).await;
        let answer = client.answer().await;
        assert!(is_hit(&answer), "{answer:?}");
        assert_eq!(answer.content, CONTENT.as_bytes());
        assert_eq!(answer.end, End::Length);
        if connection.is_empty() {
            assert_eq!(client.closed().await, b"");
        } else {
            assert_eq!(answer.lines("connection"), connection, "{answer:?}");
            client.send(&request).await;
            assert!(is_hit(&client.answer().await));
        }
    }
}

#[tokio::test]
async fn who_asks_for_no_more_is_told_that_there_is_no_more() {
    let (_wire, mut client) = start().await;
    let last = get("Connection: close\r\n");
    client.send([get(""), last, get("")].concat()).await;
    assert_eq!(client.answer().await.lines("connection"), [""; 0]);
    let answer = client.answer().await;
    assert!(is_hit(&answer), "{answer:?}");
    assert_eq!(answer.lines("connection"), ["close"], "{answer:?}");
    assert_eq!(client.closed().await, b"");
}
