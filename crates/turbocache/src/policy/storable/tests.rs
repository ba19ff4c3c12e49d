#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::policy::directives::Wishes;

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
    judge_by(
        &Policy::conservative(),
        Asked::default(),
        status,
        fields,
        body,
    )
}

fn judge_by(
    policy: &Policy,
    asked: Asked,
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
    let exchange = Exchange {
        asked,
        ..exchange(&parts, body, monotonic, received)
    };
    policy.storable(&exchange)
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
        if_range: false,
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
            "RFC 9110 §11.6.3",
            "what proves something to one client",
            &[FRESH, ("authentication-info", "nextnonce=\"a\"")],
            Some(NotStored::ForOneClient),
        ),
        (
            "W3C FedCM",
            "whether a client is logged in",
            &[FRESH, ("set-login", "logged-in")],
            Some(NotStored::ForOneClient),
        ),
        (
            "W3C Clear Site Data",
            "what ends the session of whoever gets it",
            &[FRESH, ("clear-site-data", "\"cookies\"")],
            None,
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
        (
            "RFC 9110 §15.5: the request was wrong",
            &[
                400, 401, 402, 403, 405, 406, 408, 409, 411, 413, 415, 417, 421, 422, 425, 426,
            ],
        ),
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

const TAG: (&str, &str) = ("etag", "\"a\"");
const MODIFIED: (&str, &str) = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");

#[test]
fn where_the_modes_differ() {
    let plain = Asked::default();
    let named = Asked {
        authorization: true,
        ..plain
    };
    let cookie = Asked {
        cookie: true,
        ..plain
    };
    let part = Asked {
        range: true,
        ..plain
    };
    let control = |value| ("cache-control", value);
    let no_explicit = Some(NotStored::NoExplicitFreshness);
    // Conservative, standard.
    let cases: &[(
        &str,
        &str,
        Asked,
        u16,
        &[(&str, &str)],
        [Option<NotStored>; 2],
    )] = &[
        (
            "§4.2.2",
            "a guess",
            plain,
            200,
            &[MODIFIED],
            [no_explicit, None],
        ),
        (
            "§4.2.2",
            "a guess about a 404",
            plain,
            404,
            &[MODIFIED],
            [no_explicit, None],
        ),
        (
            "RFC 9110 §15.5",
            "what says that the request was wrong",
            plain,
            400,
            &[FRESH],
            [Some(NotStored::Status), None],
        ),
        (
            "§4.2.2",
            "no guess about a 201",
            plain,
            201,
            &[MODIFIED],
            [no_explicit, no_explicit],
        ),
        (
            "§4.2.2",
            "a guess about what is public",
            plain,
            599,
            &[MODIFIED, control("public")],
            [no_explicit, None],
        ),
        (
            "§4.2.2",
            "no guess for someone with a cookie",
            cookie,
            200,
            &[MODIFIED],
            [no_explicit, no_explicit],
        ),
        (
            "§4.2.2",
            "nothing to go by",
            plain,
            200,
            &[TAG],
            [no_explicit, no_explicit],
        ),
        (
            "§4.1",
            "a cookie alone does no harm",
            cookie,
            200,
            &[FRESH],
            [None, None],
        ),
        (
            "§5.2.1.5",
            "the client's no-store",
            Asked {
                wishes: Wishes {
                    no_store: true,
                    ..plain.wishes
                },
                ..plain
            },
            200,
            &[FRESH],
            [
                Some(NotStored::RequestNoStore),
                Some(NotStored::RequestNoStore),
            ],
        ),
        (
            "§3.5",
            "for someone with a name",
            named,
            200,
            &[FRESH],
            [
                Some(NotStored::Authorization),
                Some(NotStored::Authorization),
            ],
        ),
        (
            "§3.5",
            "public",
            named,
            200,
            &[control("max-age=60, public")],
            [Some(NotStored::Authorization), None],
        ),
        (
            "§3.5",
            "s-maxage",
            named,
            200,
            &[control("s-maxage=60")],
            [Some(NotStored::Authorization), None],
        ),
        (
            "§3.5",
            "must-revalidate",
            named,
            200,
            &[control("max-age=60, must-revalidate")],
            [Some(NotStored::Authorization), None],
        ),
        (
            "§3.5",
            "proxy-revalidate is not enough",
            named,
            200,
            &[control("max-age=60, proxy-revalidate")],
            [
                Some(NotStored::Authorization),
                Some(NotStored::Authorization),
            ],
        ),
        (
            "§3.5",
            "neither is an s-maxage that is none",
            named,
            200,
            &[control("max-age=60, s-maxage=x")],
            [
                Some(NotStored::Authorization),
                Some(NotStored::Authorization),
            ],
        ),
        (
            "§5.2.2.7",
            "private for some fields",
            plain,
            200,
            &[control("max-age=60, private=\"x-a\"")],
            [Some(NotStored::Private), None],
        ),
        (
            "§5.2.2.4",
            "no-cache for some fields, nothing to validate by",
            plain,
            200,
            &[control("max-age=60, no-cache=\"x-a\"")],
            [Some(NotStored::NoCache), None],
        ),
        (
            "§7.3",
            "Set-Cookie",
            plain,
            200,
            &[control("public, s-maxage=60"), ("set-cookie", "a=b")],
            [Some(NotStored::SetCookie), Some(NotStored::SetCookie)],
        ),
        (
            "§7.3",
            "Set-Cookie, left out",
            plain,
            200,
            &[
                control("max-age=60, no-cache=\"Set-Cookie\""),
                ("set-cookie", "a=b"),
                TAG,
            ],
            [Some(NotStored::SetCookie), None],
        ),
        (
            "§3.3",
            "a part",
            part,
            206,
            &[FRESH, ("content-range", "bytes 0-2/9")],
            [Some(NotStored::Partial), None],
        ),
        (
            "§3.3",
            "a part that nobody asked for",
            plain,
            206,
            &[FRESH, ("content-range", "bytes 0-2/9")],
            [Some(NotStored::Partial), Some(NotStored::Partial)],
        ),
        (
            "§3.3",
            "several parts",
            part,
            206,
            &[FRESH, ("content-type", "multipart/byteranges; boundary=a")],
            [Some(NotStored::Partial), Some(NotStored::Partial)],
        ),
        (
            "RFC 9110 §14.4",
            "perhaps a part that calls itself a whole",
            part,
            200,
            &[FRESH, ("content-range", "bytes 0-2/9")],
            [Some(NotStored::Partial), Some(NotStored::Partial)],
        ),
        (
            "RFC 9110 §14.2",
            "a whole for who asked for a part",
            part,
            200,
            &[FRESH],
            [None, None],
        ),
    ];
    for (section, name, asked, status, fields, expected) in cases {
        let body = SizeHint::with_exact(3);
        let verdicts = [Policy::conservative(), Policy::standard()]
            .map(|policy| judge_by(&policy, *asked, *status, fields, &body).err());
        assert_eq!(verdicts, *expected, "{section}: {name}");
    }
}

#[test]
fn what_is_stale_is_stored_if_it_is_of_use() {
    let cases: &[(&str, &str, &[(&str, &str)], Option<NotStored>)] = &[
        (
            "§4.3",
            "with a tag",
            &[("cache-control", "max-age=0"), TAG],
            None,
        ),
        (
            "§4.3",
            "with a date",
            &[("cache-control", "max-age=0"), MODIFIED],
            None,
        ),
        (
            "§4.3",
            "with a tag that is none",
            &[("cache-control", "max-age=0"), ("etag", "a")],
            Some(NotStored::StaleOnArrival),
        ),
        (
            "RFC 5861 §3",
            "while it is validated",
            &[("cache-control", "max-age=0, stale-while-revalidate=5")],
            None,
        ),
        (
            "RFC 5861 §4",
            "in place of an error",
            &[("cache-control", "max-age=0, stale-if-error=5")],
            None,
        ),
        (
            "RFC 5861 §3",
            "for no time",
            &[("cache-control", "max-age=0, stale-while-revalidate=0")],
            Some(NotStored::StaleOnArrival),
        ),
        (
            "RFC 5861 §3",
            "for a time that is none",
            &[("cache-control", "max-age=0, stale-if-error=x")],
            Some(NotStored::StaleOnArrival),
        ),
        (
            "§4.2.4",
            "but never stale",
            &[(
                "cache-control",
                "max-age=0, stale-if-error=5, must-revalidate",
            )],
            Some(NotStored::StaleOnArrival),
        ),
        (
            "§5.2.2.4",
            "no-cache with a tag",
            &[("cache-control", "no-cache"), TAG],
            None,
        ),
        (
            "§5.2.2.4",
            "no-cache, fresh, with a tag",
            &[("cache-control", "no-cache, max-age=60"), TAG],
            None,
        ),
        (
            "§5.2.2.4",
            "no-cache, and may not be stale",
            &[("cache-control", "no-cache, stale-if-error=5")],
            Some(NotStored::NoCache),
        ),
    ];
    for (section, name, fields, expected) in cases {
        assert_eq!(judge(200, fields).err(), *expected, "{section}: {name}");
    }
}

#[test]
fn no_cache_alone_is_for_statuses_that_may_be_cached() {
    let fields = [("cache-control", "no-cache"), TAG];
    assert_eq!(judge(404, &fields).err(), None, "§3");
    let refused = Some(NotStored::NoExplicitFreshness);
    assert_eq!(judge(503, &fields).err(), refused, "§3");
    let fields = [("cache-control", "no-cache, public"), TAG];
    assert_eq!(judge(503, &fields).err(), None, "§5.2.2.9");
}

#[test]
fn a_failure_is_not_fresh_for_longer_than_it_may_last() {
    const HOUR: (&str, &str) = ("cache-control", "max-age=3600");
    const OLD: (&str, &str) = ("age", "30");
    const FRESH_FOR_TWO: (&str, &str) = ("cache-control", "max-age=2");
    // In conservative and in standard mode.
    let cases: &[(&str, u16, &[(&str, &str)], [u64; 2])] = &[
        ("a page", 200, &[HOUR], [3600, 3600]),
        ("a page that is not there", 404, &[HOUR], [3600, 3600]),
        ("§15.6.1", 500, &[HOUR], [10, 3600]),
        ("a page that is gone", 410, &[HOUR], [3600, 3600]),
        ("RFC 7725", 451, &[HOUR], [3600, 3600]),
        ("a status of somebody's own", 498, &[HOUR], [10, 3600]),
        ("§15.6.2", 501, &[HOUR], [10, 3600]),
        ("another one of somebody's own", 599, &[HOUR], [10, 3600]),
        ("§15.6.3", 502, &[HOUR], [10, 3600]),
        ("§15.6.4", 503, &[HOUR], [10, 3600]),
        ("§15.6.5", 504, &[HOUR], [10, 3600]),
        ("from now on", 503, &[HOUR, OLD], [10, 3570]),
        ("shorter", 503, &[FRESH_FOR_TWO], [2, 2]),
    ];
    for (name, status, fields, expected) in cases {
        let ttl = [Policy::conservative(), Policy::standard()].map(|policy| {
            let body = SizeHint::with_exact(3);
            let storable = judge_by(&policy, Asked::default(), *status, fields, &body).unwrap();
            let freshness = storable.kept.terms.freshness;
            freshness.ttl(freshness.received()).unwrap().as_secs()
        });
        assert_eq!(ttl, *expected, "{name}");
    }
}

#[test]
fn on_which_terms_a_response_is_stored() {
    let seconds = Duration::from_secs;
    let second = Duration::from_secs(1);
    // Sections, directives; no-cache, never stale, immutable, for everybody; while
    // it is validated, in place of an error.
    let cases: &[(&str, &str, [bool; 4], [u64; 2])] = &[
        ("§3", "max-age=60", [false; 4], [0, 9]),
        (
            "§5.2.2.2",
            "max-age=60, must-revalidate",
            [false, true, false, true],
            [0, 9],
        ),
        (
            "§5.2.2.8",
            "max-age=60, proxy-revalidate",
            [false, true, false, false],
            [0, 9],
        ),
        (
            "§5.2.2.10",
            "s-maxage=60",
            [false, true, false, true],
            [0, 9],
        ),
        (
            "§5.2.2.9",
            "max-age=60, public",
            [false, false, false, true],
            [0, 9],
        ),
        (
            "§5.2.2.4",
            "max-age=60, no-cache",
            [true, false, false, false],
            [0, 9],
        ),
        (
            "RFC 8246",
            "max-age=60, immutable",
            [false, false, true, false],
            [0, 9],
        ),
        (
            "RFC 5861 §3",
            "max-age=60, stale-while-revalidate=5",
            [false; 4],
            [5, 9],
        ),
        (
            "RFC 5861 §4",
            "max-age=60, stale-if-error=5",
            [false; 4],
            [0, 5],
        ),
        (
            "RFC 5861 §4",
            "max-age=60, stale-if-error=0",
            [false; 4],
            [0, 0],
        ),
    ];
    let policy = Policy {
        grace: 9 * second,
        ..Policy::conservative()
    };
    for (section, directives, flags, stale) in cases {
        let fields = [("cache-control", *directives), TAG];
        let body = SizeHint::with_exact(3);
        let storable = judge_by(&policy, Asked::default(), 200, &fields, &body).unwrap();
        let terms = storable.kept.terms;
        let flags_read = [
            terms.no_cache,
            terms.must_revalidate,
            terms.immutable,
            terms.authorized,
        ];
        assert_eq!(flags_read, *flags, "{section}: {directives}");
        let stale_read = [terms.stale_while_revalidate, terms.stale_if_error];
        assert_eq!(stale_read, stale.map(seconds), "{section}: {directives}");
    }
}

#[test]
fn must_understand_asks_for_a_status_that_is_understood() {
    let control = ("cache-control", "max-age=60, no-store, must-understand");
    let understood: Vec<_> = (200..600)
        .filter(|status| {
            let verdict = judge_body(*status, &[control], &SizeHint::with_exact(0));
            match verdict {
                Ok(_) => true,
                Err(NotStored::MustUnderstand | NotStored::Status | NotStored::Partial) => false,
                Err(other) => panic!("{status}: {other:?}"),
            }
        })
        .collect();
    for status in [200, 301, 404, 500] {
        assert!(understood.contains(&status), "§5.2.2.3: {status}");
    }
    for status in [206, 299, 304, 418, 499, 599] {
        assert!(!understood.contains(&status), "§5.2.2.3: {status}");
    }
}

#[test]
fn the_fields_that_are_left_out_are_those_that_are_named() {
    let fields = [(
        "cache-control",
        "max-age=60, private=\"X-A, x-b\", no-cache=x-c",
    )];
    let body = SizeHint::with_exact(3);
    let storable = judge_by(&Policy::standard(), Asked::default(), 200, &fields, &body).unwrap();
    let mut without: Vec<_> = storable
        .kept
        .without
        .iter()
        .map(HeaderName::as_str)
        .collect();
    without.sort_unstable();
    assert_eq!(without, ["x-a", "x-b", "x-c"], "§5.2.2.4, §5.2.2.7");
    assert!(!storable.kept.terms.no_cache);
}

fn any_fields() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let field = prop::sample::select(vec![
        FRESH,
        TAG,
        MODIFIED,
        ("cache-control", "private"),
        ("cache-control", "private=\"x\""),
        ("cache-control", "no-store"),
        ("cache-control", "must-understand"),
        ("cache-control", "no-cache"),
        ("cache-control", "public"),
        ("cache-control", "s-maxage=5"),
        ("cdn-cache-control", "max-age=7"),
        ("cdn-cache-control", "private"),
        ("cdn-cache-control", "&"),
        ("surrogate-control", "no-store"),
        ("expires", "0"),
        ("vary", "foo"),
        ("vary", "*"),
        ("set-cookie", "a=b"),
        ("pragma", "no-cache"),
    ]);
    prop::collection::vec(field, 0..6)
}

proptest! {
    /// Whatever else a response says: of these promises, none is ever broken.
    #[test]
    fn nothing_is_stored_that_is_for_one_client(
        fields in any_fields(),
        status in 100_u16..600,
        flags in any::<[bool; 4]>(),
    ) {
        let asked = Asked {
            authorization: flags[0],
            cookie: flags[1],
            range: flags[2],
            ..Asked::default()
        };
        let policy = if flags[3] { Policy::standard() } else { Policy::conservative() };
        let verdict = judge_by(&policy, asked, status, &fields, &SizeHint::with_exact(0));
        let has = |field| fields.contains(&field);
        if let Ok(storable) = verdict {
            let targeted = has(("cdn-cache-control", "max-age=7")) && !has(("cdn-cache-control", "&"));
            prop_assert!(!has(("set-cookie", "a=b")));
            prop_assert!(!has(("vary", "*")));
            prop_assert!(targeted || !has(("cache-control", "private")));
            prop_assert!(
                targeted || !has(("cache-control", "no-store")) || has(("cache-control", "must-understand"))
            );
            prop_assert!(!asked.authorization || policy.authorization && storable.kept.terms.authorized);
            prop_assert!(status >= 200 && status != 304);
        }
    }

    #[test]
    fn what_conservative_stores_standard_stores_on_the_same_terms(
        fields in any_fields(),
        status in 200_u16..600,
    ) {
        let judge = |policy| judge_by(&policy, Asked::default(), status, &fields, &SizeHint::with_exact(0));
        if let Ok(storable) = judge(Policy::conservative()) {
            let other = judge(Policy::standard()).unwrap();
            prop_assert_eq!(other.kept.vary, storable.kept.vary.languages_by_weight(true));
            prop_assert_eq!(other.kept.terms.must_revalidate, storable.kept.terms.must_revalidate);
            // Less may have to be validated, as fields are left out for it.
            prop_assert!(storable.kept.terms.no_cache || !other.kept.terms.no_cache);
        }
    }
}
