#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use std::time::Duration;

use super::*;

/// The verdict over a response that is storable but for `fields`, on a body of
/// a known length of 3 bytes.
fn judge(status: u16, fields: &[(&str, &str)]) -> Result<Storable, NotStored> {
    judge_body(status, fields, &SizeHint::with_exact(3))
}

fn judge_body(
    status: u16,
    fields: &[(&str, &str)],
    body: &SizeHint,
) -> Result<Storable, NotStored> {
    let mut response = http::Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    let (parts, ()) = response.body(()).unwrap().into_parts();
    let monotonic = Instant::now();
    let received = Now {
        wall: SystemTime::now(),
        monotonic,
    };
    Policy::conservative().storable(&exchange(&parts, body, monotonic, received))
}

fn exchange<'a>(
    response: &'a response::Parts,
    body: &SizeHint,
    requested: Instant,
    received: Now,
) -> Exchange<'a> {
    Exchange {
        asked: Asked::default(),
        response,
        body: *body,
        requested,
        received,
        max_body: 1000,
    }
}

const FRESH: (&str, &str) = ("cache-control", "max-age=60");

#[test]
fn which_responses_are_stored() {
    let cases: &[(&str, &str, &[(&str, &str)], Option<NotStored>)] = &[
        ("§3", "explicit freshness", &[FRESH], None),
        (
            "§5.2.2.10",
            "s-maxage",
            &[("cache-control", "s-maxage=60")],
            None,
        ),
        (
            "§5.3",
            "Expires",
            &[("expires", "Tue, 31 Dec 2999 23:59:59 GMT")],
            None,
        ),
        (
            "§5.2.2.9",
            "public",
            &[("cache-control", "public, max-age=60")],
            None,
        ),
        (
            "§4.2.2",
            "no freshness",
            &[],
            Some(NotStored::NoExplicitFreshness),
        ),
        (
            "§4.2.2",
            "no heuristics, even for what is public",
            &[
                ("cache-control", "public"),
                ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ],
            Some(NotStored::NoExplicitFreshness),
        ),
        (
            "§5.2.2.5",
            "no-store",
            &[FRESH, ("cache-control", "No-Store")],
            Some(NotStored::NoStore),
        ),
        (
            "§5.2.2.3",
            "must-understand lifts no-store",
            &[("cache-control", "max-age=60, must-understand, no-store")],
            None,
        ),
        (
            "§5.2.2.7",
            "private",
            &[FRESH, ("cache-control", "private")],
            Some(NotStored::Private),
        ),
        (
            "§5.2.2.7",
            "private for some fields",
            &[FRESH, ("cache-control", "private=\"x-a, x-b\"")],
            Some(NotStored::Private),
        ),
        (
            "§5.2.2.7",
            "s-maxage does not lift private",
            &[("cache-control", "private, s-maxage=60")],
            Some(NotStored::Private),
        ),
        (
            "§5.2.2.4",
            "no-cache",
            &[("cache-control", "max-age=60, no-cache")],
            Some(NotStored::NoCache),
        ),
        (
            "§5.2.2.4",
            "no-cache for some fields",
            &[("cache-control", "max-age=60, no-cache=\"x-a\"")],
            Some(NotStored::NoCache),
        ),
        (
            "§5.2",
            "what cannot be read",
            &[("cache-control", "max-age=60, x=\"no-store")],
            Some(NotStored::MalformedCacheControl),
        ),
        (
            "§4.2.1",
            "two lifetimes",
            &[("cache-control", "max-age=60, max-age=70")],
            Some(NotStored::InvalidFreshness),
        ),
        (
            "§4.2",
            "no lifetime",
            &[("cache-control", "max-age=0")],
            Some(NotStored::StaleOnArrival),
        ),
        (
            "§5.3",
            "Expires of 0",
            &[("expires", "0")],
            Some(NotStored::StaleOnArrival),
        ),
        (
            "§4.2.3",
            "as old as it may become",
            &[FRESH, ("age", "60")],
            Some(NotStored::StaleOnArrival),
        ),
        ("§4.2.3", "almost as old", &[FRESH, ("age", "59")], None),
        (
            "§4.2.3",
            "old by its Date",
            &[FRESH, ("date", "Sun, 06 Nov 1994 08:49:37 GMT")],
            Some(NotStored::StaleOnArrival),
        ),
        (
            "§5.4",
            "Pragma: no-cache alone",
            &[
                ("expires", "Tue, 31 Dec 2999 23:59:59 GMT"),
                ("pragma", "No-Cache"),
            ],
            Some(NotStored::Pragma),
        ),
        (
            "§5.4",
            "Cache-Control before Pragma",
            &[FRESH, ("pragma", "no-cache")],
            None,
        ),
        (
            "§5.4",
            "another Pragma",
            &[
                ("expires", "Tue, 31 Dec 2999 23:59:59 GMT"),
                ("pragma", "foo"),
            ],
            None,
        ),
        (
            "§7.3",
            "Set-Cookie",
            &[FRESH, ("set-cookie", "a=b")],
            Some(NotStored::SetCookie),
        ),
        (
            "§7.3",
            "an empty Set-Cookie",
            &[FRESH, ("set-cookie", "")],
            Some(NotStored::SetCookie),
        ),
        (
            "§4.1",
            "Vary: *",
            &[FRESH, ("vary", "*")],
            Some(NotStored::Vary),
        ),
        ("§4.1", "Vary", &[FRESH, ("vary", "accept-encoding")], None),
        (
            "RFC 9110 §14.4",
            "Content-Range has no meaning in a 200",
            &[FRESH, ("content-range", "bytes 0-2/9")],
            None,
        ),
        (
            "RFC 9110 §6.5",
            "trailers to come",
            &[FRESH, ("trailer", "x-sum")],
            Some(NotStored::Trailers),
        ),
        (
            "RFC 9213 §2.2",
            "another word to caches like this one",
            &[FRESH, ("cdn-cache-control", "no-store")],
            Some(NotStored::NoStore),
        ),
        (
            "RFC 9213 §2.2",
            "the older form of it",
            &[FRESH, ("surrogate-control", "max-age=60")],
            Some(NotStored::TargetedCacheControl),
        ),
        (
            "§3",
            "a stream of events",
            &[FRESH, ("content-type", "Text/Event-Stream ; charset=utf-8")],
            Some(NotStored::Endless),
        ),
        (
            "§3",
            "a moving picture",
            &[
                FRESH,
                ("content-type", "multipart/x-mixed-replace;boundary=a"),
            ],
            Some(NotStored::Endless),
        ),
        (
            "§3",
            "a page",
            &[FRESH, ("content-type", "text/html")],
            None,
        ),
        (
            "RFC 9110 §8.6",
            "the right length",
            &[FRESH, ("content-length", "3")],
            None,
        ),
        (
            "RFC 9112 §6.3",
            "the right length twice",
            &[FRESH, ("content-length", "3, 3")],
            None,
        ),
        (
            "§3.3",
            "too great a length",
            &[FRESH, ("content-length", "4")],
            Some(NotStored::ContentLength),
        ),
        (
            "§3.3",
            "too small a length",
            &[FRESH, ("content-length", "2")],
            Some(NotStored::ContentLength),
        ),
        (
            "RFC 9112 §6.3",
            "two lengths",
            &[FRESH, ("content-length", "3, 4")],
            Some(NotStored::ContentLength),
        ),
        (
            "RFC 9110 §8.6",
            "no length",
            &[FRESH, ("content-length", "three")],
            Some(NotStored::ContentLength),
        ),
        (
            "RFC 9110 §8.6",
            "a sign",
            &[FRESH, ("content-length", "+3")],
            Some(NotStored::ContentLength),
        ),
        (
            "RFC 9110 §8.6",
            "an empty one",
            &[FRESH, ("content-length", "")],
            Some(NotStored::ContentLength),
        ),
    ];
    for (section, name, fields, expected) in cases {
        assert_eq!(judge(200, fields).err(), *expected, "{section}: {name}");
    }
}

#[test]
fn which_statuses_are_stored() {
    // Those that are not, with explicit freshness, and why.
    let cases: &[(&str, &[u16])] = &[
        ("§3: not final", &[100, 101, 102, 103, 199]),
        ("§3.3: a part", &[206]),
        (
            "RFC 9110 §15: the answer to a precondition or a range",
            &[304, 412, 416],
        ),
        ("RFC 9110 §15.5.8: a proxy's question", &[407]),
        ("RFC 6585: must not be stored", &[428, 429, 431, 511]),
    ];
    for status in 100..600 {
        let row = cases.iter().find(|(_, statuses)| match status {
            100..200 => statuses.contains(&100),
            _ => statuses.contains(&status),
        });
        let verdict = judge_body(status, &[FRESH], &SizeHint::with_exact(0));
        match (row, verdict) {
            (None, verdict) => assert!(verdict.is_ok(), "{status}"),
            (Some((name, _)), Err(reason)) => {
                let expected = if status == 206 {
                    NotStored::Partial
                } else {
                    NotStored::Status
                };
                assert_eq!(reason, expected, "{status}: {name}");
            }
            (Some((name, _)), Ok(_)) => panic!("{status} is stored: {name}"),
        }
    }
    // A 204 has no body of 3 bytes.
    assert_eq!(judge(204, &[FRESH]).unwrap_err(), NotStored::ContentLength);
}

#[test]
fn how_long_a_body_may_be() {
    let unknown = SizeHint::new();
    let at_least = |lower| {
        let mut hint = SizeHint::new();
        hint.set_lower(lower);
        hint
    };
    let cases: &[(
        &str,
        &[(&str, &str)],
        SizeHint,
        Result<Option<u64>, NotStored>,
    )] = &[
        (
            "as long as may be",
            &[],
            SizeHint::with_exact(1000),
            Ok(Some(1000)),
        ),
        (
            "too long",
            &[],
            SizeHint::with_exact(1001),
            Err(NotStored::TooLarge),
        ),
        (
            "too long by its field",
            &[("content-length", "1001")],
            unknown,
            Err(NotStored::TooLarge),
        ),
        (
            "too long for a number",
            &[("content-length", "99999999999999999999")],
            unknown,
            Err(NotStored::ContentLength),
        ),
        (
            "too long at least",
            &[],
            at_least(1001),
            Err(NotStored::TooLarge),
        ),
        ("not known", &[], unknown, Ok(None)),
        (
            "known by its field",
            &[("content-length", "7")],
            unknown,
            Ok(Some(7)),
        ),
        (
            "longer than its field",
            &[("content-length", "7")],
            at_least(8),
            Err(NotStored::ContentLength),
        ),
        (
            "ended by the connection",
            &[("connection", "Close")],
            unknown,
            Err(NotStored::CloseDelimited),
        ),
        (
            "known, whatever the connection does",
            &[("connection", "close"), ("content-length", "7")],
            unknown,
            Ok(Some(7)),
        ),
    ];
    for (name, fields, body, expected) in cases {
        let fields = [&[FRESH], *fields].concat();
        let length = judge_body(200, &fields, body).map(|storable| storable.length);
        assert_eq!(length, *expected, "{name}");
    }
}

#[test]
fn a_body_without_a_length_that_its_connection_may_have_ended_is_not_stored() {
    type Change = fn(&mut http::response::Parts);
    let cases: [(&str, Change); 2] = [
        ("HTTP/1.0", |parts| parts.version = Version::HTTP_10),
        ("a proxy further in says so", |parts| {
            parts.extensions.insert(CloseDelimited);
        }),
    ];
    for (name, change) in cases {
        let (mut parts, ()) = http::Response::builder()
            .header("cache-control", "max-age=60")
            .body(())
            .unwrap()
            .into_parts();
        change(&mut parts);
        let monotonic = Instant::now();
        let received = Now {
            wall: SystemTime::now(),
            monotonic,
        };
        let verdict = Policy::conservative().storable(&exchange(
            &parts,
            &SizeHint::new(),
            monotonic,
            received,
        ));
        assert_eq!(verdict.unwrap_err(), NotStored::CloseDelimited, "{name}");
    }
}

#[test]
fn a_response_without_a_date_that_counts_is_given_one() {
    assert!(judge(200, &[FRESH]).unwrap().kept.date.is_some());
    assert!(
        judge(200, &[FRESH, ("date", "today")])
            .unwrap()
            .kept
            .date
            .is_some()
    );
    let now = httpdate::fmt_http_date(SystemTime::now());
    assert_eq!(
        judge(200, &[FRESH, ("date", &now)]).unwrap().kept.date,
        None
    );
}

#[test]
fn freshness_counts_from_the_age_that_it_came_with() {
    let storable = judge(200, &[FRESH, ("age", "15")]).unwrap();
    let now = Instant::now();
    let ttl = storable.kept.terms.freshness.ttl(now).unwrap();
    assert!(ttl <= Duration::from_secs(45) && ttl > Duration::from_secs(40));
}
