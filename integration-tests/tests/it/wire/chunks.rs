//! The chunked coding of a request (RFC 9112 §7.1).

use super::{
    Wire,
    lengths::heard,
    verdict::{
        BAD, Case,
        Verdict::{self, Either, Refused, Taken},
        judge,
    },
};

const HEAD: &str = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

async fn judge_chunks(cases: &[(&'static str, &[u8], Verdict)]) {
    let wire = Wire::start(&[], Vec::new()).await;
    let cases = cases.iter().map(|&(name, body, verdict)| Case {
        name,
        bytes: [HEAD.as_bytes(), body].concat(),
        verdict,
    });
    judge(&wire, cases.collect(), heard).await;
}

#[tokio::test]
async fn the_size_of_a_chunk_is_hexadecimal() {
    judge_chunks(&[
        ("none", b"0\r\n\r\n", Taken("")),
        ("one", b"5\r\nhello\r\n0\r\n\r\n", Taken("hello")),
        (
            "several",
            b"1\r\nh\r\n3\r\nell\r\n1\r\no\r\n0\r\n\r\n",
            Taken("hello"),
        ),
        (
            "in lower case",
            b"b\r\nhello world\r\n0\r\n\r\n",
            Taken("hello world"),
        ),
        (
            "in upper case",
            b"B\r\nhello world\r\n0\r\n\r\n",
            Taken("hello world"),
        ),
        (
            "zeros in front",
            b"0005\r\nhello\r\n0\r\n\r\n",
            Taken("hello"),
        ),
        (
            "several zeros",
            b"5\r\nhello\r\n000\r\n\r\n",
            Taken("hello"),
        ),
        (
            "that look like a chunk",
            b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
            Taken("0\\r\\n\\r\\n"),
        ),
        ("a prefix", b"0x5\r\nhello\r\n0\r\n\r\n", BAD),
        ("a plus", b"+5\r\nhello\r\n0\r\n\r\n", BAD),
        ("a minus", b"-5\r\nhello\r\n0\r\n\r\n", BAD),
        ("an underscore", b"0_5\r\nhello\r\n0\r\n\r\n", BAD),
        ("a fraction", b"5.0\r\nhello\r\n0\r\n\r\n", BAD),
        ("no digit of these", b"g\r\nhello\r\n0\r\n\r\n", BAD),
        ("a space in front", b" 5\r\nhello\r\n0\r\n\r\n", BAD),
        ("nothing", b"\r\nhello\r\n0\r\n\r\n", BAD),
        ("nothing but an extension", b";x\r\nhello\r\n0\r\n\r\n", BAD),
        ("an end that is none", b"5\r\nhello\r\n0x\r\n\r\n", BAD),
    ])
    .await;
}

#[tokio::test]
async fn a_size_beyond_all_bounds_is_refused() {
    // §7.1: "recipients MUST anticipate potentially large hexadecimal numerals and prevent
    // parsing errors due to integer conversion overflows or precision loss".
    judge_chunks(&[
        ("2^64", b"10000000000000000\r\nhello\r\n0\r\n\r\n", BAD),
        ("2^64 + 5", b"10000000000000005\r\nhello\r\n0\r\n\r\n", BAD),
        (
            "2^128 + 5",
            b"100000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
            BAD,
        ),
        (
            "5, in very many digits",
            b"0000000000000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
            Either("hello"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_line_ends_with_a_carriage_return_and_a_line_feed() {
    judge_chunks(&[
        ("a line feed behind the size", b"5\nhello\r\n0\r\n\r\n", BAD),
        ("a carriage return behind it", b"5\rhello\r\n0\r\n\r\n", BAD),
        ("the wrong way round", b"5\n\rhello\r\n0\r\n\r\n", BAD),
        ("two carriage returns", b"5\r\r\nhello\r\n0\r\n\r\n", BAD),
        ("a line feed behind the data", b"5\r\nhello\n0\r\n\r\n", BAD),
        ("a carriage return behind it", b"5\r\nhello\r0\r\n\r\n", BAD),
        ("nothing behind the data", b"5\r\nhello0\r\n\r\n", BAD),
        (
            "more data than there is to be",
            b"5\r\nhello world\r\n0\r\n\r\n",
            BAD,
        ),
        ("less of it", b"6\r\nhello\r\n0\r\n\r\n", BAD),
        (
            "a line feed behind the last size",
            b"5\r\nhello\r\n0\n\r\n",
            BAD,
        ),
        (
            "a line feed behind an extension",
            b"5;x\nhello\r\n0\r\n\r\n",
            BAD,
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_end_is_not_taken_to_be_where_it_only_might_be() {
    judge_chunks(&[
        // What comes next begins with `G`, and is no trailer section.
        ("no empty line", b"5\r\nhello\r\n0\r\n", BAD),
        ("a line feed for it", b"5\r\nhello\r\n0\r\n\n", BAD),
        ("a carriage return for it", b"5\r\nhello\r\n0\r\n\r", BAD),
    ])
    .await;
}

#[tokio::test]
async fn an_extension_says_nothing_to_us() {
    // §7.1.1: "A recipient MUST ignore unrecognized chunk extensions."
    judge_chunks(&[
        ("a name", b"5;x\r\nhello\r\n0\r\n\r\n", Taken("hello")),
        ("a value", b"5;x=y\r\nhello\r\n0\r\n\r\n", Taken("hello")),
        (
            "a quoted one",
            b"5;x=\"y z\"\r\nhello\r\n0\r\n\r\n",
            Taken("hello"),
        ),
        (
            "what looks like a size",
            b"5;x=0\r\nhello\r\n0\r\n\r\n",
            Taken("hello"),
        ),
        ("two", b"5;x;y=z\r\nhello\r\n0\r\n\r\n", Taken("hello")),
        ("at the end", b"5\r\nhello\r\n0;x=y\r\n\r\n", Taken("hello")),
        // §7.1.1 has BWS there, which is bad and to be taken.
        (
            "with white space",
            b"5 ; x = y\r\nhello\r\n0\r\n\r\n",
            Either("hello"),
        ),
        (
            "nothing but white space",
            b"5 \r\nhello\r\n0\r\n\r\n",
            Either("hello"),
        ),
        ("a carriage return", b"5;x\ry\r\nhello\r\n0\r\n\r\n", BAD),
        ("no semicolon", b"5 x\r\nhello\r\n0\r\n\r\n", BAD),
    ])
    .await;

    // §7.1.1: "A server ought to limit the total length of chunk extensions received".
    let wire = Wire::start(&[], Vec::new()).await;
    let one = format!("5;{}\r\nhello\r\n", "x".repeat(64 * 1024));
    let many = format!("1;{}\r\nh\r\n", "x".repeat(1024)).repeat(64);
    let cases = [("too long a one", one), ("too many", many)].map(|(name, chunks)| Case {
        name,
        bytes: format!("{HEAD}{chunks}0\r\n\r\n").into(),
        verdict: Refused(&[400, 413, 431]),
    });
    judge(&wire, cases.into(), heard).await;
}

#[tokio::test]
async fn what_is_malformed_ends_a_body_that_goes_on_as_it_comes() {
    let wire = Wire::start(&["--stream-requests-below", "/"], Vec::new()).await;
    let bodies: [&[u8]; 6] = [
        b"5\r\nhello\r\nx\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\r\n-1\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n10000000000000000\r\n",
        b"5\r\nhello\r\n0\r\nX : y\r\n\r\n",
    ];
    for body in bodies {
        let behind = b"GET /behind HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut client = wire.send([HEAD.as_bytes(), body, behind].concat()).await;
        if let Some(answer) = client.next("GET").await {
            assert_eq!(answer.status(), 400, "{answer:?}");
        }
        let rest = client.closed().await;
        assert!(
            rest.is_empty(),
            "{}: {}",
            body.escape_ascii(),
            rest.escape_ascii()
        );
        // It may have heard the head, but not of an end.
        assert_eq!(wire.origin.take(), [], "{}", body.escape_ascii());
    }
}
