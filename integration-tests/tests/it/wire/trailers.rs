//! The trailer section of a request (RFC 9112 §7.1.2).

use super::{
    Message, Wire,
    lengths::heard,
    verdict::{
        BAD, Case,
        Verdict::{Refused, Taken},
        judge,
    },
};

/// Up to the trailer section.
const HEAD: &str =
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n";

#[tokio::test]
async fn a_trailer_section_is_field_lines_and_an_empty_line() {
    let wire = Wire::start(&[], Vec::new()).await;
    let long = format!("X-T: {}\r\n", "x".repeat(128 * 1024));
    let many = "X-T: 1\r\n".repeat(1000);
    let cases: [(_, &[u8], _); 12] = [
        ("one", b"X-T: 1\r\n", Taken("hello")),
        ("two", b"X-T: 1\r\nX-U:\r\n", Taken("hello")),
        ("beyond ASCII", b"X-T: \xe9\r\n", Taken("hello")),
        ("a line feed", b"X-T: 1\n", BAD),
        ("no colon", b"X-T\r\n", BAD),
        ("no name", b": 1\r\n", BAD),
        ("a space in front of the colon", b"X-T : 1\r\n", BAD),
        ("a folded line", b"X-T: 1\r\n 2\r\n", BAD),
        ("a zero byte", b"X-T: \0\r\n", BAD),
        ("a carriage return", b"X-T: 1\rX-U: 2\r\n", BAD),
        ("too long", long.as_bytes(), Refused(&[400, 413, 431])),
        ("too many", many.as_bytes(), Refused(&[400, 413, 431])),
    ];
    let cases = cases.into_iter().map(|(name, lines, verdict)| Case {
        name,
        bytes: [HEAD.as_bytes(), lines, b"\r\n"].concat(),
        verdict,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn no_trailer_field_becomes_a_header_field() {
    // RFC 9112 §7.1.2: "A recipient MUST NOT merge a received trailer field into the
    // header section unless its corresponding header field definition explicitly permits
    // and instructs how the trailer field value can be safely merged."
    let trailers = [
        "Host: evil",
        "Content-Length: 3",
        "Transfer-Encoding: identity",
        "Connection: close",
        "Authorization: Basic eDp5",
        "Cookie: session=evil",
        "X-Forwarded-For: 198.51.100.1",
        "Content-Type: evil/evil",
        "Expect: 100-continue",
        "X-A: evil",
    ];
    for options in [&[][..], &["--stream-requests-below", "/"]] {
        let wire = Wire::start(options, Vec::new()).await;
        for trailer in trailers {
            let (name, value) = trailer.split_once(": ").unwrap();
            let mut client = wire.send(format!("{HEAD}{trailer}\r\n\r\n")).await;
            let answer = client.answer().await;
            assert_eq!(answer.status(), 200, "{trailer}: {answer:?}");
            let requests = wire.origin.take();
            let [request] = &requests[..] else {
                panic!("{trailer}: {requests:?}");
            };
            assert_eq!(heard(request), "hello", "{trailer}");
            let merged = request.lines(&name.to_ascii_lowercase()).contains(&value);
            assert!(!merged, "{trailer}: {request:?}");
            is_harmless(request);
            // The connection is where it was.
            client.send("GET /y HTTP/1.1\r\nHost: a\r\n\r\n").await;
            let answer = client.answer().await;
            assert_eq!(answer.content, b"GET /y HTTP/1.1", "{trailer}");
            wire.origin.take();
        }
    }
}

/// Nor a trailer field for somebody who may take it for a header field.
fn is_harmless(request: &Message) {
    let names = [
        "host",
        "content-length",
        "transfer-encoding",
        "authorization",
        "cookie",
    ];
    let mut trailers = request.trailers.iter();
    assert!(
        trailers.all(|(name, _)| !names.contains(&&name[..])),
        "{request:?}"
    );
}
