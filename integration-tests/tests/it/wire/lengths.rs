//! `Content-Length` (RFC 9112 §6.2, RFC 9110 §8.6).

use super::{
    Message, Wire,
    verdict::{
        BAD, Case,
        Verdict::{self, Either, Refused, Taken},
        judge,
    },
};

/// The content of a request.
pub(super) fn heard(request: &Message) -> String {
    request.content.escape_ascii().to_string()
}

/// For requests with these field lines, and `hello` for content.
async fn judge_lengths(cases: &[(&'static str, &[u8], Verdict)]) {
    let wire = Wire::start(&[], Vec::new()).await;
    let head = b"POST /x HTTP/1.1\r\nHost: a\r\n";
    let cases = cases.iter().map(|&(name, lines, verdict)| Case {
        name,
        bytes: [head, lines, b"\r\n\r\nhello"].concat(),
        verdict,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn a_length_is_a_number() {
    // RFC 9112 §6.3, 5: "If a message is received without Transfer-Encoding and with an
    // invalid Content-Length header field [...] the server MUST respond with a 400 (Bad
    // Request) status code and then close the connection."
    judge_lengths(&[
        ("a number", b"Content-Length: 5", Taken("hello")),
        (
            "white space around it",
            b"Content-Length: \t5 \t",
            Taken("hello"),
        ),
        ("in any case", b"CONTENT-length:5", Taken("hello")),
        (
            "with zeros in front",
            b"Content-Length: 005",
            Either("hello"),
        ),
        ("with a plus", b"Content-Length: +5", BAD),
        ("with a minus", b"Content-Length: -5", BAD),
        ("minus zero", b"Content-Length: -0", BAD),
        ("hexadecimal", b"Content-Length: 0x5", BAD),
        ("hexadecimal digits", b"Content-Length: a", BAD),
        ("a fraction", b"Content-Length: 5.0", BAD),
        ("an exponent", b"Content-Length: 5e0", BAD),
        ("underscored", b"Content-Length: 0_5", BAD),
        ("in quotes", b"Content-Length: \"5\"", BAD),
        ("two numbers", b"Content-Length: 5 5", BAD),
        ("with something behind it", b"Content-Length: 5;", BAD),
        ("a vertical tab", b"Content-Length: \x0b5", BAD),
        ("a zero byte", b"Content-Length: 5\0", BAD),
        ("digits of another script", b"Content-Length: \xd9\xa5", BAD),
        ("nothing", b"Content-Length:", BAD),
        ("a space in front of the colon", b"Content-Length : 5", BAD),
        ("folded", b"Content-Length:\r\n 5", BAD),
    ])
    .await;
}

#[tokio::test]
async fn a_length_beyond_all_bounds_is_refused() {
    // RFC 9110 §8.6: "a recipient MUST anticipate potentially large decimal numerals and
    // prevent parsing errors due to integer conversion overflows or precision loss".
    // Some are numbers, for a content that is too large.
    const TOO_LARGE: Verdict = Refused(&[400, 413, 431]);
    judge_lengths(&[
        (
            "2^63 - 1",
            b"Content-Length: 9223372036854775807",
            TOO_LARGE,
        ),
        ("2^63", b"Content-Length: 9223372036854775808", TOO_LARGE),
        (
            "2^64 - 1",
            b"Content-Length: 18446744073709551615",
            TOO_LARGE,
        ),
        ("2^64", b"Content-Length: 18446744073709551616", BAD),
        ("2^64 + 5", b"Content-Length: 18446744073709551621", BAD),
        (
            "2^128 + 5",
            b"Content-Length: 340282366920938463463374607431768211461",
            BAD,
        ),
    ])
    .await;
}

#[tokio::test]
async fn two_lengths_that_differ_are_refused() {
    judge_lengths(&[
        (
            "the longer one last",
            b"Content-Length: 5\r\nContent-Length: 6",
            BAD,
        ),
        (
            "the longer one first",
            b"Content-Length: 6\r\nContent-Length: 5",
            BAD,
        ),
        ("zero first", b"Content-Length: 0\r\nContent-Length: 5", BAD),
        ("in a list", b"Content-Length: 5, 6", BAD),
        (
            "one that is none",
            b"Content-Length: 5\r\nContent-Length: x",
            BAD,
        ),
        ("an empty one", b"Content-Length: 5\r\nContent-Length:", BAD),
        (
            "in two spellings",
            b"Content-Length: 5\r\nContent-Length: 05",
            BAD,
        ),
        ("a list with nothing in it", b"Content-Length: 5,", BAD),
    ])
    .await;
}

#[tokio::test]
async fn a_length_is_said_once() {
    // RFC 9112 §6.3, 5, leaves it to the recipient of a list of the same whether it is
    // one; no client that means well sends that, and somebody behind us may count
    // otherwise.
    judge_lengths(&[
        ("two lines", b"Content-Length: 5\r\nContent-Length: 5", BAD),
        ("a list", b"Content-Length: 5, 5", BAD),
        ("a list without a space", b"Content-Length: 5,5", BAD),
        (
            "apart",
            b"Content-Length: 5\r\nX-A: b\r\ncontent-length: 5",
            BAD,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_field_of_a_similar_name_is_none() {
    // Whoever would take them for one, among the applications, never sees them: or is
    // told where the content really ends.
    let wire = Wire::start(&[], Vec::new()).await;
    for name in [
        "Content_Length",
        "Content-Length-",
        "XContent-Length",
        "Content.Length",
    ] {
        let head = format!("POST /x HTTP/1.1\r\nHost: a\r\n{name}: 3\r\nContent-Length: 5\r\n\r\n");
        let case = Case {
            name,
            bytes: format!("{head}hello").into(),
            verdict: Taken("hello of 5"),
        };
        let with_length = |request: &Message| {
            let lengths = request.lines("content-length").join(" and ");
            format!("{} of {lengths}", heard(request))
        };
        judge(&wire, vec![case], with_length).await;
    }
}
