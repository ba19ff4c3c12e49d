use http::{HeaderName, HeaderValue};
use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::MAX_FIELDS;

type Head = (Method, String, usize, Vec<(HeaderName, HeaderValue)>);

/// `Err` if a value is none.
fn by_plain(bytes: &[u8], lines: &mut Lines) -> Option<Result<Head, ()>> {
    let head = plain(bytes, lines)?;
    let target = String::from_utf8(bytes[head.target].into()).unwrap();
    let fields = lines.fields(bytes);
    Some(fields.map(|fields| (head.method, target, head.len, fields)))
}

/// `None` if it is not here as a whole, or of another version.
fn by_httparse(bytes: &[u8]) -> Result<Option<Head>, httparse::Error> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(len) = head.parse(bytes)? else {
        return Ok(None);
    };
    if head.version != Some(1) {
        return Ok(None);
    }
    let fields = head.headers.iter().map(|field| {
        let name = HeaderName::from_bytes(field.name.as_bytes()).unwrap();
        (name, HeaderValue::from_bytes(field.value).unwrap())
    });
    let method = Method::from_bytes(head.method.unwrap().as_bytes()).unwrap();
    Ok(Some((
        method,
        head.path.unwrap().to_owned(),
        len,
        fields.collect(),
    )))
}

#[test]
fn what_browsers_send_is_plain_and_what_is_odd_is_not() {
    let cases: [(&str, &str, bool); 17] = [
        ("a path", "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest", true),
        ("brackets", "GET /a?b=1&c[]=%20 HTTP/1.1\r\n\r\n", false),
        ("a query", "GET /a-b_c/d.e?f=1&g=%20 HTTP/1.1\r\n\r\n", true),
        (
            "a form",
            "POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
            true,
        ),
        ("HEAD", "HEAD /a HTTP/1.1\r\n\r\n", true),
        ("another method", "BREW /a HTTP/1.1\r\n\r\n", false),
        ("in lower case", "get /a HTTP/1.1\r\n\r\n", false),
        ("no target", "GET  HTTP/1.1\r\n\r\n", false),
        ("a URI", "GET http://a/ HTTP/1.1\r\n\r\n", false),
        ("an asterisk", "GET * HTTP/1.1\r\n\r\n", false),
        ("a fragment", "GET /a#b HTTP/1.1\r\n\r\n", false),
        ("a space in it", "GET /a b HTTP/1.1\r\n\r\n", false),
        ("two spaces", "GET /a  HTTP/1.1\r\n\r\n", false),
        ("HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", false),
        ("a line feed alone", "GET /a HTTP/1.1\n\r\n", false),
        (
            "an empty line in front",
            "\r\nGET /a HTTP/1.1\r\n\r\n",
            false,
        ),
        ("not all of it", "GET /a HTTP/1.1\r\nx-a: 1\r\n", false),
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

/// Heads that are plain, and what makes others of them.
fn heads() -> impl Strategy<Value = Vec<u8>> {
    let first: &[&[u8]] = &[
        b"GET /a?b=%41 HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\n",
        b"HEAD //a/../b HTTP/1.1\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\n",
        b"GET /a HTTP/1.1\n",
        b"GET /a HTTP/1.0\r\n",
        b"GET /a\t HTTP/1.1\r\n",
        b"GET /a  HTTP/1.1\r\n",
        b"GET /\x7f HTTP/1.1\r\n",
        b"GETX / HTTP/1.1\r\n",
        b"\r\nGET / HTTP/1.1\r\n",
    ];
    let line: &[&[u8]] = &[
        b"Host: a\r\n",
        b"host: a\r\n",
        b"Cookie: a=1; b=2\r\n",
        b"x-a:1\r\n",
        b"x-a: \r\n",
        b"x-a:  1\r\n",
        b"x-a: 1 \r\n",
        b"x-a : 1\r\n",
        b"x-a: 1\n",
        b"x-a: 1\r\r\n",
        b" x-a: 1\r\n",
        b"x-a\r\n",
        b": 1\r\n",
        b"x-\xff: 1\r\n",
        b"x-a: \0\r\n",
        b"x-a: \xc3\xa4\r\n",
    ];
    let often = |parts: &'static [&'static [u8]], usual: usize| prop_oneof![12 => select(&parts[..usual]), 1 => select(parts)];
    let end = prop_oneof![12 => Just(&b"\r\n"[..]), 1 => Just(&b"\n"[..]), 1 => Just(&b""[..])];
    let head = (often(first, 3), vec(often(line, 5), 0..6), end);
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
