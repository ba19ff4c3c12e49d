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

/// The fields that never go further than one connection, whether or not
/// `Connection` names them. `Connection` itself is not among them: it is read
/// first.
const ALWAYS: [HeaderName; 9] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authentication-info"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Fields that frame or address the message. A `Connection` field that names
/// one of them is an attack on whoever is behind us, and is not obeyed.
const NEVER: [HeaderName; 4] = [
    http::header::CONTENT_LENGTH,
    http::header::HOST,
    http::header::COOKIE,
    http::header::AUTHORIZATION,
];

/// Removes every field that is for this connection only.
pub fn remove(headers: &mut HeaderMap) {
    // Most messages have no `Connection` field, and pay for one look-up here.
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .filter(|name| !NEVER.contains(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in &ALWAYS {
        headers.remove(name);
    }
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
    fn what_stays_and_what_goes() {
        let cases: [(&str, &[(&str, &str)], &[&str]); 5] = [
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
