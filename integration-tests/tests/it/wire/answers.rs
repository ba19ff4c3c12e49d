//! What an answer looks like to a client, whatever it looked like before.

use super::{End, Reply, Wire};

const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\n\r\npage";
const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n4\r\npage\r\n0\r\n\r\n";

/// On the same connection, so that what was left of an answer is found.
const NEXT: &str = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn a_head_is_answered_as_a_get_is_but_for_the_content() {
    let replies = vec![
        (
            "/page",
            Reply::whole("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b\r\n\r\n"),
        ),
        (
            "/chunked",
            Reply::whole("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"),
        ),
        (
            "/unknown",
            Reply::whole("HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n"),
        ),
        (
            "/empty",
            Reply::whole("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: b\r\n\r\n"),
        ),
        (
            "/large",
            Reply::whole("HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\nX-A: b\r\n\r\n"),
        ),
    ];
    let lengths = [Some("4"), None, None, Some("0"), Some("1099511627776")];
    let paths: Vec<_> = replies.iter().map(|(path, _)| *path).collect();
    let wire = Wire::start(&[], replies).await;
    let mut client = wire.connect().await;
    for (path, length) in paths.into_iter().zip(lengths) {
        client
            .send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n{NEXT}"))
            .await;
        let answer = client.next("HEAD").await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.lines("x-a"), ["b"], "{path}: {answer:?}");
        // RFC 9110 §8.6: "A server MAY send a Content-Length header field in a response to
        // a HEAD request", but no other than the one of a GET.
        let said = answer.lines("content-length");
        assert!(said == length.as_slice(), "{path}: {answer:?}");
        let next = client.answer().await;
        assert_eq!(next.content, b"GET /next HTTP/1.1", "{path}: {next:?}");
    }
}

#[tokio::test]
async fn an_answer_that_has_no_content_has_none_and_no_end_of_it() {
    let replies = vec![
        (
            "/204",
            Reply::whole("HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"),
        ),
        (
            "/204-0",
            Reply::whole("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nX-A: b\r\n\r\n"),
        ),
        (
            "/304",
            Reply::whole("HTTP/1.1 304 Not Modified\r\nX-A: b\r\n\r\n"),
        ),
        (
            "/304-0",
            Reply::whole("HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\nX-A: b\r\n\r\n"),
        ),
        (
            "/304-4",
            Reply::whole("HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\nX-A: b\r\n\r\n"),
        ),
    ];
    let paths: Vec<_> = replies.iter().map(|(path, _)| *path).collect();
    let wire = Wire::start(&[], replies).await;
    let mut client = wire.connect().await;
    for path in paths {
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n{NEXT}"))
            .await;
        let answer = client.answer().await;
        assert_eq!(answer.status().to_string(), path[1..4], "{path}");
        assert_eq!(answer.lines("x-a"), ["b"], "{path}: {answer:?}");
        // RFC 9112 §6.1: "A server MUST NOT send a Transfer-Encoding header field in any
        // response with a status code of 1xx (Informational) or 204 (No Content)." RFC
        // 9110 §8.6 has the same for a length, but for a 304.
        assert_eq!(
            answer.lines("transfer-encoding"),
            [""; 0],
            "{path}: {answer:?}"
        );
        if path.starts_with("/204") {
            assert_eq!(
                answer.lines("content-length"),
                [""; 0],
                "{path}: {answer:?}"
            );
        }
        let next = client.answer().await;
        assert_eq!(next.content, b"GET /next HTTP/1.1", "{path}: {next:?}");
    }
}

#[tokio::test]
async fn a_length_that_is_none_costs_nobody_his_answer() {
    // There is no content for which it would matter. Who gets nothing on a connection
    // that was used before asks again (RFC 9112 §9.3.1).
    let wire = Wire::start(&[], Vec::new()).await;
    let lengths = ["", "x", "-1", "4, 4", "4\r\nContent-Length: 5"];
    for (method, status) in [
        ("HEAD", "200 OK"),
        ("GET", "204 No Content"),
        ("GET", "304 Not Modified"),
    ] {
        for length in lengths {
            let reply = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
            wire.origin.will_say("/page", Reply::Last(reply.into()));
            let request = format!("{method} /page HTTP/1.1\r\nHost: a\r\n\r\n{NEXT}");
            let mut client = wire.send(request).await;
            let what = format!("{method} {status} {length:?}");
            let answer = client.next(method).await;
            let answer = answer.unwrap_or_else(|| panic!("{what}: nothing"));
            let said = answer.lines("content-length").concat();
            assert!(
                said.bytes().all(|byte| byte.is_ascii_digit()),
                "{what}: {answer:?}"
            );
            let is_passed_on = answer.status().to_string() == status[..3];
            assert!(is_passed_on || answer.status() == 502, "{what}: {answer:?}");
            let next = client.answer().await;
            assert_eq!(next.content, b"GET /next HTTP/1.1", "{what}: {next:?}");
        }
    }
}

#[tokio::test]
async fn a_content_ends_as_its_head_says() {
    let empty_chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let replies = vec![
        ("/page", Reply::whole(PAGE)),
        ("/chunked", Reply::whole(CHUNKED)),
        (
            "/empty",
            Reply::whole("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ),
        ("/no-chunks", Reply::whole(empty_chunks)),
        (
            "/205",
            Reply::whole("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
        ),
        (
            "/404",
            Reply::whole("HTTP/1.1 404 Gone Fishing\r\nContent-Length: 4\r\n\r\nfish"),
        ),
        (
            "/599",
            Reply::whole("HTTP/1.1 599 \r\nContent-Length: 4\r\n\r\nwhat"),
        ),
    ];
    let contents: [&[u8]; 7] = [b"page", b"page", b"", b"", b"", b"fish", b"what"];
    let paths: Vec<_> = replies.iter().map(|(path, _)| *path).collect();
    let wire = Wire::start(&[], replies).await;
    let mut client = wire.connect().await;
    for (path, content) in paths.into_iter().zip(contents) {
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n{NEXT}"))
            .await;
        let answer = client.answer().await;
        assert!(
            [End::Length, End::Chunks].contains(&answer.end),
            "{path}: {answer:?}"
        );
        assert_eq!(answer.content, content, "{path}: {answer:?}");
        let next = client.answer().await;
        assert_eq!(next.content, b"GET /next HTTP/1.1", "{path}: {next:?}");
    }
}

#[tokio::test]
async fn what_has_come_of_an_answer_does_not_wait_for_the_rest() {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nfirst";
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let rest = "9\r\n, and end\r\n0\r\n\r\n";
    let replies = vec![
        ("/length", Reply::Halves(length.into(), ", and end".into())),
        ("/chunks", Reply::Halves(chunks.into(), rest.into())),
    ];
    let wire = Wire::start(&[], replies).await;
    let mut client = wire.connect().await;
    for path in ["/length", "/chunks"] {
        client
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .await;
        let mut answer = client.head().await;
        assert!(client.has(b"first").await, "{path}: {answer:?}");
        wire.origin.release();
        client.content(&mut answer).await;
        assert_eq!(answer.content, b"first, and end", "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn an_answer_has_one_date() {
    let dated =
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n";
    let wire = Wire::start(&[], vec![("/dated", Reply::whole(dated))]).await;
    let cases = [
        ("its own", "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (
            "the application's",
            "GET /dated HTTP/1.1\r\nHost: a\r\n\r\n",
            Some("Sun, 06 Nov 1994 08:49:37 GMT"),
        ),
        ("a refusal's", "GET /x HTTP/1.1\r\n\r\n", None),
        (
            "a malformed request's",
            "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n",
            None,
        ),
    ];
    for (name, request, expected) in cases {
        let answer = wire.send(request).await.answer().await;
        let lines = answer.lines("date");
        // RFC 9110 §6.6.1: "An origin server with a clock MUST generate a Date header
        // field in all 2xx (Successful), 3xx (Redirection), and 4xx (Client Error)
        // responses". Every such date is of this length.
        assert!(
            matches!(lines[..], [date] if date.len() == 29),
            "{name}: {answer:?}"
        );
        if let Some(expected) = expected {
            assert_eq!(lines, [expected], "{name}");
        }
    }
}

#[tokio::test]
async fn what_was_for_one_connection_stays_there() {
    // RFC 9110 §7.6.1: "Intermediaries MUST parse a received Connection header field
    // before a message is forwarded and, for each connection-option in this field, remove
    // any header or trailer field(s) from the message with the same name".
    let hop_by_hop = "HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\n\
                      Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nX-A: b\r\n\
                      Content-Length: 4\r\n\r\npage";
    let wire = Wire::start(&[], vec![("/page", Reply::whole(hop_by_hop))]).await;
    let answer = wire
        .send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .answer()
        .await;
    for name in ["connection", "x-hop", "keep-alive", "proxy-connection"] {
        assert_eq!(answer.lines(name), [""; 0], "{name}: {answer:?}");
    }
    assert_eq!(answer.lines("x-a"), ["b"]);
}

#[tokio::test]
async fn a_value_reaches_the_client_as_it_came() {
    let reply = b"HTTP/1.1 200 OK\r\nX-A: caf\xe9 \xff\r\nX-A: \tb\tc \r\nX-B:\r\nContent-Length: 0\r\n\r\n";
    let reply = Reply::Whole(reply.as_slice().into());
    let wire = Wire::start(&[], vec![("/page", reply)]).await;
    let answer = wire
        .send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .answer()
        .await;
    let lines = answer
        .fields
        .iter()
        .filter(|(name, _)| name.starts_with("x-"));
    let lines: Vec<_> = lines.map(|(_, value)| &value[..]).collect();
    assert_eq!(lines, [&b"caf\xe9 \xff"[..], b"b\tc", b""]);
}

#[tokio::test]
async fn a_large_head_reaches_the_client_whole() {
    let long = "x".repeat(40 * 1024);
    let lines: String = (0..80)
        .flat_map(|_| ["X-C: ", &long[..100], "\r\n"])
        .collect();
    let reply = format!("HTTP/1.1 200 OK\r\nX-B: {long}\r\n{lines}Content-Length: 4\r\n\r\npage");
    let wire = Wire::start(&[], vec![("/page", Reply::Whole(reply.into()))]).await;
    let request = format!("GET /page HTTP/1.1\r\nHost: a\r\n\r\n{NEXT}");
    let mut client = wire.send(request).await;
    let answer = client.answer().await;
    assert_eq!(answer.lines("x-b"), [&long], "{answer:?}");
    assert_eq!(answer.lines("x-c"), [&long[..100]; 80], "{answer:?}");
    assert_eq!(answer.content, b"page", "{answer:?}");
    assert_eq!(client.answer().await.content, b"GET /next HTTP/1.1");
}

#[tokio::test]
async fn what_is_said_before_an_answer_is_not_taken_for_it() {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
                 HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage";
    let wire = Wire::start(&[], vec![("/early", Reply::whole(early))]).await;
    for (version, may_have_more) in [("1.1", true), ("1.0", false)] {
        let mut client = wire
            .send(format!("GET /early HTTP/{version}\r\nHost: a\r\n\r\n"))
            .await;
        let answer = loop {
            let answer = client.answer().await;
            if answer.status() >= 200 {
                break answer;
            }
            // RFC 9110 §15.2: "a server MUST NOT send a 1xx response to an HTTP/1.0
            // client."
            assert!(may_have_more, "{answer:?}");
        };
        assert_eq!(answer.content, b"page", "{answer:?}");
    }
}
