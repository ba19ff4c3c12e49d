#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::policy::reuse::{NotFresh, Reuse};

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
        let verdict = evaluate(&request, StatusCode::NOT_FOUND, &stored, nine());
        assert_eq!(verdict, Verdict::Proceed, "§13.2.1, a 404: {name}");
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
fn a_clients_own_preconditions_are_set_aside_line_by_line() {
    let mut request = headers(&[
        ("if-none-match", "\"a\""),
        ("if-none-match", "\"b\""),
        ("range", "bytes=0-1"),
        ("accept", "x"),
    ]);
    let own = Preconditions::take(&mut request);
    assert_eq!(request, headers(&[("accept", "x")]));
    assert_eq!(own.fields().get_all("if-none-match").iter().count(), 2);
    assert_eq!(own.fields()["range"], "bytes=0-1");
    let stored = headers(&[("etag", "\"b\"")]);
    let verdict = evaluate(own.fields(), StatusCode::OK, &stored, nine());
    assert_eq!(verdict, Verdict::NotModified);
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

fn freshened(policy: &Policy, stored: Fields<'_>, answer: Fields<'_>) -> (Freshened, Instant) {
    let monotonic = Instant::now();
    let freshened = policy.freshen(&Update {
        asked: Asked::default(),
        status: StatusCode::OK,
        stored: &headers(stored),
        answer: &headers(answer),
        requested: monotonic,
        received: Now {
            wall: nine(),
            monotonic,
        },
    });
    (freshened, monotonic)
}

#[test]
fn which_fields_a_304_updates() {
    let cases: &[(&str, &str, Fields<'_>, Fields<'_>, &str, &[&str])] = &[
        (
            "§3.2",
            "replaced",
            &[("a", "1")],
            &[("a", "2")],
            "a",
            &["2"],
        ),
        ("§3.2", "added", &[], &[("a", "2")], "a", &["2"]),
        ("§3.2", "kept", &[("a", "1")], &[], "a", &["1"]),
        (
            "§3.2",
            "all lines at once",
            &[("a", "1"), ("a", "2")],
            &[("a", "3"), ("a", "4")],
            "a",
            &["3", "4"],
        ),
        (
            "§3.2",
            "Content-Foo",
            &[("content-foo", "1")],
            &[("content-foo", "2")],
            "content-foo",
            &["2"],
        ),
        (
            "§3.2",
            "Content-Type",
            &[("content-type", "a/b")],
            &[("content-type", "a/c")],
            "content-type",
            &["a/c"],
        ),
        (
            "§3.2",
            "Expires",
            &[("expires", EIGHT)],
            &[("expires", TEN)],
            "expires",
            &[TEN],
        ),
        (
            "§3.2",
            "not Content-Length",
            &[("content-length", "3")],
            &[("content-length", "0")],
            "content-length",
            &["3"],
        ),
        (
            "§3.2",
            "not Content-Encoding",
            &[("content-encoding", "gzip")],
            &[("content-encoding", "br")],
            "content-encoding",
            &["gzip"],
        ),
        (
            "§3.2",
            "not even if there was none",
            &[],
            &[("content-encoding", "br")],
            "content-encoding",
            &[],
        ),
        (
            "§3.2",
            "not Content-Range",
            &[],
            &[("content-range", "bytes 0-1/2")],
            "content-range",
            &[],
        ),
        (
            "§3.2",
            "not what is a digest of the bytes",
            &[("content-digest", "a")],
            &[("content-digest", "b")],
            "content-digest",
            &["a"],
        ),
        (
            "§3.2",
            "not the tag of the bytes",
            &[("etag", "\"a\"")],
            &[("etag", "W/\"a\"")],
            "etag",
            &["\"a\""],
        ),
        (
            "RFC 9110 §6.6.1",
            "Date",
            &[("date", EIGHT)],
            &[("date", TEN)],
            "date",
            &[TEN],
        ),
        (
            "RFC 9110 §6.6.1",
            "Date, if there is none, is that of receipt",
            &[("date", EIGHT)],
            &[],
            "date",
            &[NINE],
        ),
        (
            "§5.1",
            "Age goes with its message",
            &[("age", "500")],
            &[],
            "age",
            &[],
        ),
        (
            "§5.1",
            "Age comes with its message",
            &[("age", "500")],
            &[("age", "7")],
            "age",
            &["7"],
        ),
    ];
    for (section, name, stored, answer, field, expected) in cases {
        let (freshened, _) = freshened(&Policy::conservative(), stored, answer);
        let lines: Vec<_> = freshened.headers.get_all(*field).iter().collect();
        assert_eq!(lines, *expected, "{section}: {name}");
    }
}

#[test]
fn on_which_terms_a_freshened_response_is_kept() {
    const FRESH: (&str, &str) = ("cache-control", "max-age=60");
    let fresh = |seconds| {
        Ok(Reuse::Fresh {
            ttl: Duration::from_secs(seconds),
        })
    };
    let cases: &[(&str, Fields<'_>, Fields<'_>, Result<Reuse, NotStored>)] = &[
        (
            "as young as can be",
            &[FRESH, ("age", "59"), ("date", EIGHT)],
            &[],
            fresh(60),
        ),
        ("as old as it says", &[FRESH], &[("age", "20")], fresh(40)),
        (
            "for another time",
            &[FRESH],
            &[("cache-control", "max-age=7")],
            fresh(7),
        ),
        (
            "never again without asking",
            &[FRESH, ("etag", "\"a\"")],
            &[("cache-control", "no-cache")],
            Ok(Reuse::Validate(NotFresh::NoCache)),
        ),
        (
            "not for others any more",
            &[FRESH],
            &[("cache-control", "private")],
            Err(NotStored::Private),
        ),
        (
            "not at all any more",
            &[FRESH],
            &[("cache-control", "no-store")],
            Err(NotStored::NoStore),
        ),
        (
            "with a cookie for one",
            &[FRESH],
            &[("set-cookie", "a=b")],
            Err(NotStored::SetCookie),
        ),
    ];
    for (name, stored, answer, expected) in cases {
        let (freshened, now) = freshened(&Policy::conservative(), stored, answer);
        let reuse = freshened
            .kept
            .map(|kept| kept.terms.reuse(Asked::default(), now));
        assert_eq!(reuse, *expected, "§4.3.4: {name}");
    }
}

#[test]
fn fields_that_a_304_names_are_not_kept() {
    let stored: Fields<'_> = &[("cache-control", "max-age=60"), ("a", "1"), ("b", "1")];
    let answer: Fields<'_> = &[("cache-control", "max-age=60, private=\"a\""), ("a", "2")];
    let (freshened, _) = freshened(&Policy::standard(), stored, answer);
    assert!(freshened.kept.is_ok());
    assert!(!freshened.headers.contains_key("a"));
    assert_eq!(freshened.headers["b"], "1");
}

#[test]
fn what_a_head_tells_about_a_stored_get() {
    const STORED: Fields<'_> = &[
        ("etag", "\"a\""),
        ("last-modified", NINE),
        ("content-length", "3"),
    ];
    let cases: &[(&str, u16, Fields<'_>, HeadEffect)] = &[
        (
            "the same tag",
            200,
            &[("etag", "\"a\"")],
            HeadEffect::Update,
        ),
        (
            "the same date",
            200,
            &[("last-modified", NINE)],
            HeadEffect::Update,
        ),
        ("the same in all", 200, STORED, HeadEffect::Update),
        ("another tag", 200, &[("etag", "\"b\"")], HeadEffect::Stale),
        (
            "the same tag, weak",
            200,
            &[("etag", "W/\"a\"")],
            HeadEffect::Stale,
        ),
        (
            "another date",
            200,
            &[("etag", "\"a\""), ("last-modified", TEN)],
            HeadEffect::Stale,
        ),
        (
            "another length",
            200,
            &[("etag", "\"a\""), ("content-length", "4")],
            HeadEffect::Stale,
        ),
        (
            "only the same length",
            200,
            &[("content-length", "3")],
            HeadEffect::None,
        ),
        (
            "only another length",
            200,
            &[("content-length", "4")],
            HeadEffect::Stale,
        ),
        ("nothing", 200, &[], HeadEffect::None),
        (
            "another status",
            404,
            &[("etag", "\"b\"")],
            HeadEffect::None,
        ),
    ];
    for (name, status, head, expected) in cases {
        let status = StatusCode::from_u16(*status).unwrap();
        let effect = head_effect(status, &headers(head), &headers(STORED));
        assert_eq!(effect, *expected, "§4.3.5: {name}");
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

    #[test]
    fn to_be_told_the_same_twice_changes_nothing_more(
        stored in prop::collection::vec(("a|b|age|date|content-length", "[0-9]{1,2}"), 0..6),
        answer in prop::collection::vec(("a|b|age|date|content-length", "[0-9]{1,2}"), 0..6),
    ) {
        let [stored, answer] = [stored, answer].map(|fields| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            headers(&fields)
        });
        let once = updated(&stored, &answer, nine());
        prop_assert_eq!(updated(&once, &answer, nine()), once);
    }
}
