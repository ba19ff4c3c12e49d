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
fn a_guess_stays_good_for_someone_with_a_cookie() {
    let received = Now {
        wall: nine(),
        monotonic: Instant::now(),
    };
    let freshened = Policy::standard().freshen(&Update {
        asked: Asked {
            cookie: true,
            ..Asked::default()
        },
        status: StatusCode::OK,
        stored: &headers(&[("last-modified", EIGHT)]),
        answer: &headers(&[("date", NINE)]),
        requested: received.monotonic,
        received,
    });
    // A tenth of an hour.
    let ttl = Duration::from_secs(360);
    let reuse = freshened
        .kept
        .map(|kept| kept.terms.reuse(Asked::default(), received.monotonic));
    assert_eq!(reuse, Ok(Reuse::Fresh { ttl }), "§4.2.2, §4.3.4");
}

#[test]
fn fields_that_a_304_has_and_names_are_for_who_asked() {
    let stored: Fields<'_> = &[("cache-control", "max-age=60"), ("a", "1"), ("b", "1")];
    let answer: Fields<'_> = &[("cache-control", "max-age=60, private=\"a\""), ("a", "2")];
    let (freshened, _) = freshened(&Policy::standard(), stored, answer);
    assert_eq!(freshened.kept.err(), Some(NotStored::ForOneClient));
    assert_eq!(freshened.headers["a"], "2");
    assert_eq!(freshened.headers["b"], "1");
}

#[test]
fn fields_that_a_304_only_names_are_not_kept() {
    let stored: Fields<'_> = &[("cache-control", "max-age=60"), ("a", "1"), ("b", "1")];
    let answer: Fields<'_> = &[("cache-control", "max-age=60, private=\"a\"")];
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

proptest! {
    #[test]
    fn to_be_told_the_same_twice_changes_nothing_more(
        stored in prop::collection::vec(("a|b|age|date|content-length", "[0-9]{1,2}"), 0..6),
        answer in prop::collection::vec(("a|b|age|date|content-length", "[0-9]{1,2}"), 0..6),
    ) {
        let [stored, answer] = [stored, answer].map(|fields| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            headers(&fields)
        });
        let once = updated(&stored, &answer, nine(), is_updated);
        prop_assert_eq!(updated(&once, &answer, nine(), is_updated), once);
    }
}
