//! Header fields that are meant for one connection only.
//!
//! RFC 9110 §7.6.1: a proxy must not forward them, and RFC 9111 §3.1: a cache
//! must not store them. The `Connection` field names further ones.
//!
//! ```
//! use http::HeaderMap;
//! use peregrine_core::hop_by_hop;
//!
//! let mut headers = HeaderMap::new();
//! headers.insert("connection", "close, X-Trace".parse().unwrap());
//! headers.insert("x-trace", "17".parse().unwrap());
//! headers.insert("etag", "\"a\"".parse().unwrap());
//!
//! hop_by_hop::remove(&mut headers);
//! assert_eq!(headers.len(), 1);
//! assert!(headers.contains_key("etag"));
//! ```

use http::{
    HeaderMap, HeaderName,
    header::{
        CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};

/// Fields that frame or address the message, or say who asks, or by what an answer was
/// chosen. A `Connection` field
/// that names one of them is an attack on whoever is behind us, and is not obeyed.
fn is_never_taken_away(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(
        name,
        "content-length" | "host" | "cookie" | "authorization" | "forwarded" | "x-real-ip" | "vary"
    ) || name.starts_with("x-forwarded-")
}

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("proxy-authentication-info");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// The fields that never go further than one connection, whether or not `Connection`
/// names them.
static FIELDS: [HeaderName; 10] = [
    CONNECTION,
    KEEP_ALIVE,
    PROXY_AUTHENTICATE,
    PROXY_AUTHENTICATION_INFO,
    PROXY_AUTHORIZATION,
    PROXY_CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes every field that is for this connection only.
pub fn remove(headers: &mut HeaderMap) {
    // Most messages have one of them or none: to go through their names once is cheaper
    // than to look for each of these.
    let places = headers.keys().filter_map(place);
    let mut found = places.fold(0_u16, |found, place| found | 1 << place);
    if found & 1 != 0 {
        remove_named(headers);
    }
    while found != 0 {
        headers.remove(&FIELDS[found.trailing_zeros() as usize]);
        found &= found - 1;
    }
}

/// Where a field is among [`FIELDS`].
#[inline]
fn place(name: &HeaderName) -> Option<usize> {
    // One by one and not in a loop: a name that HTTP knows is a number to `http`, and to
    // compare it with ones that the compiler knows is hardly more than a single step.
    Some(match name {
        name if *name == CONNECTION => 0,
        name if *name == KEEP_ALIVE => 1,
        name if *name == PROXY_AUTHENTICATE => 2,
        name if *name == PROXY_AUTHENTICATION_INFO => 3,
        name if *name == PROXY_AUTHORIZATION => 4,
        name if *name == PROXY_CONNECTION => 5,
        name if *name == TE => 6,
        name if *name == TRAILER => 7,
        name if *name == TRANSFER_ENCODING => 8,
        name if *name == UPGRADE => 9,
        _ => return None,
    })
}

/// Whether [`remove`] would take a field away that goes further than one connection
/// as a rule. Then whoever reads `headers` now, and whoever reads them behind that,
/// may come to different conclusions.
pub fn takes_others_away(headers: &HeaderMap) -> bool {
    // `HTTP2-Settings` (RFC 7540 §3.2.1) is never without being named.
    named(headers).any(|name| place(&name).is_none() && name != "http2-settings")
}

fn remove_named(headers: &mut HeaderMap) {
    // As nearly all of them say.
    let mut lines = headers.get_all(CONNECTION).iter();
    if lines.all(|line| is_how_long(line.as_bytes())) {
        return;
    }
    let names: Vec<_> = named(headers).filter(|name| *name != CONNECTION).collect();
    for name in names {
        headers.remove(name);
    }
}

/// The names in `Connection` that are obeyed.
fn named(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let lines = headers.get_all(CONNECTION).iter();
    let names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    names
        .map(<[u8]>::trim_ascii)
        .filter(|option| !is_how_long(option))
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .filter(|name| !is_never_taken_away(name))
}

/// Whether an option says how long the connection is to last, and names no field that
/// could go further (RFC 9112 §9.3). Nearly all do, and cost no look-up.
fn is_how_long(option: &[u8]) -> bool {
    option.eq_ignore_ascii_case(b"keep-alive") || option.eq_ignore_ascii_case(b"close")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn left_of(fields: &[(&str, &str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        remove(&mut headers);
        let mut names: Vec<_> = headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn each_field_is_where_it_is_looked_for() {
        for (expected, name) in FIELDS.iter().enumerate() {
            assert_eq!(place(name), Some(expected), "{name}");
            assert!(
                left_of(&[(name.as_str(), "x"), ("x-a", "1")]) == ["x-a"],
                "{name}"
            );
        }
    }

    #[test]
    fn what_stays_and_what_goes() {
        let cases: [(&str, &[(&str, &str)], &[&str]); 7] = [
            (
                "end-to-end fields stay",
                &[("etag", "1"), ("te", "trailers")],
                &["etag"],
            ),
            (
                "fields that Connection names go, in any case and over several lines",
                &[
                    ("connection", "X-A , close"),
                    ("connection", "x-b"),
                    ("x-a", "1"),
                    ("x-b", "1"),
                    ("x-c", "1"),
                ],
                &["x-c"],
            ),
            (
                "a Connection field cannot take the framing or the credentials away",
                &[
                    ("connection", "content-length, host, cookie, authorization"),
                    ("content-length", "3"),
                    ("host", "a"),
                    ("cookie", "a=b"),
                    ("authorization", "x"),
                ],
                &["authorization", "content-length", "cookie", "host"],
            ),
            (
                "nor who asks, and by which way",
                &[
                    (
                        "connection",
                        "X-Forwarded-For, x-forwarded-proto, Forwarded",
                    ),
                    ("connection", "x-real-ip"),
                    ("x-forwarded-for", "192.0.2.1"),
                    ("x-forwarded-proto", "https"),
                    ("forwarded", "for=192.0.2.1"),
                    ("x-real-ip", "192.0.2.1"),
                ],
                &[
                    "forwarded",
                    "x-forwarded-for",
                    "x-forwarded-proto",
                    "x-real-ip",
                ],
            ),
            (
                "how long a connection is to last",
                &[
                    ("connection", "Keep-Alive, x-a"),
                    ("keep-alive", "timeout=5"),
                    ("x-a", "1"),
                ],
                &[],
            ),
            (
                "nonsense in Connection harms nothing",
                &[("connection", "\"a b\",,"), ("x-a", "1")],
                &["x-a"],
            ),
            (
                "upgrade goes",
                &[("connection", "upgrade"), ("upgrade", "websocket")],
                &[],
            ),
        ];
        for (name, fields, expected) in cases {
            assert_eq!(left_of(fields), expected, "{name}");
        }
    }
}
