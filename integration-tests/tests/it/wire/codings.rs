//! `Transfer-Encoding` (RFC 9112 §6.1), and what it does to a length.

use super::{
    Wire,
    lengths::heard,
    verdict::{
        Case,
        Verdict::{self, Refused, Taken},
        judge,
    },
};

/// RFC 9112 §6.1: "A server that receives a request message with a transfer coding it
/// does not understand SHOULD respond with 501 (Not Implemented)." §6.3, 4, has 400 for
/// one whose end cannot be found.
const NOT_THAT: Verdict = Refused(&[400, 501]);

/// Five bytes to those who know of chunks, fifteen to others.
const CHUNKS: &[u8] = b"5\r\nhello\r\n0\r\n\r\n";

/// For requests with these field lines, and chunks.
async fn judge_codings(cases: &[(&'static str, &[u8], Verdict)]) {
    let wire = Wire::start(&[], Vec::new()).await;
    let head = b"POST /x HTTP/1.1\r\nHost: a\r\n";
    let cases = cases.iter().map(|&(name, lines, verdict)| Case {
        name,
        bytes: [head, lines, b"\r\n\r\n", CHUNKS].concat(),
        verdict,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn chunked_is_the_coding_that_is_understood() {
    judge_codings(&[
        ("usual", b"Transfer-Encoding: chunked", Taken("hello")),
        // §7: "All transfer-coding names are case-insensitive".
        ("in any case", b"transfer-ENCODING: ChunKed", Taken("hello")),
        (
            "white space around it",
            b"Transfer-Encoding: \t chunked \t",
            Taken("hello"),
        ),
        ("no space", b"Transfer-Encoding:chunked", Taken("hello")),
    ])
    .await;
}

#[tokio::test]
async fn what_is_nearly_chunked_is_not() {
    judge_codings(&[
        (
            "something in front",
            b"Transfer-Encoding: xchunked",
            NOT_THAT,
        ),
        ("something behind", b"Transfer-Encoding: chunkedx", NOT_THAT),
        (
            "a vertical tab in front",
            b"Transfer-Encoding: \x0bchunked",
            NOT_THAT,
        ),
        (
            "a vertical tab behind",
            b"Transfer-Encoding: chunked\x0b",
            NOT_THAT,
        ),
        ("a form feed", b"Transfer-Encoding: \x0cchunked", NOT_THAT),
        (
            "a carriage return",
            b"Transfer-Encoding: \rchunked",
            NOT_THAT,
        ),
        ("a zero byte", b"Transfer-Encoding: chunked\0", NOT_THAT),
        (
            "a no-break space",
            b"Transfer-Encoding: \xa0chunked",
            NOT_THAT,
        ),
        ("in quotes", b"Transfer-Encoding: \"chunked\"", NOT_THAT),
        (
            "in single quotes",
            b"Transfer-Encoding: 'chunked'",
            NOT_THAT,
        ),
        // §7.1: "The chunked coding does not define any parameters. Their presence SHOULD
        // be treated as an error."
        ("a parameter", b"Transfer-Encoding: chunked;a=b", NOT_THAT),
        (
            "a list with nothing behind",
            b"Transfer-Encoding: chunked,",
            NOT_THAT,
        ),
        (
            "a space in front of the colon",
            b"Transfer-Encoding : chunked",
            NOT_THAT,
        ),
        (
            "a tab in front of the colon",
            b"Transfer-Encoding\t: chunked",
            NOT_THAT,
        ),
        ("folded", b"Transfer-Encoding:\r\n chunked", NOT_THAT),
        (
            "folded in the middle",
            b"Transfer-Encoding: chunked\r\n x",
            NOT_THAT,
        ),
        ("another name", b"Transfer-Encoding: identity", NOT_THAT),
        ("none that ends", b"Transfer-Encoding: gzip", NOT_THAT),
        ("nothing", b"Transfer-Encoding:", NOT_THAT),
        // §6.1: "the sender MUST apply chunked as the final transfer coding".
        (
            "not the last one",
            b"Transfer-Encoding: chunked, identity",
            NOT_THAT,
        ),
        (
            "not the last of two",
            b"Transfer-Encoding: chunked, gzip",
            NOT_THAT,
        ),
        (
            "not in the last line",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            NOT_THAT,
        ),
    ])
    .await;
}

#[tokio::test]
async fn no_coding_but_chunked_once_is_undone() {
    // Nobody undoes the others, and who were to pass them on would have to name them.
    judge_codings(&[
        // §6.1: "A sender MUST NOT apply the chunked transfer coding more than once".
        ("twice", b"Transfer-Encoding: chunked, chunked", NOT_THAT),
        (
            "twice in two lines",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            NOT_THAT,
        ),
        ("compressed", b"Transfer-Encoding: gzip, chunked", NOT_THAT),
        (
            "compressed, in two lines",
            b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
            NOT_THAT,
        ),
        (
            "what was called identity",
            b"Transfer-Encoding: identity, chunked",
            NOT_THAT,
        ),
        (
            "identity in a line of its own",
            b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
            NOT_THAT,
        ),
        (
            "a list with nothing in front",
            b"Transfer-Encoding: ,chunked",
            NOT_THAT,
        ),
        ("an unknown one", b"Transfer-Encoding: x, chunked", NOT_THAT),
    ])
    .await;
}

// §6.3, 3: "If a message is received with both a Transfer-Encoding and a Content-Length
// header field, the Transfer-Encoding overrides the Content-Length. Such a message might
// indicate an attempt to perform request smuggling".

#[tokio::test]
async fn a_length_beside_what_is_no_coding_does_not_make_it_one() {
    judge_codings(&[
        (
            "a length first",
            b"Content-Length: 15\r\nTransfer-Encoding: xchunked",
            NOT_THAT,
        ),
        (
            "a length last",
            b"Transfer-Encoding: identity\r\nContent-Length: 15",
            NOT_THAT,
        ),
        (
            "an empty coding",
            b"Transfer-Encoding:\r\nContent-Length: 15",
            NOT_THAT,
        ),
        (
            "a vertical tab",
            b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 15",
            NOT_THAT,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_length_beside_chunks_is_refused() {
    // §6.1: a server "MAY reject a request that contains both".
    judge_codings(&[
        (
            "the right one",
            b"Content-Length: 15\r\nTransfer-Encoding: chunked",
            NOT_THAT,
        ),
        (
            "that of the content",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5",
            NOT_THAT,
        ),
        (
            "a shorter one",
            b"Transfer-Encoding: chunked\r\nContent-Length: 3",
            NOT_THAT,
        ),
        (
            "zero",
            b"Transfer-Encoding: chunked\r\nContent-Length: 0",
            NOT_THAT,
        ),
        (
            "one that is none",
            b"Transfer-Encoding: chunked\r\nContent-Length: x",
            NOT_THAT,
        ),
        (
            "several",
            b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\nContent-Length: 15",
            NOT_THAT,
        ),
    ])
    .await;
}

#[tokio::test]
async fn who_cannot_know_of_chunks_sends_none() {
    // §6.1: "A server or client that receives an HTTP/1.0 message containing a
    // Transfer-Encoding header field MUST treat the message as if the framing is faulty".
    let wire = Wire::start(&[], Vec::new()).await;
    let cases = [
        ("chunks", "Transfer-Encoding: chunked"),
        (
            "and a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 15",
        ),
        (
            "kept alive",
            "Connection: keep-alive\r\nTransfer-Encoding: chunked",
        ),
    ];
    let cases = cases.into_iter().map(|(name, lines)| Case {
        name,
        bytes: [
            format!("POST /x HTTP/1.0\r\nHost: a\r\n{lines}\r\n\r\n").as_bytes(),
            CHUNKS,
        ]
        .concat(),
        verdict: NOT_THAT,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn what_is_hidden_in_a_body_is_never_a_request() {
    let wire = Wire::start(&["--stream-requests-below", "/streamed"], Vec::new()).await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = hidden.len();
    let attacks = [
        // By whoever goes by the chunks, the request is over at `0`.
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
            length + 5
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}\r\n\r\n0\r\n\r\n{hidden}",
            length + 5
        ),
        // By whoever goes by the length, it is over behind the first line of them.
        format!(
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{hidden}\r\n0\r\n\r\n"
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{length:x}\r\n{hidden}\r\n0\r\n\r\n"
        ),
        // Both go by chunks, if they see them.
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}",
            length + 5
        ),
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
            length + 5
        ),
        format!(
            "Content-Length: {}\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
            length + 5
        ),
        format!("Content-Length: {length}\r\nContent-Length: 0\r\n\r\n{hidden}"),
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{hidden}"),
    ];
    for attack in attacks {
        for path in ["/x", "/streamed/x"] {
            let request = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{attack}");
            let mut client = wire.send(&request).await;
            while let Some(answer) = client.next("GET").await {
                assert!(!answer.content.ends_with(b"/hidden HTTP/1.1"), "{request}");
            }
            let requests = wire.origin.take();
            let is_hidden = requests.iter().any(|request| request.path() == "/hidden");
            assert!(!is_hidden, "{request}: {requests:?}");
        }
    }
}
