use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri, header, uri::PathAndQuery};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Empty, Full};
use proptest::{collection::vec, prelude::*};

use super::*;

fn written<B>(request: &Request<B>, framing: Option<Framing>) -> String {
    let mut out = Vec::new();
    head(request, framing, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_length_of_a_body_is_said_where_it_is_known() {
    use Framing::{Chunked, Length};
    enum Content {
        Empty,
        /// Of a length that is known.
        Known(&'static str),
        Unknown,
    }
    use Content::{Empty as Nothing, Known, Unknown};
    type Expected = Result<Option<Framing>, Mismatch>;
    let cases: [(&str, &[&str], Content, Expected); 12] = [
        ("no body", &[], Nothing, Ok(None)),
        (
            "no body, and it says so",
            &["0"],
            Nothing,
            Ok(Some(Length(0))),
        ),
        ("a body", &[], Known("page"), Ok(Some(Length(4)))),
        (
            "a body, and it says so",
            &["4"],
            Known("page"),
            Ok(Some(Length(4))),
        ),
        ("§6.1: nobody knows", &[], Unknown, Ok(Some(Chunked))),
        ("the fields know", &["4"], Unknown, Ok(Some(Length(4)))),
        (
            "§6.3: the same twice",
            &["4", "4"],
            Known("page"),
            Ok(Some(Length(4))),
        ),
        ("§6.3: two lengths", &["4", "5"], Unknown, Err(Mismatch)),
        ("not a length", &["4, 4"], Unknown, Err(Mismatch)),
        ("too short", &["3"], Known("page"), Err(Mismatch)),
        ("too long", &["5"], Known("page"), Err(Mismatch)),
        ("a body is missing", &["5"], Nothing, Err(Mismatch)),
    ];
    for (name, lengths, content, expected) in cases {
        let body = match content {
            Nothing => Empty::new().boxed(),
            Known(content) => Full::<Bytes>::from(content).boxed(),
            Unknown => Endless.boxed(),
        };
        let mut request = Request::new(body);
        for length in lengths {
            let length = HeaderValue::from_static(length);
            request.headers_mut().append(header::CONTENT_LENGTH, length);
        }
        assert_eq!(super::framing(&request), expected, "{name}");
    }
}

/// A body of which nobody knows how long it will be.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        unreachable!("nobody asks it")
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[test]
fn a_head_says_what_the_request_says_and_how_its_body_ends() {
    let request = || {
        Request::get("/a?b=c")
            .header("Host", "x.example")
            .header("X-A", "1")
    };
    let cases = [
        (
            "no body",
            request(),
            None,
            "GET /a?b=c HTTP/1.1\r\nhost: x.example\r\nx-a: 1\r\n\r\n",
        ),
        (
            "a length, said once, whatever was said before",
            request()
                .method("POST")
                .header("content-length", "17")
                .header("content-length", "17")
                .header("transfer-encoding", "gzip"),
            Some(Framing::Length(5)),
            "POST /a?b=c HTTP/1.1\r\nhost: x.example\r\nx-a: 1\r\ncontent-length: 5\r\n\r\n",
        ),
        (
            "chunks",
            request().method("PATCH"),
            Some(Framing::Chunked),
            "PATCH /a?b=c HTTP/1.1\r\nhost: x.example\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        ),
        (
            "several lines of a field",
            Request::get("/")
                .header("x-a", "1")
                .header("x-b", "")
                .header("x-a", "3"),
            None,
            "GET / HTTP/1.1\r\nx-a: 1\r\nx-a: 3\r\nx-b: \r\n\r\n",
        ),
        (
            "more fields, which do not say where the body ends",
            request().extension(MoreFields::from_iter(
                [("x-b", "2"), ("content-length", "17"), ("x-b", "3")].map(|(name, value)| {
                    let name = HeaderName::from_static(name);
                    (name, HeaderValue::from_static(value))
                }),
            )),
            Some(Framing::Length(5)),
            "GET /a?b=c HTTP/1.1\r\nhost: x.example\r\nx-a: 1\r\nx-b: 2\r\nx-b: 3\r\n\
             content-length: 5\r\n\r\n",
        ),
    ];
    for (name, request, framing, expected) in cases {
        assert_eq!(
            written(&request.body(()).unwrap(), framing),
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_target_has_a_path_in_any_case() {
    let cases = [
        ("/", "/"),
        ("*", "*"),
        ("/a%20b/?", "/a%20b/?"),
        ("http://x.example", "/"),
        ("http://x.example?a=b", "/?a=b"),
        ("http://x.example/a#b", "/a"),
    ];
    for (uri, expected) in cases {
        let request = Request::builder().method(Method::OPTIONS).uri(uri);
        let written = written(&request.body(()).unwrap(), None);
        assert_eq!(
            written,
            format!("OPTIONS {expected} HTTP/1.1\r\n\r\n"),
            "{uri}"
        );
    }
}

/// On this the encoder relies: it looks at no byte.
#[test]
fn the_types_of_a_request_have_no_place_for_the_end_of_a_line() {
    for byte in (0..=b' ').chain([0x7f]) {
        let with =
            |before: &str, after: &str| [before.as_bytes(), &[byte], after.as_bytes()].concat();
        assert!(
            PathAndQuery::from_maybe_shared(with("/a", "b")).is_err(),
            "{byte}"
        );
        assert!(
            PathAndQuery::from_maybe_shared(with("/a?b", "c")).is_err(),
            "{byte}"
        );
        assert!(
            Uri::from_maybe_shared(with("http://a/", "b")).is_err(),
            "{byte}"
        );
        assert!(Method::from_bytes(&with("GE", "T")).is_err(), "{byte}");
        assert!(HeaderName::from_bytes(&with("x", "a")).is_err(), "{byte}");
        let is_white = matches!(byte, b' ' | b'\t');
        assert_eq!(
            HeaderValue::from_bytes(&with("a", "b")).is_ok(),
            is_white,
            "{byte}"
        );
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_what_was_meant(
        path in "/[!-\"$->@-~]{0,20}",
        query in proptest::option::of("[!-\"$-~]{0,20}"),
        fields in vec(("[a-z][a-z0-9-]{0,10}", "[ -~\t\u{80}-\u{ff}]{0,20}"), 0..10),
    ) {
        let target = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        let Ok(uri) = target.parse::<Uri>() else {
            return Ok(());
        };
        let mut request = Request::new(());
        *request.uri_mut() = uri;
        for (name, value) in &fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            if !matches!(name, CONTENT_LENGTH | TRANSFER_ENCODING) {
                let value = HeaderValue::from_bytes(value.trim().as_bytes()).unwrap();
                request.headers_mut().append(name, value);
            }
        }
        let mut out = Vec::new();
        head(&request, Some(Framing::Length(17)), &mut out);

        let mut lines = [httparse::EMPTY_HEADER; 16];
        let mut read = httparse::Request::new(&mut lines);
        prop_assert_eq!(read.parse(&out), Ok(httparse::Status::Complete(out.len())));
        prop_assert_eq!(read.method, Some("GET"));
        prop_assert_eq!(read.path, Some(&target[..]));
        prop_assert_eq!(read.version, Some(1));
        let read: Vec<_> = read.headers.iter().map(|line| (line.name, line.value)).collect();
        let meant = request.headers().iter();
        let meant = meant.map(|(name, value)| (name.as_str(), value.as_bytes()));
        let length = (header::CONTENT_LENGTH.as_str(), &b"17"[..]);
        let meant: Vec<_> = meant.chain([length]).collect();
        prop_assert_eq!(read, meant);
    }
}
