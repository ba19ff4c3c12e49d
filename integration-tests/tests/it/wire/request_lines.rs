//! The first line of a request (RFC 9112 §3).

use super::{
    Message, Wire,
    verdict::{
        BAD, Case, NOTHING,
        Verdict::{self, Either, Refused, Taken},
        judge,
    },
};

/// The request line that the application gets, and whose page it takes that for.
fn heard(request: &Message) -> String {
    format!("{} of {}", request.start, request.lines("host").join(", "))
}

/// For requests that begin so.
pub(super) async fn judge_lines(cases: &[(&'static str, &[u8], Verdict)]) {
    let wire = Wire::start(&[], Vec::new()).await;
    let cases = cases.iter().map(|&(name, line, verdict)| Case {
        name,
        bytes: [line, b"\r\nHost: a\r\n\r\n"].concat(),
        verdict,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn a_method_is_any_token_and_goes_on_as_it_came() {
    judge_lines(&[
        ("usual", b"GET /x HTTP/1.1", Taken("GET /x HTTP/1.1 of a")),
        // RFC 9110 §9.1: "The method token is case-sensitive".
        (
            "in lower case",
            b"get /x HTTP/1.1",
            Taken("get /x HTTP/1.1 of a"),
        ),
        (
            "unknown",
            b"BREW /x HTTP/1.1",
            Taken("BREW /x HTTP/1.1 of a"),
        ),
        (
            "with a sign",
            b"M-SEARCH /x HTTP/1.1",
            Taken("M-SEARCH /x HTTP/1.1 of a"),
        ),
        (
            "all signs",
            b"!#$%&'*+-.^_`|~ /x HTTP/1.1",
            Taken("!#$%&'*+-.^_`|~ /x HTTP/1.1 of a"),
        ),
        ("a bracket", b"G(T /x HTTP/1.1", BAD),
        ("a colon", b"GET: /x HTTP/1.1", BAD),
        ("a byte beyond ASCII", b"G\xc9T /x HTTP/1.1", BAD),
        ("a zero byte", b"G\0T /x HTTP/1.1", BAD),
        ("nothing", b" /x HTTP/1.1", BAD),
    ])
    .await;
}

#[tokio::test]
async fn one_space_divides_the_parts_of_the_line() {
    // §3: "recipients MAY instead parse on whitespace-delimited word boundaries", and
    // "lenient parsing can result in security vulnerabilities".
    judge_lines(&[
        ("two in front of the target", b"GET  /x HTTP/1.1", BAD),
        ("two behind it", b"GET /x  HTTP/1.1", BAD),
        ("one in front", b" GET /x HTTP/1.1", BAD),
        ("one at the end", b"GET /x HTTP/1.1 ", BAD),
        ("a tab", b"GET\t/x HTTP/1.1", BAD),
        ("a tab behind the target", b"GET /x\tHTTP/1.1", BAD),
        ("a vertical tab", b"GET\x0b/x HTTP/1.1", BAD),
        ("a form feed", b"GET /x\x0cHTTP/1.1", BAD),
        ("a carriage return", b"GET /x\rHTTP/1.1", BAD),
        ("a space within the target", b"GET /x y HTTP/1.1", BAD),
        ("no target", b"GET HTTP/1.1", BAD),
        ("an empty target", b"GET  HTTP/1.1", BAD),
        ("nothing but a method", b"GET", BAD),
    ])
    .await;
}

#[tokio::test]
async fn what_is_not_http_1_is_not_taken_for_it() {
    // RFC 9110 §15.6.6 has 505 for those that speak HTTP.
    const NOT_1: Verdict = Refused(&[400, 505]);
    judge_lines(&[
        ("0.9, which has no version", b"GET /x", BAD),
        ("0.9 with one", b"GET /x HTTP/0.9", NOT_1),
        // RFC 9110 §2.5: to be processed "as if it were in the highest minor version".
        ("1.2", b"GET /x HTTP/1.2", Either("GET /x HTTP/1.1 of a")),
        ("2.0", b"GET /x HTTP/2.0", NOT_1),
        ("2", b"GET /x HTTP/2", NOT_1),
        ("3.0", b"GET /x HTTP/3.0", NOT_1),
        ("two digits", b"GET /x HTTP/1.10", BAD),
        ("more digits in front", b"GET /x HTTP/01.1", BAD),
        ("no minor one", b"GET /x HTTP/1", BAD),
        ("no dot", b"GET /x HTTP/11", BAD),
        // RFC 9112 §2.3: "HTTP-version is case-sensitive."
        ("in lower case", b"GET /x http/1.1", BAD),
        ("of something else", b"GET /x ICAP/1.1", BAD),
        ("of a longer name", b"GET /x HTTPS/1.1", BAD),
    ])
    .await;
}

#[tokio::test]
async fn who_speaks_something_else_is_told_so_or_let_go() {
    let wire = Wire::start(&[], Vec::new()).await;
    let hello = [
        b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03",
        &[0xa5; 190][..],
    ]
    .concat();
    let cases: [(_, &[u8]); 5] = [
        ("TLS", &hello),
        (
            "HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        ),
        (
            "a version of PROXY",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        ),
        ("SSH", b"SSH-2.0-x\r\n"),
        ("zero bytes", &[0; 100]),
    ];
    let cases = cases.into_iter().map(|(name, bytes)| Case {
        name,
        bytes: bytes.to_vec(),
        verdict: Refused(&[NOTHING, 400, 505]),
    });
    judge(&wire, cases.collect(), heard).await;
}
