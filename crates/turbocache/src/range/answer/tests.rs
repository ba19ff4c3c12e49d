use proptest::prelude::*;

use super::*;

const BODY: &str = "0123456789";

fn span(start: u64, end: u64) -> Span {
    Span::new(start, end).unwrap()
}

fn stored() -> HeaderMap {
    let fields = [
        ("content-type", "text/plain"),
        ("content-length", "10"),
        ("content-encoding", "gzip"),
        ("content-digest", "sha-256=:AAA=:"),
        ("repr-digest", "sha-256=:AAA=:"),
        ("etag", "\"a\""),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("cache-control", "max-age=60"),
        ("access-control-allow-origin", "*"),
    ];
    fields
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

fn text(mut pieces: Pieces) -> String {
    let bytes: Vec<u8> = std::iter::from_fn(|| pieces.pop()).flatten().collect();
    assert_eq!(pieces.remaining(), 0);
    String::from_utf8(bytes).unwrap()
}

fn answer(verdict: &Verdict) -> (StatusCode, HeaderMap, String) {
    let mut headers = stored();
    let body = Bytes::from(BODY);
    let (status, pieces) = verdict.answer(&mut headers, &body, || Boundary::known("B"));
    assert_eq!(headers["content-length"], pieces.remaining().to_string());
    (status, headers, text(pieces))
}

#[test]
fn the_whole_is_as_it_was() {
    let (status, headers, body) = answer(&Verdict::Whole);
    assert_eq!((status.as_u16(), &body[..]), (200, BODY));
    assert_eq!(headers, stored());
}

#[test]
fn one_part_says_where_it_belongs() {
    let (status, mut headers, body) = answer(&Verdict::Single(span(2, 5)));
    assert_eq!((status.as_u16(), &body[..]), (206, "234"));
    assert_eq!(headers.remove("content-range").unwrap(), "bytes 2-4/10");
    assert_eq!(headers.insert("content-length", 10.into()).unwrap(), "3");
    let mut expected = stored();
    expected.remove("content-digest");
    assert_eq!(headers, expected, "all else is as in a 200");
}

#[test]
fn several_parts_are_a_multipart_body() {
    let (status, headers, body) = answer(&Verdict::Multipart(vec![span(8, 10), span(0, 1)]));
    assert_eq!(status, 206);
    assert_eq!(headers["content-type"], "multipart/byteranges; boundary=B");
    assert!(!headers.contains_key("content-range"));
    assert_eq!(
        body,
        "--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\
         \r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/10\r\n\r\n0\
         \r\n--B--\r\n"
    );
}

#[test]
fn parts_of_what_has_no_type_have_none() {
    let mut headers = HeaderMap::new();
    let verdict = Verdict::Multipart(vec![span(0, 1), span(2, 3)]);
    let (_, pieces) = verdict.answer(&mut headers, &Bytes::from(BODY), || Boundary::known("B"));
    assert!(!text(pieces).contains("Content-Type"));
}

#[test]
fn what_cannot_be_satisfied_says_how_long_it_is_and_is_not_to_be_kept() {
    let (status, headers, body) = answer(&Verdict::NotSatisfiable);
    assert_eq!((status.as_u16(), &body[..]), (416, ""));
    assert_eq!(headers["content-range"], "bytes */10");
    assert_eq!(headers["cache-control"], "no-store");
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "access-control-allow-origin",
            "cache-control",
            "content-length",
            "content-range",
            "date"
        ]
    );
}

#[test]
fn slices_are_not_copied() {
    let body = Bytes::from(BODY);
    for verdict in [
        Verdict::Whole,
        Verdict::Single(span(0, 4)),
        Verdict::Multipart(vec![span(0, 4), span(5, 6)]),
    ] {
        let (_, mut pieces) = verdict.answer(&mut HeaderMap::new(), &body, || Boundary::known("B"));
        let mut slices = std::iter::from_fn(|| pieces.pop());
        assert!(
            slices.any(|slice| slice.as_ptr() == body.as_ptr()),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_boundary_is_never_used_again() {
    let (one, other) = (Boundary::random(), Boundary::random());
    assert_ne!(one.0, other.0);
    assert_eq!(one.0.len(), 32);
}

/// The parts of a multipart body with their positions, read as a client does.
fn parts(body: &str, boundary: &str) -> Vec<(String, String)> {
    let delimiter = format!("--{boundary}");
    let mut parts: Vec<_> = body.split(&delimiter).collect();
    assert_eq!(parts.pop(), Some("--\r\n"));
    assert_eq!(parts.remove(0), "");
    let read = |part: &str| {
        let (head, content) = part.split_once("\r\n\r\n").unwrap();
        let range = head.split_once("Content-Range: ").unwrap().1;
        (
            range.to_owned(),
            content.strip_suffix("\r\n").unwrap().to_owned(),
        )
    };
    parts.into_iter().map(read).collect()
}

proptest! {
    #[test]
    fn the_parts_are_what_slicing_the_whole_gives(
        whole in "[a-z\r\n-]{1,60}",
        ends in prop::collection::vec((0..60_usize, 1..60_usize), 2..8),
    ) {
        let spans: Vec<_> = ends
            .into_iter()
            .map(|(start, len)| (start % whole.len(), len))
            .map(|(start, len)| (start, (start + len).min(whole.len())))
            .collect();
        let verdict = Verdict::Multipart(spans.iter().map(|(a, b)| span(*a as u64, *b as u64)).collect());
        let boundary = Boundary::random();
        let (_, pieces) = verdict.answer(&mut HeaderMap::new(), &Bytes::from(whole.clone()), || boundary.clone());
        let sliced: Vec<_> = spans
            .iter()
            .map(|(a, b)| (format!("bytes {a}-{}/{}", b - 1, whole.len()), whole[*a..*b].to_owned()))
            .collect();
        prop_assert_eq!(parts(&text(pieces), &boundary.0), sliced);
    }
}
