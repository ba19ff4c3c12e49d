//! What the newest version of the public test suite for HTTP caches asks, and the
//! one on npm, which the integration tests run, does not: targeted fields, `Age` in
//! all forms, `must-understand`, dates. In both modes.

use std::{
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use peregrine_core::CacheStatus;
use tower::{Layer, Service, service_fn};
use turbocache::{Clock, TurboCache};

/// A clock that stands until it is moved.
#[derive(Clone)]
struct MovedClock {
    start: (SystemTime, Instant),
    by: Arc<Mutex<Duration>>,
}

impl Clock for MovedClock {
    fn wall(&self) -> SystemTime {
        self.start.0 + *self.by.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        self.start.1 + *self.by.lock().unwrap()
    }
}

/// How long the suite waits between two requests.
const PAUSE: Duration = Duration::from_secs(3);

/// The status and the fields of a response, and whether the next client gets it.
type Case = (
    &'static str,
    u16,
    &'static [(&'static str, &'static str)],
    bool,
);

/// Now is 08:49:37.
const CASES: &[Case] = &[
    // RFC 9111 §4.2
    (
        "max-age is over",
        200,
        &[("cache-control", "max-age=2")],
        false,
    ),
    (
        "the second that is left",
        200,
        &[("cache-control", "max-age=4")],
        true,
    ),
    // RFC 9213 §2.2
    (
        "targeted alone",
        200,
        &[("cdn-cache-control", "max-age=3600")],
        true,
    ),
    (
        "targeted 2^31",
        200,
        &[("cdn-cache-control", "max-age=2147483648")],
        true,
    ),
    (
        "targeted and greater",
        200,
        &[("cdn-cache-control", "max-age=99999999999")],
        true,
    ),
    (
        "targeted, and something unknown",
        200,
        &[("cdn-cache-control", "foobar, max-age=3600")],
        true,
    ),
    (
        "targeted, and too old",
        200,
        &[("cdn-cache-control", "max-age=3600"), ("age", "7200")],
        false,
    ),
    (
        "targeted zero",
        200,
        &[
            ("cdn-cache-control", "max-age=0"),
            ("expires", "Sun, 06 Nov 1994 11:00:00 GMT"),
        ],
        false,
    ),
    (
        "targeted beats Expires",
        200,
        &[
            ("cdn-cache-control", "max-age=3600"),
            ("expires", "Sun, 06 Nov 1994 06:00:00 GMT"),
        ],
        true,
    ),
    (
        "targeted beats a bad Expires",
        200,
        &[("cdn-cache-control", "max-age=3600"), ("expires", "0")],
        true,
    ),
    (
        "targeted is longer",
        200,
        &[
            ("cdn-cache-control", "max-age=3600"),
            ("cache-control", "max-age=1"),
        ],
        true,
    ),
    (
        "targeted is shorter",
        200,
        &[
            ("cdn-cache-control", "max-age=1"),
            ("cache-control", "max-age=3600"),
        ],
        false,
    ),
    (
        "targeted private",
        200,
        &[
            ("cdn-cache-control", "private"),
            ("cache-control", "max-age=3600"),
        ],
        false,
    ),
    (
        "targeted no-cache",
        200,
        &[
            ("cdn-cache-control", "no-cache"),
            ("cache-control", "max-age=3600"),
        ],
        false,
    ),
    (
        "targeted no-store",
        200,
        &[
            ("cdn-cache-control", "no-store"),
            ("cache-control", "max-age=3600"),
        ],
        false,
    ),
    (
        "targeted beats no-store",
        200,
        &[
            ("cdn-cache-control", "max-age=3600"),
            ("cache-control", "no-store"),
        ],
        true,
    ),
    (
        "targeted, no structured field",
        200,
        &[
            ("cdn-cache-control", "max-age=3600, &&&"),
            ("cache-control", "no-store"),
        ],
        false,
    ),
    (
        "targeted, a string for a number",
        200,
        &[
            ("cdn-cache-control", "max-age=\"3600\""),
            ("cache-control", "no-store"),
        ],
        false,
    ),
    // RFC 9111 §5.2.2.3
    (
        "must-understand, understood",
        200,
        &[("cache-control", "max-age=3600, no-store, must-understand")],
        true,
    ),
    (
        "must-understand, unknown",
        599,
        &[("cache-control", "max-age=3600, no-store, must-understand")],
        false,
    ),
    // RFC 9111 §5.1
    (
        "an Age that is no number",
        200,
        &[("cache-control", "max-age=3600"), ("age", "abc")],
        true,
    ),
    (
        "an Age below zero",
        200,
        &[("cache-control", "max-age=3600"), ("age", "-7200")],
        true,
    ),
    (
        "an Age with a fraction",
        200,
        &[("cache-control", "max-age=3600"), ("age", "7200.0")],
        true,
    ),
    (
        "an Age of 2^31 - 1",
        200,
        &[("cache-control", "max-age=3600"), ("age", "2147483647")],
        false,
    ),
    (
        "an Age of 2^31",
        200,
        &[("cache-control", "max-age=3600"), ("age", "2147483648")],
        false,
    ),
    (
        "an Age of 2^31 + 1",
        200,
        &[("cache-control", "max-age=3600"), ("age", "2147483649")],
        false,
    ),
    (
        "an old Age, and a young one",
        200,
        &[("cache-control", "max-age=3600"), ("age", "7200, 0")],
        false,
    ),
    (
        "a young Age, and an old one",
        200,
        &[("cache-control", "max-age=3600"), ("age", "0, 7200")],
        true,
    ),
    (
        "a young Age, and an old one below",
        200,
        &[
            ("cache-control", "max-age=3600"),
            ("age", "0"),
            ("age", "7200"),
        ],
        true,
    ),
    // RFC 9111 §5.3, RFC 9110 §5.6.7
    (
        "Expires after 2038",
        200,
        &[("expires", "Tue, 19 Jan 2038 14:14:08 GMT")],
        true,
    ),
    (
        "Expires of RFC 850",
        200,
        &[("expires", "Sunday, 06-Nov-94 11:00:00 GMT")],
        true,
    ),
    (
        "Expires of asctime",
        200,
        &[("expires", "Sun Nov  6 11:00:00 1994")],
        true,
    ),
    (
        "Expires in capitals",
        200,
        &[("expires", "SUN, 06 NOV 1994 11:00:00 gmt")],
        true,
    ),
    (
        "Expires in UTC",
        200,
        &[("expires", "Sun, 06 Nov 1994 11:00:00 UTC")],
        false,
    ),
    (
        "Expires with a short year",
        200,
        &[("expires", "Sun, 06 Nov 94 11:00:00 GMT")],
        false,
    ),
    (
        "Expires without a comma",
        200,
        &[("expires", "Sun 06 Nov 1994 11:00:00 GMT")],
        false,
    ),
    (
        "Expires with two spaces",
        200,
        &[("expires", "Sun, 06  Nov  1994 11:00:00 GMT")],
        false,
    ),
    (
        "Expires with dashes",
        200,
        &[("expires", "Sun, 06-Nov-1994 11:00:00 GMT")],
        false,
    ),
    (
        "Expires with full stops",
        200,
        &[("expires", "Sun, 06 Nov 1994 11.00.00 GMT")],
        false,
    ),
    (
        "Expires with a short hour",
        200,
        &[("expires", "Sun, 06 Nov 1994 9:00:00 GMT")],
        false,
    ),
];

#[tokio::test]
async fn what_the_next_client_gets_is_what_the_newest_suite_asks_for() {
    for cache in [TurboCache::conservative, TurboCache::standard] {
        for &(name, status, fields, expected) in CASES {
            let (hit, first, second) = ask_twice(cache(), status, fields).await;
            assert_eq!(hit, expected, "{name}: {second:?}");
            if hit {
                // RFC 9110 §6.6.1: it was generated when it was generated.
                for field in ["date", "expires", "cdn-cache-control", "cache-control"] {
                    assert_eq!(second.get(field), first.get(field), "{name}");
                }
                assert!(second.contains_key("age"), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn the_age_grows_from_what_it_was() {
    for fields in [
        &[("cache-control", "max-age=3600"), ("age", "30")][..],
        &[("expires", "Sun, 06 Nov 1994 11:00:00 GMT"), ("age", "30")],
    ] {
        let (hit, _, second) = ask_twice(TurboCache::conservative(), 200, fields).await;
        assert!(hit);
        assert_eq!(second["age"], "33");
    }
}

/// Whether the second of two requests, with a pause between them, is a hit; and the
/// heads that both got.
async fn ask_twice(
    cache: TurboCache,
    status: u16,
    fields: &'static [(&'static str, &'static str)],
) -> (bool, HeaderMap, HeaderMap) {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let clock = MovedClock {
        start: (wall, Instant::now()),
        by: Arc::default(),
    };
    let app = service_fn(move |_: Request<Empty<Bytes>>| {
        let mut response = Response::builder()
            .status(status)
            .header("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        ready(Ok::<_, Infallible>(
            response.body(Full::from("page")).unwrap(),
        ))
    });
    let mut service = cache.clock(clock.clone()).layer(app);

    let mut ask = async || {
        let request = Request::get("/").header("host", "forum.example");
        let request = request.body(Empty::new()).unwrap();
        let (head, body) = service.call(request).await.unwrap().into_parts();
        body.collect().await.unwrap();
        head
    };
    let first = ask().await;
    *clock.by.lock().unwrap() += PAUSE;
    let second = ask().await;
    let status: &CacheStatus = second.extensions.get().unwrap();
    (status.is_hit(), first.headers, second.headers)
}
