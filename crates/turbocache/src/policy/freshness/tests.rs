#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// Sun, 06 Nov 1994 08:49:37 GMT.
const NOON: u64 = 784_111_777;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn how_long_a_response_is_fresh() {
    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let explicit = |seconds| Lifetime::Explicit(Duration::from_secs(seconds));
    let cases: &[(&str, &str, &[(&str, &str)], Lifetime)] = &[
        ("§4.2.1", "nothing said", &[DATE], Lifetime::Unknown),
        (
            "§4.2.1",
            "max-age",
            &[("cache-control", "max-age=5")],
            explicit(5),
        ),
        (
            "§5.2.2.10",
            "s-maxage before max-age",
            &[("cache-control", "max-age=5, s-maxage=7")],
            explicit(7),
        ),
        (
            "§5.2.2.10",
            "s-maxage of zero, too",
            &[("cache-control", "s-maxage=0, max-age=5")],
            explicit(0),
        ),
        (
            "§4.2.1",
            "an s-maxage that is no number is not healed by max-age",
            &[("cache-control", "s-maxage=x, max-age=5")],
            Lifetime::Invalid,
        ),
        (
            "§5.3",
            "max-age before Expires",
            &[
                ("cache-control", "max-age=5"),
                ("expires", "Sun, 06 Nov 1994 09:49:37 GMT"),
                DATE,
            ],
            explicit(5),
        ),
        (
            "§4.2.1",
            "a max-age that is no number is not healed by Expires",
            &[
                ("cache-control", "max-age=x"),
                ("expires", "Sun, 06 Nov 1994 09:49:37 GMT"),
                DATE,
            ],
            Lifetime::Invalid,
        ),
        (
            "§4.2.1",
            "Expires minus Date",
            &[("expires", "Sun, 06 Nov 1994 09:49:37 GMT"), DATE],
            explicit(3600),
        ),
        (
            "RFC 9110 §5.6.7",
            "the form of RFC 850",
            &[("expires", "Sunday, 06-Nov-94 08:49:47 GMT"), DATE],
            explicit(10),
        ),
        (
            "§4.2",
            "in another case",
            &[("expires", "SUN, 06 nov 1994 08:49:47 gmt"), DATE],
            explicit(10),
        ),
        (
            "§4.2",
            "in another time zone",
            &[("expires", "Sun, 06 Nov 1994 08:49:47 UTC"), DATE],
            explicit(0),
        ),
        (
            "RFC 9110 §5.6.7",
            "the form of asctime",
            &[("expires", "Sun Nov  6 08:49:47 1994"), DATE],
            explicit(10),
        ),
        (
            "RFC 9110 §5.6.7",
            "on another day of the week",
            &[("expires", "Mon, 06 Nov 1994 08:49:47 GMT"), DATE],
            explicit(10),
        ),
        (
            "RFC 9110 §5.6.7",
            "on another day of the week, in the form of RFC 850",
            &[("expires", "Monday, 06-Nov-94 08:49:47 GMT"), DATE],
            explicit(10),
        ),
        (
            "RFC 9110 §5.6.7",
            "on another day of the week, in the form of asctime",
            &[("expires", "mon Nov  6 08:49:47 1994"), DATE],
            explicit(10),
        ),
        (
            "RFC 9110 §5.6.7",
            "on a day that is none",
            &[("expires", "Som, 06 Nov 1994 08:49:47 GMT"), DATE],
            explicit(0),
        ),
        (
            "RFC 9110 §6.6.1",
            "without Date, Expires minus the time of receipt",
            &[("expires", "Sun, 06 Nov 1994 08:50:37 GMT")],
            explicit(60),
        ),
        (
            "RFC 9110 §6.6.1",
            "with a Date that is none, too",
            &[
                ("expires", "Sun, 06 Nov 1994 08:50:37 GMT"),
                ("date", "today"),
            ],
            explicit(60),
        ),
        (
            "§5.3",
            "Expires before Date",
            &[("expires", "Sun, 06 Nov 1994 08:00:00 GMT"), DATE],
            explicit(0),
        ),
        (
            "§5.3",
            "Expires of 0",
            &[("expires", "0"), DATE],
            explicit(0),
        ),
        (
            "§5.3",
            "Expires that is no date",
            &[("expires", "in an hour"), DATE],
            explicit(0),
        ),
        (
            "§5.3",
            "an empty Expires",
            &[("expires", ""), DATE],
            explicit(0),
        ),
        (
            "§4.2.1",
            "two values of Expires",
            &[
                ("expires", "Sun, 06 Nov 1994 09:49:37 GMT"),
                ("expires", "Sun, 06 Nov 1994 10:49:37 GMT"),
                DATE,
            ],
            explicit(0),
        ),
        (
            "§4.2.1",
            "the same Expires twice",
            &[
                ("expires", "Sun, 06 Nov 1994 09:49:37 GMT"),
                ("expires", "Sun, 06 Nov 1994 09:49:37 GMT"),
                DATE,
            ],
            explicit(3600),
        ),
    ];
    for (section, name, fields, expected) in cases {
        let headers = headers(fields);
        let directives = Directives::parse(headers.get_all("cache-control"));
        assert_eq!(
            lifetime(&directives, &headers, at(NOON)),
            *expected,
            "{section}: {name}"
        );
    }
}

#[test]
fn how_old_a_response_is_when_it_comes() {
    let cases: &[(&str, &str, &[(&str, &str)], u64, u64)] = &[
        ("§4.2.3", "no Date, no Age", &[], 0, 0),
        (
            "§4.2.3",
            "Date of this second",
            &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")],
            0,
            0,
        ),
        (
            "§4.2.3",
            "apparent_age",
            &[("date", "Sun, 06 Nov 1994 08:49:00 GMT")],
            0,
            37,
        ),
        (
            "§4.2.3",
            "Date in the future",
            &[("date", "Sun, 06 Nov 1994 09:49:00 GMT")],
            0,
            0,
        ),
        ("§4.2.3", "Date that is none", &[("date", "today")], 0, 0),
        ("§5.1", "Age", &[("age", "12")], 0, 12),
        (
            "§4.2.3",
            "Age and the response's delay",
            &[("age", "12")],
            3,
            15,
        ),
        ("§4.2.3", "the delay alone", &[], 3, 3),
        (
            "§4.2.3",
            "the greater of the two",
            &[("age", "12"), ("date", "Sun, 06 Nov 1994 08:49:00 GMT")],
            3,
            37,
        ),
        (
            "§5.1",
            "an Age that is no number is ignored",
            &[("age", "old")],
            0,
            0,
        ),
        ("§5.1", "so is a negative one", &[("age", "-1")], 0, 0),
        (
            "§5.1",
            "the first of several lines",
            &[("age", "12"), ("age", "0")],
            0,
            12,
        ),
        ("§5.1", "the first of a list", &[("age", "12, 0")], 0, 12),
        (
            "§1.2.2",
            "an Age too great for a number",
            &[("age", "99999999999999999999")],
            0,
            1 << 31,
        ),
    ];
    for (section, name, fields, delay, expected) in cases {
        let requested = Instant::now();
        let received = Now {
            // A fraction of a second makes nothing older.
            wall: at(NOON) + Duration::from_millis(900),
            monotonic: requested + Duration::from_secs(*delay),
        };
        assert_eq!(
            initial_age(&headers(fields), requested, received),
            Duration::from_secs(*expected),
            "{section}: {name}"
        );
    }
}

#[test]
fn age_grows_by_the_time_in_the_cache_and_ends_freshness() {
    let start = Instant::now();
    let freshness = Freshness::new(start, 10 * SECOND, 60 * SECOND);
    // Seconds in the cache, age, what is left.
    let cases = [
        ("§4.2.3: when it comes", 0, 10, Some(50)),
        ("§4.2.3: resident_time", 20, 30, Some(30)),
        ("§4.2: its last second", 49, 59, Some(1)),
        ("§4.2: lifetime must exceed age", 50, 60, None),
        ("§4.2: long stale", 1000, 1010, None),
    ];
    for (name, resident, age, ttl) in cases {
        let now = start + resident * SECOND;
        assert_eq!(freshness.age(now), age * SECOND, "{name}");
        assert_eq!(freshness.ttl(now), ttl.map(|left| left * SECOND), "{name}");
    }
}

#[test]
fn a_monotonic_clock_that_another_thread_read_earlier_makes_nothing_younger() {
    let earlier = Instant::now();
    let freshness = Freshness::new(earlier + SECOND, 10 * SECOND, 60 * SECOND);
    assert_eq!(freshness.age(earlier), 10 * SECOND);
}

#[test]
fn the_greatest_numbers_do_not_overflow() {
    let start = Instant::now();
    let freshness = Freshness::new(start, Duration::MAX, Duration::MAX);
    assert_eq!(freshness.age(start + SECOND), Duration::MAX);
    assert_eq!(freshness.ttl(start + SECOND), None);
}

#[test]
fn how_long_a_response_is_guessed_to_be_fresh() {
    const DATE: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let cases: &[(&str, &str, &[(&str, &str)], Option<u64>)] = &[
        ("§4.2.2", "no Last-Modified", &[DATE], None),
        (
            "§4.2.2",
            "a tenth of the time since then",
            &[DATE, ("last-modified", "Sun, 06 Nov 1994 08:00:57 GMT")],
            Some(292),
        ),
        (
            "RFC 9110 §6.6.1",
            "until it came, without Date",
            &[("last-modified", "Sun, 06 Nov 1994 08:00:57 GMT")],
            Some(292),
        ),
        (
            "RFC 7234 §5.5.4",
            "no more than a day",
            &[DATE, ("last-modified", "Sun, 06 Nov 1983 08:49:37 GMT")],
            Some(24 * 60 * 60),
        ),
        (
            "§4.2.2",
            "modified just now",
            &[DATE, ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")],
            Some(0),
        ),
        (
            "§4.2.2",
            "modified in the future",
            &[DATE, ("last-modified", "Sun, 06 Nov 1994 08:49:38 GMT")],
            None,
        ),
        (
            "§4.2.2",
            "no date",
            &[DATE, ("last-modified", "yesterday")],
            None,
        ),
    ];
    for (section, name, fields, expected) in cases {
        let guess = heuristic_lifetime(&headers(fields), at(NOON));
        assert_eq!(
            guess.map(|lifetime| lifetime.as_secs()),
            *expected,
            "{section}: {name}"
        );
    }
}

#[test]
fn about_which_statuses_is_guessed() {
    let public = Directives {
        public: true,
        ..Directives::default()
    };
    let guessable: Vec<_> = (200..600)
        .filter(|status| {
            let status = StatusCode::from_u16(*status).unwrap();
            assert!(is_heuristically_cacheable(status, &public), "{status}");
            is_heuristically_cacheable(status, &Directives::default())
        })
        .collect();
    assert_eq!(
        guessable,
        [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501],
        "RFC 9110 §15.1"
    );
}

#[test]
fn a_targeted_field_leaves_expires_out_of_account() {
    let headers = headers(&[("expires", "Sun, 06 Nov 1994 09:49:37 GMT")]);
    let targeted = Directives {
        targeted: true,
        ..Directives::default()
    };
    assert_eq!(
        lifetime(&targeted, &headers, at(NOON)),
        Lifetime::Unknown,
        "RFC 9213 §2.2"
    );
}

/// Three forms of one date.
fn forms(date: SystemTime) -> [String; 3] {
    let fixed = httpdate::fmt_http_date(date);
    let (weekday, rest) = fixed.split_once(", ").unwrap();
    let parts: Vec<_> = rest.split(' ').collect();
    let [day, month, year, time, _] = parts[..] else {
        panic!("{fixed}")
    };
    let long = match weekday {
        "Mon" => "Monday",
        "Tue" => "Tuesday",
        "Wed" => "Wednesday",
        "Thu" => "Thursday",
        "Fri" => "Friday",
        "Sat" => "Saturday",
        _ => "Sunday",
    };
    let short_day = day.trim_start_matches('0');
    [
        fixed.clone(),
        format!("{long}, {day}-{month}-{} {time} GMT", &year[2..]),
        format!("{weekday} {month} {short_day:>2} {time} {year}"),
    ]
}

proptest! {
    #[test]
    fn until_then_nothing_is_told_in_other_seconds(
        initial_age in 0..3_000_000_000_u64,
        lifetime in 0..6_000_000_000_u64,
        resident in 0..3_000_000_000_u64,
        later in 0..1_500_000_000_u64,
    ) {
        let nanos = Duration::from_nanos;
        let received = Instant::now();
        let freshness = Freshness::new(received, nanos(initial_age), nanos(lifetime));
        let now = received + nanos(resident);
        let until = freshness.same_seconds_until(now);
        let told = |at| {
            let ttl: Option<Duration> = freshness.ttl(at);
            (freshness.age(at).as_secs(), ttl.map(|ttl| ttl.as_secs()))
        };
        let later = now + nanos(later);
        if later < until {
            prop_assert_eq!(told(later), told(now));
            prop_assert!(told(now).1.is_some(), "it is fresh");
        }
        // Nor is it given up before its time.
        if now < until {
            prop_assert_eq!(told(until.checked_sub(nanos(1)).unwrap()), told(now));
            prop_assert_ne!(told(until + nanos(1)), told(now));
        }
    }

    #[test]
    fn all_three_forms_of_a_date_are_one_date(seconds in 0_u64..1_700_000_000) {
        let date = at(seconds);
        for form in forms(date) {
            let headers = headers(&[("date", &form)]);
            prop_assert_eq!(super::date(&headers), Some(date), "{}", form);
            for form in [form.to_lowercase(), form.to_uppercase()] {
                prop_assert_eq!(http_date(&form), Some(date), "{}", form);
            }
        }
    }

    #[test]
    fn what_is_almost_a_date_is_none_or_another(
        seconds in 0_u64..1_700_000_000,
        form in 0_usize..3,
        cut in any::<prop::sample::Index>(),
        instead in "[ -~]{0,3}",
    ) {
        let date = &forms(at(seconds))[form];
        let cut = cut.index(date.len());
        let after = (cut + instead.len()).min(date.len());
        http_date(&date[..cut]);
        http_date(&format!("{}{instead}{}", &date[..cut], &date[after..]));
        http_date(&format!("{}{instead}{}", &date[..cut], &date[cut..]));
    }

    #[test]
    fn any_bytes_may_stand_in_the_fields_about_time(
        value in prop::collection::vec(prop_oneof![0x20_u8..0x7f, 0x80_u8..], 0..32),
    ) {
        let value = HeaderValue::from_bytes(&value).unwrap();
        let headers: HeaderMap = [AGE, DATE, EXPIRES, LAST_MODIFIED]
            .into_iter()
            .map(|name| (name, value.clone()))
            .collect();
        let received = Now { wall: at(NOON), monotonic: Instant::now() };
        let directives = Directives::default();
        prop_assert_ne!(lifetime(&directives, &headers, received.wall), Lifetime::Unknown);
        heuristic_lifetime(&headers, received.wall);
        initial_age(&headers, received.monotonic, received);
    }
}
