//! The field lines of a request (RFC 9112 §5, RFC 9110 §5.5), and the ends of lines.

use super::{
    Message, Wire,
    verdict::{
        BAD, Case,
        Verdict::{self, Either, Taken},
        judge,
    },
};

/// What the application finds in the field.
fn heard(request: &Message) -> String {
    let lines = request.fields.iter().filter(|(name, _)| name == "x-a");
    let lines: Vec<_> = lines
        .map(|(_, value)| value.escape_ascii().to_string())
        .collect();
    lines.join(" | ")
}

async fn judge_fields(cases: &[(&'static str, &[u8], Verdict)]) {
    let wire = Wire::start(&[], Vec::new()).await;
    let cases = cases.iter().map(|&(name, lines, verdict)| Case {
        name,
        bytes: [b"GET /x HTTP/1.1\r\nHost: a\r\n", lines, b"\r\n"].concat(),
        verdict,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn a_value_goes_on_as_it_came() {
    judge_fields(&[
        ("usual", b"X-A: b\r\n", Taken("b")),
        ("in any case", b"x-A: B\r\n", Taken("B")),
        ("no space", b"X-A:b\r\n", Taken("b")),
        ("white space around it", b"X-A: \t b\t \r\n", Taken("b")),
        ("white space within", b"X-A: b  \tc\r\n", Taken("b  \\tc")),
        ("none", b"X-A:\r\n", Taken("")),
        ("a colon", b"X-A: :\r\n", Taken(":")),
        ("two lines", b"X-A: b\r\nX-A: c\r\n", Taken("b | c")),
        // RFC 9110 §5.5: "a recipient SHOULD treat other allowed octets in field content
        // (i.e., obs-text) as opaque data."
        ("the first beyond ASCII", b"X-A: \x80\r\n", Taken("\\x80")),
        ("Latin 1", b"X-A: caf\xe9\r\n", Taken("caf\\xe9")),
        ("UTF-8", b"X-A: caf\xc3\xa9\r\n", Taken("caf\\xc3\\xa9")),
        ("the last beyond ASCII", b"X-A: \xff\r\n", Taken("\\xff")),
    ])
    .await;
}

#[tokio::test]
async fn a_control_character_is_nowhere() {
    judge_fields(&[
        ("zero in a value", b"X-A: b\0c\r\n", BAD),
        ("a bell in a value", b"X-A: b\x07c\r\n", BAD),
        ("a vertical tab in a value", b"X-A: \x0bb\r\n", BAD),
        ("a form feed in a value", b"X-A: b\x0c\r\n", BAD),
        ("an escape in a value", b"X-A: b\x1bc\r\n", BAD),
        ("a delete in a value", b"X-A: b\x7fc\r\n", BAD),
        ("zero in a name", b"X-\0A: b\r\n", BAD),
        ("a tab in a name", b"X-\tA: b\r\n", BAD),
        ("a delete in a name", b"X-\x7fA: b\r\n", BAD),
    ])
    .await;
}

#[tokio::test]
async fn a_name_is_a_token_and_the_colon_right_behind_it() {
    judge_fields(&[
        ("all signs", b"!#$%&'*+-.^_`|~: c\r\nX-A: b\r\n", Taken("b")),
        // §5.1: "A server MUST reject, with a response status code of 400 (Bad Request),
        // any received request message that contains whitespace between a header field
        // name and colon."
        ("a space in front of the colon", b"X-A : b\r\n", BAD),
        ("a tab in front of the colon", b"X-A\t: b\r\n", BAD),
        ("no name", b": b\r\n", BAD),
        ("nothing but a colon", b":\r\n", BAD),
        ("no colon", b"X-A\r\n", BAD),
        ("a bracket", b"X(A: b\r\n", BAD),
        ("a slash", b"X/A: b\r\n", BAD),
        ("a space", b"X A: b\r\n", BAD),
        ("a byte beyond ASCII", b"X-\xc3\x84: b\r\n", BAD),
        ("a quote", b"\"X-A\": b\r\n", BAD),
    ])
    .await;
}

#[tokio::test]
async fn no_line_is_folded() {
    // §5.2: "MUST either reject the message by sending a 400 (Bad Request) [...] or
    // replace each received obs-fold with one or more SP octets".
    judge_fields(&[
        ("by a space", b"X-A: b\r\n c\r\n", BAD),
        ("by a tab", b"X-A: b\r\n\tc\r\n", BAD),
        ("a value that begins so", b"X-A:\r\n b\r\n", BAD),
        ("one with nothing in it", b"X-A: b\r\n \r\n", BAD),
        ("what looks like a field", b"X-B: b\r\n X-A: c\r\n", BAD),
    ])
    .await;

    // §2.2: "A recipient that receives whitespace between the start-line and the first
    // header field MUST either reject the message as invalid or consume each
    // whitespace-preceded line without further processing of it".
    let wire = Wire::start(&[], Vec::new()).await;
    let first = Case {
        name: "the first line",
        bytes: b"GET /x HTTP/1.1\r\n X-A: b\r\nHost: a\r\n\r\n".to_vec(),
        verdict: BAD,
    };
    judge(&wire, vec![first], heard).await;
}

#[tokio::test]
async fn a_carriage_return_is_no_end_of_a_line() {
    // §2.2: "A recipient of such a bare CR MUST consider that element to be invalid or
    // replace each bare CR with SP".
    judge_fields(&[
        ("within a value", b"X-A: b\rX-B: c\r\n", BAD),
        ("twice at the end", b"X-A: b\r\r\n", BAD),
        ("in front of a value", b"X-A:\rb\r\n", BAD),
        ("within a name", b"X\r-A: b\r\n", BAD),
        ("an empty line of its own", b"X-A: b\r\n\rX-B: c\r\n", BAD),
    ])
    .await;
}

#[tokio::test]
async fn a_line_feed_ends_a_line_or_is_refused_wherever_it_stands() {
    // §2.2: "a recipient MAY recognize a single LF as a line terminator and ignore any
    // preceding CR." The application gets a proper end of line from us.
    let wire = Wire::start(&[], Vec::new()).await;
    let cases: [(_, &[u8]); 4] = [
        ("all lines", b"GET /x HTTP/1.1\nHost: a\nX-A: b\n\n"),
        ("the first", b"GET /x HTTP/1.1\nHost: a\r\nX-A: b\r\n\r\n"),
        ("a field", b"GET /x HTTP/1.1\r\nHost: a\r\nX-A: b\n\r\n"),
        ("the last", b"GET /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\n"),
    ];
    let cases = cases.into_iter().map(|(name, bytes)| Case {
        name,
        bytes: bytes.to_vec(),
        verdict: Either("b"),
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn empty_lines_in_front_of_a_request_are_passed_over() {
    // §2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore
    // at least one empty line (CRLF) received prior to the request-line."
    let wire = Wire::start(&[], Vec::new()).await;
    let whole: &[u8] = b"GET /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n";
    let cases: [(_, &[u8], _); 5] = [
        ("one", b"\r\n", Taken("b")),
        ("two", b"\r\n\r\n", Either("b")),
        ("a line feed", b"\n", Either("b")),
        ("a space", b" \r\n", BAD),
        ("a carriage return", b"\r", BAD),
    ];
    let cases = cases.into_iter().map(|(name, before, verdict)| Case {
        name,
        bytes: [before, whole].concat(),
        verdict,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn one_behind_a_body_is_passed_over_too() {
    // Some clients send one more there, which no length counts.
    let wire = Wire::start(&[], Vec::new()).await;
    let post = "POST /x HTTP/1.1\r\nHost: a\r\nX-A: b\r\nContent-Length: 4\r\n\r\nbody\r\n";
    let case = Case {
        name: "behind a body",
        bytes: post.into(),
        verdict: Taken("b"),
    };
    judge(&wire, vec![case], heard).await;
}
