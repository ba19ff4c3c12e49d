#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use proptest::prelude::*;

use super::*;

type Fields<'a> = &'a [(&'a str, &'a str)];

const EIGHT: &str = "Sun, 06 Nov 1994 08:00:00 GMT";
const NINE: &str = "Sun, 06 Nov 1994 09:00:00 GMT";
const TEN: &str = "Sun, 06 Nov 1994 10:00:00 GMT";

fn headers(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn nine() -> SystemTime {
    httpdate::parse_http_date(NINE).unwrap()
}

#[test]
fn which_clients_have_what_is_stored() {
    const A: (&str, &str) = ("etag", "\"a\"");
    const WEAK: (&str, &str) = ("etag", "W/\"a\"");
    const MODIFIED: (&str, &str) = ("last-modified", NINE);
    // Request, stored response.
    let cases: &[(&str, &str, Fields<'_>, Fields<'_>, bool)] = &[
        ("§13.1", "no precondition", &[], &[A], false),
        (
            "§13.1.2",
            "the same tag",
            &[("if-none-match", "\"a\"")],
            &[A],
            true,
        ),
        (
            "§13.1.2",
            "another tag",
            &[("if-none-match", "\"b\"")],
            &[A],
            false,
        ),
        (
            "§13.1.2",
            "no tag",
            &[("if-none-match", "\"a\"")],
            &[],
            false,
        ),
        (
            "§13.1.2",
            "the first of a list",
            &[("if-none-match", "\"a\", \"b\", \"c\"")],
            &[A],
            true,
        ),
        (
            "§13.1.2",
            "the second",
            &[("if-none-match", "\"b\", \"a\", \"c\"")],
            &[A],
            true,
        ),
        (
            "§13.1.2",
            "the last",
            &[("if-none-match", "\"b\", \"c\", \"a\"")],
            &[A],
            true,
        ),
        (
            "§13.1.2",
            "on the second line",
            &[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")],
            &[A],
            true,
        ),
        (
            "§13.1.2",
            "weak and strong",
            &[("if-none-match", "W/\"a\"")],
            &[A],
            true,
        ),
        (
            "§13.1.2",
            "strong and weak",
            &[("if-none-match", "\"a\"")],
            &[WEAK],
            true,
        ),
        (
            "§13.1.2",
            "both weak",
            &[("if-none-match", "W/\"a\"")],
            &[WEAK],
            true,
        ),
        ("§13.1.2", "anything", &[("if-none-match", "*")], &[A], true),
        (
            "§13.1.2",
            "anything, without a tag",
            &[("if-none-match", " *")],
            &[],
            true,
        ),
        (
            "§13.1.2",
            "a tag that is none",
            &[("if-none-match", "a")],
            &[A],
            false,
        ),
        (
            "§13.1.2",
            "two that are none",
            &[("if-none-match", "a")],
            &[("etag", "a")],
            false,
        ),
        (
            "§13.1.2",
            "beyond ASCII",
            &[("if-none-match", "\"ü\"")],
            &[("etag", "\"ü\"")],
            true,
        ),
        (
            "§13.1.3",
            "not modified since",
            &[("if-modified-since", NINE)],
            &[MODIFIED],
            true,
        ),
        (
            "§13.1.3",
            "modified before",
            &[("if-modified-since", TEN)],
            &[MODIFIED],
            true,
        ),
        (
            "§13.1.3",
            "modified since",
            &[("if-modified-since", EIGHT)],
            &[MODIFIED],
            false,
        ),
        (
            "RFC 9110 §5.6.7",
            "the form of RFC 850",
            &[("if-modified-since", "Sunday, 06-Nov-94 09:00:00 GMT")],
            &[MODIFIED],
            true,
        ),
        (
            "§13.1.3",
            "no date",
            &[("if-modified-since", "yesterday")],
            &[MODIFIED],
            false,
        ),
        (
            "§13.1.3",
            "two dates",
            &[("if-modified-since", NINE), ("if-modified-since", TEN)],
            &[MODIFIED],
            false,
        ),
        (
            "§13.1.3",
            "the tag comes first: another",
            &[("if-none-match", "\"b\""), ("if-modified-since", TEN)],
            &[A, MODIFIED],
            false,
        ),
        (
            "§13.1.3",
            "the tag comes first: the same",
            &[("if-none-match", "\"a\""), ("if-modified-since", EIGHT)],
            &[A, MODIFIED],
            true,
        ),
        (
            "RFC 9111 §4.3.2",
            "without Last-Modified, by Date: before",
            &[("if-modified-since", TEN)],
            &[("date", NINE)],
            true,
        ),
        (
            "RFC 9111 §4.3.2",
            "since",
            &[("if-modified-since", EIGHT)],
            &[("date", NINE)],
            false,
        ),
        (
            "RFC 9111 §4.3.2",
            "without Date, by the time of receipt: before",
            &[("if-modified-since", NINE)],
            &[],
            true,
        ),
        (
            "RFC 9111 §4.3.2",
            "since, too",
            &[("if-modified-since", EIGHT)],
            &[],
            false,
        ),
        (
            "§13.1.3",
            "a Last-Modified that is no date",
            &[("if-modified-since", TEN)],
            &[("last-modified", "x"), ("date", EIGHT)],
            false,
        ),
    ];
    for (section, name, request, stored, expected) in cases {
        let (request, stored) = (headers(request), headers(stored));
        let expected = if *expected {
            Verdict::NotModified
        } else {
            Verdict::Proceed
        };
        let verdict = evaluate(&request, StatusCode::OK, &stored, nine());
        assert_eq!(verdict, expected, "{section}: {name}");
        for status in [
            StatusCode::NO_CONTENT,
            StatusCode::FOUND,
            StatusCode::NOT_FOUND,
        ] {
            let verdict = evaluate(&request, status, &stored, nine());
            assert_eq!(
                verdict,
                Verdict::Proceed,
                "RFC 9111 §4.3.2, {status}: {name}"
            );
        }
    }
}

#[test]
fn what_the_origin_is_asked() {
    // Stored responses; If-None-Match, If-Modified-Since.
    let cases: &[(&str, &[Fields<'_>], Option<&str>, Option<&str>)] = &[
        ("§4.3.1: nothing stored", &[], None, None),
        ("§4.3.1: no validator", &[&[("x", "1")]], None, None),
        (
            "§4.3.1: a tag",
            &[&[("etag", "\"a\"")]],
            Some("\"a\""),
            None,
        ),
        (
            "§4.3.1: a weak one",
            &[&[("etag", "W/\"a\"")]],
            Some("W/\"a\""),
            None,
        ),
        (
            "§4.3.1: a date",
            &[&[("last-modified", NINE)]],
            None,
            Some(NINE),
        ),
        (
            "§4.3.1: both",
            &[&[("etag", "\"a\""), ("last-modified", NINE)]],
            Some("\"a\""),
            Some(NINE),
        ),
        (
            "§4.3.1: the tags of all",
            &[&[("etag", "\"a\"")], &[("etag", "\"b\"")]],
            Some("\"a\", \"b\""),
            None,
        ),
        (
            "§4.3.1: a date only of a single one",
            &[&[("last-modified", NINE)], &[("etag", "\"b\"")]],
            Some("\"b\""),
            None,
        ),
        (
            "RFC 9110 §8.8.3: a tag that is none",
            &[&[("etag", "a"), ("last-modified", NINE)]],
            None,
            Some(NINE),
        ),
        (
            "RFC 9110 §8.8.2: a date that is none",
            &[&[("last-modified", "x")]],
            None,
            None,
        ),
    ];
    for (name, stored, tags, since) in cases {
        let stored: Vec<_> = stored.iter().map(|fields| headers(fields)).collect();
        let own: Fields<'_> = &[
            ("if-none-match", "\"mine\""),
            ("if-match", "*"),
            ("range", "bytes=0-1"),
            ("x", "y"),
        ];
        let mut request = headers(own);
        let asked = ask(&mut request, &stored);
        assert_eq!(asked, tags.is_some() || since.is_some(), "{name}");
        if asked {
            let field = |name| {
                request
                    .get(name)
                    .map(|value: &HeaderValue| value.to_str().unwrap())
            };
            assert_eq!(field("if-none-match"), *tags, "{name}");
            assert_eq!(field("if-modified-since"), *since, "{name}");
            assert!(
                !request.contains_key("if-match") && !request.contains_key("range"),
                "{name}"
            );
            assert_eq!(field("x"), Some("y"), "{name}");
        } else {
            assert_eq!(request, headers(own), "{name}");
        }
    }
}

#[test]
fn a_clients_own_preconditions_are_removed_with_all_their_lines() {
    let mut request = headers(&[
        ("if-none-match", "\"a\""),
        ("if-none-match", "\"b\""),
        ("if-match", "*"),
        ("if-modified-since", NINE),
        ("if-unmodified-since", NINE),
        ("if-range", "\"a\""),
        ("range", "bytes=0-1"),
        ("accept", "x"),
    ]);
    remove_preconditions(&mut request);
    assert_eq!(request, headers(&[("accept", "x")]));
}

#[test]
fn which_stored_response_a_304_is_about() {
    const A: Fields<'_> = &[("etag", "\"a\""), ("last-modified", NINE)];
    const B: Fields<'_> = &[("etag", "\"b\""), ("last-modified", NINE)];
    const WEAK_A: Fields<'_> = &[("etag", "W/\"a\"")];
    const DATED: Fields<'_> = &[("last-modified", NINE)];
    let cases: &[(&str, Fields<'_>, &[Fields<'_>], Option<usize>)] = &[
        ("a strong tag", &[("etag", "\"a\"")], &[A], Some(0)),
        (
            "a strong tag, the second",
            &[("etag", "\"b\"")],
            &[A, B],
            Some(1),
        ),
        ("a strong tag, none", &[("etag", "\"c\"")], &[A, B], None),
        (
            "a strong tag is not healed by a date",
            &[("etag", "\"c\""), ("last-modified", NINE)],
            &[A],
            None,
        ),
        (
            "a strong tag, a weak one stored",
            &[("etag", "\"a\"")],
            &[WEAK_A],
            None,
        ),
        (
            "a weak tag, a strong one stored",
            &[("etag", "W/\"a\"")],
            &[B, A],
            Some(1),
        ),
        (
            "a weak tag, the most recent",
            &[("etag", "W/\"a\"")],
            &[WEAK_A, A],
            Some(0),
        ),
        ("a weak tag, none", &[("etag", "W/\"c\"")], &[A], None),
        (
            "a date, the most recent",
            &[("last-modified", NINE)],
            &[A, B],
            Some(0),
        ),
        ("a date, none", &[("last-modified", TEN)], &[DATED], None),
        (
            "no validator, one was asked about",
            &[("x", "y")],
            &[A],
            Some(0),
        ),
        ("no validator, two were", &[], &[A, B], None),
        ("no validator, none was", &[], &[], None),
        ("a tag that is none", &[("etag", "a")], &[A], None),
    ];
    for (name, answer, stored, expected) in cases {
        let stored: Vec<_> = stored.iter().map(|fields| headers(fields)).collect();
        assert_eq!(
            selected(&headers(answer), &stored),
            *expected,
            "§4.3.4: {name}"
        );
    }
}

#[test]
fn a_304_has_no_metadata_of_a_body() {
    let mut head = headers(&[
        ("etag", "\"a\""),
        ("cache-control", "max-age=60"),
        ("vary", "accept"),
        ("content-location", "/a"),
        ("content-length", "3"),
        ("content-type", "text/html"),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
    ]);
    make_not_modified(&mut head);
    let mut names: Vec<_> = head.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["cache-control", "content-location", "etag", "vary"],
        "RFC 9110 §15.4.5"
    );
}

proptest! {
    #[test]
    fn what_the_origin_is_asked_is_what_it_can_answer_by(
        tags in prop::collection::vec("(W/)?\"[a-c,]{0,2}\"", 1..4),
        answered in any::<prop::sample::Index>(),
    ) {
        let stored: Vec<_> = tags.iter().map(|tag| headers(&[("etag", tag)])).collect();
        let mut request = HeaderMap::new();
        prop_assert!(ask(&mut request, &stored));
        let answer = answered.get(&stored);
        // The origin finds each of them in the question, and the cache finds its way
        // back from each answer.
        prop_assert_eq!(evaluate(&request, StatusCode::OK, answer, nine()), Verdict::NotModified);
        let found = selected(answer, &stored).unwrap();
        prop_assert!(EntityTag::of(&stored[found]).unwrap().weakly_equals(EntityTag::of(answer).unwrap()));
    }
}
