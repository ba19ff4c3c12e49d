//! The lines about most misses of which nothing is stored.

use http::HeaderValue;

static NO_CACHE: HeaderValue =
    HeaderValue::from_static("turbocache; fwd=uri-miss; detail=no-cache");
static NO_EXPLICIT_FRESHNESS: HeaderValue =
    HeaderValue::from_static("turbocache; fwd=uri-miss; detail=no-explicit-freshness");
static NO_STORE: HeaderValue =
    HeaderValue::from_static("turbocache; fwd=uri-miss; detail=no-store");
static PRIVATE: HeaderValue = HeaderValue::from_static("turbocache; fwd=uri-miss; detail=private");
static SET_COOKIE: HeaderValue =
    HeaderValue::from_static("turbocache; fwd=uri-miss; detail=set-cookie");
static STATUS: HeaderValue = HeaderValue::from_static("turbocache; fwd=uri-miss; detail=status");

/// What a cache with the default name says of a request for which nothing was stored, and
/// of whose response nothing is, for this reason. `None` if there is no such line.
pub(super) fn line(reason: &str) -> Option<HeaderValue> {
    let line = match reason {
        "no-cache" => &NO_CACHE,
        "no-explicit-freshness" => &NO_EXPLICIT_FRESHNESS,
        "no-store" => &NO_STORE,
        "private" => &PRIVATE,
        "set-cookie" => &SET_COOKIE,
        "status" => &STATUS,
        _ => return None,
    };
    Some(line.clone())
}
