//! How much a head may be.

use super::{
    Message, Wire,
    verdict::{
        Case,
        Verdict::{self, Refused, Taken},
        judge,
    },
};

/// RFC 6585 §5.
const TOO_LARGE: Verdict = Refused(&[431]);

/// `front::MAX_HEAD_BYTES`.
const LIMIT: usize = 64 * 1024;

fn heard(request: &Message) -> String {
    request.start.split(' ').next().unwrap().to_owned()
}

/// A head of `total` bytes, `x` between the two ends of it.
fn filled(total: usize, around: (&str, &str)) -> Vec<u8> {
    let missing = total - around.0.len() - around.1.len();
    [around.0, &"x".repeat(missing), around.1].concat().into()
}

#[tokio::test]
async fn a_head_has_so_many_fields_and_no_more() {
    let wire = Wire::start(&[], Vec::new()).await;
    let head = |count: usize| {
        let more = "X: y\r\n".repeat(count - 1);
        format!("GET /x HTTP/1.1\r\nHost: a\r\n{more}\r\n").into()
    };
    let cases = [(100, Taken("GET")), (101, TOO_LARGE), (1000, TOO_LARGE)];
    let cases = cases.into_iter().map(|(count, verdict)| Case {
        name: "so many fields",
        bytes: head(count),
        verdict,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn a_head_has_64_kib_and_no_more() {
    let wire = Wire::start(&[], Vec::new()).await;
    let value = ("GET /x HTTP/1.1\r\nHost: a\r\nX-A: ", "\r\n\r\n");
    let name = ("GET /x HTTP/1.1\r\nHost: a\r\nX", ": a\r\n\r\n");
    let target = ("GET /", " HTTP/1.1\r\nHost: a\r\n\r\n");
    let cases = [
        ("a long value", filled(LIMIT - 16, value), Taken("GET")),
        ("too long a value", filled(LIMIT + 16, value), TOO_LARGE),
        ("a value without end", filled(3 * LIMIT, value), TOO_LARGE),
        // RFC 9110 §5.4 names no other status.
        ("too long a name", filled(LIMIT + 16, name), TOO_LARGE),
        (
            "nothing but empty lines",
            "\r\n".repeat(LIMIT).into(),
            Refused(&[400, 431]),
        ),
        ("a long target", filled(LIMIT - 16, target), Taken("GET")),
    ];
    let cases = cases.into_iter().map(|(name, bytes, verdict)| Case {
        name,
        bytes,
        verdict,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn too_long_a_target_is_said_to_be_that() {
    let wire = Wire::start(&[], Vec::new()).await;
    // RFC 9112 §3: "A server that receives a request-target longer than any URI it wishes
    // to parse MUST respond with a 414 (URI Too Long) status code."
    let cases = [LIMIT + 16, 3 * LIMIT].map(|total| Case {
        name: "a target",
        bytes: filled(total, ("GET /", " HTTP/1.1\r\nHost: a\r\n\r\n")),
        verdict: Refused(&[414]),
    });
    judge(&wire, cases.into(), heard).await;
}

#[tokio::test]
async fn a_method_is_not_read_without_end() {
    let wire = Wire::start(&[], Vec::new()).await;
    // RFC 9112 §3: "A server that receives a method longer than any that it implements
    // SHOULD respond with a 501 (Not Implemented) status code."
    let case = Case {
        name: "a method",
        bytes: filled(LIMIT + 16, ("", " /x HTTP/1.1\r\nHost: a\r\n\r\n")),
        verdict: Refused(&[400, 414, 431, 501]),
    };
    judge(&wire, vec![case], heard).await;
}
