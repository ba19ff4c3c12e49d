//! What a request asks for, and of whom (RFC 9112 §3.2).

use super::{
    Wire,
    request_lines::judge_lines,
    verdict::{
        BAD,
        Verdict::{Either, Taken},
    },
};

const LAST: &str = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_target_names_what_is_asked_for_and_perhaps_of_whom() {
    judge_lines(&[
        (
            "with a query",
            b"GET /x?y=1&z HTTP/1.1",
            Taken("GET /x?y=1&z HTTP/1.1 of a"),
        ),
        (
            "encoded",
            b"GET /%C3%A9%2f HTTP/1.1",
            Taken("GET /%C3%A9%2f HTTP/1.1 of a"),
        ),
        (
            "dots",
            b"GET /x/../y HTTP/1.1",
            Taken("GET /x/../y HTTP/1.1 of a"),
        ),
        (
            "two slashes",
            b"GET //b/x HTTP/1.1",
            Taken("GET //b/x HTTP/1.1 of a"),
        ),
        // §3.2.2: "the origin server MUST ignore the received Host header field (if any)
        // and instead use the host information of the request-target."
        (
            "absolute",
            b"GET http://b:81/x HTTP/1.1",
            Taken("GET /x HTTP/1.1 of b:81"),
        ),
        (
            "absolute, of the same",
            b"GET http://a/x HTTP/1.1",
            Taken("GET /x HTTP/1.1 of a"),
        ),
        // §3.2.1: an empty path is sent as "/".
        (
            "without a path",
            b"GET http://b HTTP/1.1",
            Taken("GET / HTTP/1.1 of b"),
        ),
        ("of nobody", b"GET http:///x HTTP/1.1", BAD),
        (
            "for all of the server",
            b"OPTIONS * HTTP/1.1",
            Taken("OPTIONS * HTTP/1.1 of a"),
        ),
        ("nothing but a query", b"GET ?x HTTP/1.1", BAD),
        ("nothing but a fragment", b"GET #x HTTP/1.1", BAD),
        ("a zero byte", b"GET /x\0y HTTP/1.1", BAD),
        ("an escape", b"GET /x\x1by HTTP/1.1", BAD),
        ("a delete", b"GET /x\x7fy HTTP/1.1", BAD),
    ])
    .await;
}

#[tokio::test]
async fn what_a_target_may_not_contain_is_refused_or_goes_on_as_it_came() {
    // §3.2: "Recipients of an invalid request-line SHOULD respond with either a 400 (Bad
    // Request) error". Browsers send some of these all the same.
    judge_lines(&[
        (
            "a backslash",
            b"GET /x\\y HTTP/1.1",
            Either("GET /x\\y HTTP/1.1 of a"),
        ),
        (
            "brackets",
            b"GET /<x> HTTP/1.1",
            Either("GET /<x> HTTP/1.1 of a"),
        ),
        (
            "braces",
            b"GET /{x} HTTP/1.1",
            Either("GET /{x} HTTP/1.1 of a"),
        ),
        (
            "a quote",
            b"GET /\"x HTTP/1.1",
            Either("GET /\"x HTTP/1.1 of a"),
        ),
        (
            "a bar",
            b"GET /x|y HTTP/1.1",
            Either("GET /x|y HTTP/1.1 of a"),
        ),
        (
            "no encoding",
            b"GET /%zz HTTP/1.1",
            Either("GET /%zz HTTP/1.1 of a"),
        ),
        (
            "UTF-8",
            b"GET /\xc3\xa9 HTTP/1.1",
            Either("GET /\u{e9} HTTP/1.1 of a"),
        ),
        ("Latin 1", b"GET /\xe9 HTTP/1.1", BAD),
        // What is behind it never leaves a client, and is not part of any page's name.
        (
            "a fragment",
            b"GET /x#y HTTP/1.1",
            Either("GET /x HTTP/1.1 of a"),
        ),
        (
            "one behind a query",
            b"GET /x?y#z HTTP/1.1",
            Either("GET /x?y HTTP/1.1 of a"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_target_has_one_of_four_forms() {
    judge_lines(&[
        // §3.2.4: "only used for a server-wide OPTIONS request".
        ("asterisk-form", b"GET * HTTP/1.1", BAD),
        // §3.2.3: "only used for CONNECT requests".
        ("authority-form", b"GET a:80 HTTP/1.1", BAD),
        ("a name", b"GET x HTTP/1.1", BAD),
        ("a path without its slash", b"GET x/y HTTP/1.1", BAD),
    ])
    .await;
}

#[tokio::test]
async fn a_tunnel_to_wherever_is_no_business_of_an_application() {
    let wire = Wire::start(&[], Vec::new()).await;
    for target in ["a:80", "a", "/x", "http://a/x", "*"] {
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = wire.send(&request).await.answer().await;
        assert!(
            matches!(answer.status(), 400 | 405 | 501),
            "{target}: {answer:?}"
        );
        assert_eq!(wire.origin.begun(), 0, "{target}");
    }
}

#[tokio::test]
async fn what_was_meant_for_a_tunnel_is_no_request() {
    let wire = Wire::start(&[], Vec::new()).await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = hidden.len();
    let framings = [
        format!("Content-Length: {length}\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{hidden}\r\n0\r\n\r\n"),
    ];
    for framing in framings {
        let request = format!("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n{framing}{LAST}");
        let mut client = wire.send(request).await;
        assert_eq!(client.answer().await.status(), 501, "{framing}");
        // Either this is the next one, or there is none.
        if let Some(answer) = client.next("GET").await {
            assert_eq!(answer.content, b"GET /last HTTP/1.1", "{framing}");
        }
        assert_eq!(client.closed().await, b"", "{framing}");
        let requests = wire.origin.take();
        let is_hidden = requests.iter().any(|request| request.path() == "/hidden");
        assert!(!is_hidden, "{framing}: {requests:?}");
    }
}
