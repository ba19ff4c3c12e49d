use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::{MAX_FIELDS, MAX_HEAD};

type Head = (u16, usize, Vec<(HeaderName, HeaderValue)>);

/// `Err` if a value is none.
fn by_plain(bytes: &[u8], lines: &mut Lines) -> Option<Result<Head, ()>> {
    let (status, len) = plain(bytes, lines)?;
    let fields = lines.fields(bytes);
    Some(fields.map(|fields| (status.as_u16(), len, fields)))
}

/// `None` if it is not here as a whole.
fn by_httparse(bytes: &[u8]) -> Result<Option<Head>, httparse::Error> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(len) = head.parse(bytes)? else {
        return Ok(None);
    };
    let fields = head.headers.iter().map(|field| {
        let name = HeaderName::from_bytes(field.name.as_bytes()).unwrap();
        (name, HeaderValue::from_bytes(field.value).unwrap())
    });
    Ok(Some((head.code.unwrap(), len, fields.collect())))
}

#[test]
fn nearly_all_heads_are_plain() {
    let cases: [(&str, &str, bool); 19] = [
        (
            "fields",
            "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-b:2\r\n\r\nrest",
            true,
        ),
        ("none", "HTTP/1.1 404 Not Found\r\n\r\n", true),
        (
            "an empty value",
            "HTTP/1.1 200 OK\r\nx-a:\r\nx-b: \r\n\r\n",
            true,
        ),
        (
            "a line that repeats itself",
            "HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 1\r\n\r\n",
            true,
        ),
        ("HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", false),
        ("a reason of its own", "HTTP/1.1 200 Fine\r\n\r\n", false),
        ("no reason", "HTTP/1.1 200 \r\n\r\n", false),
        (
            "a status without a usual reason",
            "HTTP/1.1 299 OK\r\n\r\n",
            false,
        ),
        (
            "an empty line in front",
            "\r\nHTTP/1.1 200 OK\r\n\r\n",
            false,
        ),
        (
            "a line feed alone",
            "HTTP/1.1 200 OK\r\nx-a: 1\n\r\n",
            false,
        ),
        (
            "one behind the first line",
            "HTTP/1.1 200 OK\nx-a: 1\r\n\r\n",
            false,
        ),
        ("one at the end", "HTTP/1.1 200 OK\r\nx-a: 1\r\n\n", false),
        (
            "more white space",
            "HTTP/1.1 200 OK\r\nx-a:  1\r\n\r\n",
            false,
        ),
        (
            "white space behind",
            "HTTP/1.1 200 OK\r\nx-a: 1 \r\n\r\n",
            false,
        ),
        (
            "white space in front of a colon",
            "HTTP/1.1 200 OK\r\nx-a : 1\r\n\r\n",
            false,
        ),
        (
            "a line that goes on",
            "HTTP/1.1 200 OK\r\nx-a: 1\r\n b: 2\r\n\r\n",
            false,
        ),
        (
            "no colon",
            "HTTP/1.1 200 OK\r\nx-a\r\nx-b: 1\r\n\r\n",
            false,
        ),
        ("no name", "HTTP/1.1 200 OK\r\n: 1\r\n\r\n", false),
        ("not all of it", "HTTP/1.1 200 OK\r\nx-a: 1\r\n", false),
    ];
    for (name, bytes, expected) in cases {
        let mut lines = Lines::default();
        // The third time, what is known is used.
        for time in 1..=3 {
            let head = by_plain(bytes.as_bytes(), &mut lines);
            assert_eq!(head.is_some(), expected, "{name}, for the {time}. time");
        }
    }
}

#[test]
fn a_head_that_is_too_large_is_not_plain() {
    let fields = |count| "x-a: 1\r\n".repeat(count);
    let long = |len: usize| format!("x-a: {}\r\n", "x".repeat(len - 26));
    for (name, fields, expected) in [
        ("many fields", fields(MAX_FIELDS), true),
        ("one more", fields(MAX_FIELDS + 1), false),
        ("a long one", long(MAX_HEAD), true),
        ("a longer one", long(MAX_HEAD + 1), false),
    ] {
        let head = Bytes::from(format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
        let head = by_plain(&head, &mut Lines::default());
        assert_eq!(head.is_some(), expected, "{name}");
    }
}

/// Heads that are plain, and what makes others of them.
fn heads() -> impl Strategy<Value = Vec<u8>> {
    let first: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 304 Not Modified\r\n",
        b"HTTP/1.1 200 OK\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 200\r\n",
        b"\r\nHTTP/1.1 200 OK\r\n",
    ];
    let name: &[&[u8]] = &[
        b"Content-Type",
        b"x-a",
        b"X-A",
        b"etag",
        b"x a",
        b"x-\xff",
        b"",
        b" x",
    ];
    let between: &[&[u8]] = &[b": ", b":", b":  ", b":\t", b" : ", b" "];
    let value: &[&[u8]] = &[
        b"1",
        b"text/html",
        b"",
        b"a: b",
        b"\xc3\xa4",
        b"1 ",
        b"a\tb",
        b"\0",
        b"\r",
        b"\x7f",
    ];
    let end: &[&[u8]] = &[b"\r\n", b"\n", b"\r\r\n", b"\r\n ", b"\r"];
    // The first one is as it should be.
    let nearly_always =
        |parts: &'static [&'static [u8]]| prop_oneof![12 => Just(parts[0]), 1 => select(parts)];
    let often = |parts: &'static [&'static [u8]], usual: usize| prop_oneof![12 => select(&parts[..usual]), 1 => select(parts)];
    let line = (
        often(name, 4),
        nearly_always(between),
        often(value, 5),
        nearly_always(end),
    );
    let line = line.prop_map(|(name, between, value, end)| [name, between, value, end].concat());
    let head = (often(first, 2), vec(line, 0..6), nearly_always(end));
    head.prop_map(|(first, lines, end)| [first, &lines.concat(), end, b"rest\n"].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_plain_means_to_httparse_the_same(heads in vec(heads(), 1..8)) {
        let mut lines = Lines::default();
        for head in heads {
            match by_plain(&head, &mut lines) {
                Some(Ok(plain)) => prop_assert_eq!(by_httparse(&head), Ok(Some(plain))),
                Some(Err(())) => prop_assert!(by_httparse(&head).is_err()),
                None => {}
            }
        }
    }
}
