use axum::response::IntoResponse;
use http::header::{CONTENT_TYPE, SET_COOKIE};

use super::*;
use crate::policy::directives::Directives;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_is_sent() {
    let new = CacheControl::new;
    let cases = [
        ("§5.2.2.9", new().public(), "public"),
        ("§5.2.2.7", new().private(), "private"),
        (
            "§5.2.2.7",
            new().private_fields([SET_COOKIE]),
            "private=\"set-cookie\"",
        ),
        (
            "§5.2.2.4",
            new().no_cache_fields([SET_COOKIE, CONTENT_TYPE]),
            "no-cache=\"set-cookie, content-type\"",
        ),
        ("§5.2.2.7", new().private_fields([]), "private"),
        ("§5.2.2.4", new().no_cache_fields([]), "no-cache"),
        ("§5.2.2.5", new().no_store(), "no-store"),
        ("§5.2.2.4", new().no_cache(), "no-cache"),
        (
            "§5.2.2.1",
            new().max_age(Duration::from_millis(1999)),
            "max-age=1",
        ),
        ("§1.2.2", new().max_age(Duration::MAX), "max-age=2147483648"),
        ("§5.2.2.10", new().s_maxage(seconds(0)), "s-maxage=0"),
        (
            "RFC 5861 §3",
            new().stale_while_revalidate(seconds(5)),
            "stale-while-revalidate=5",
        ),
        (
            "RFC 5861 §4",
            new().stale_if_error(seconds(5)),
            "stale-if-error=5",
        ),
        ("§5.2.2.2", new().must_revalidate(), "must-revalidate"),
        ("§5.2.2.8", new().proxy_revalidate(), "proxy-revalidate"),
        (
            "§5.2.2.3",
            new().must_understand().no_store(),
            "must-understand, no-store",
        ),
        ("§5.2.2.6", new().no_transform(), "no-transform"),
        (
            "RFC 8246",
            new().public().max_age(seconds(9)).immutable(),
            "public, max-age=9, immutable",
        ),
        (
            "said twice",
            new().max_age(seconds(1)).max_age(seconds(2)),
            "max-age=2",
        ),
        (
            "with and without fields",
            new().private_fields([SET_COOKIE]).private(),
            "private",
        ),
    ];
    for (section, control, expected) in cases {
        assert_eq!(HeaderValue::from(control), expected, "{section}");
    }
}

#[test]
fn the_cache_reads_what_it_writes() {
    let control = CacheControl::new()
        .no_cache_fields([SET_COOKIE])
        .must_revalidate()
        .max_age(seconds(5))
        .stale_if_error(seconds(6));
    let read = Directives::parse([&HeaderValue::from(control)]);
    assert!(!read.malformed);
    assert!(read.must_revalidate);
}

#[test]
fn a_part_of_a_response_replaces_what_was_said_before() {
    let first = CacheControl::new().no_store();
    let second = CacheControl::new().public();
    let response = (first, second, CacheControl::new(), "page").into_response();
    let lines: Vec<_> = response.headers().get_all(CACHE_CONTROL).iter().collect();
    assert_eq!(lines, ["public"]);
}

#[test]
fn nothing_said_is_no_field() {
    let response = CacheControl::new().into_response();
    assert!(!response.headers().contains_key(CACHE_CONTROL));
}
