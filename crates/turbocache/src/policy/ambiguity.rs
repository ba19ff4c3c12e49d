//! May the application be told something else than what the fields of a request
//! say here?
//!
//! What is stored is given to those whose fields say the same as the request's for
//! which it came (RFC 9111 §4.1). There are two ways for a client to have the
//! application see other fields than we do, and so to have what it likes stored for
//! others:
//!
//! 1. `Connection: Accept-Language` takes that field away on the way to the
//!    application (RFC 9110 §7.6.1).
//! 2. `Accept_Language` is a field of its own here. To an application behind CGI,
//!    WSGI or Rack, where `-` is written as `_`, it is the same as the one that
//!    `Vary` names.
//!
//! Such a request may read what is stored: it gets what it could have asked for
//! plainly. Nothing of its own answer is stored or shared.

use http::{
    HeaderMap, HeaderName,
    header::{
        ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CACHE_CONTROL, CONNECTION, COOKIE, HOST, REFERER,
        UPGRADE_INSECURE_REQUESTS, USER_AGENT,
    },
};
use peregrine_core::hop_by_hop;

/// To be asked for what goes forward alone: it looks at every name.
pub(crate) fn is_ambiguous(request: &HeaderMap) -> bool {
    hop_by_hop::takes_others_away(request) || !request.keys().all(is_plain)
}

fn is_plain(name: &HeaderName) -> bool {
    match *name {
        // For speed, and for nothing else: these need not be read.
        ACCEPT
        | ACCEPT_ENCODING
        | ACCEPT_LANGUAGE
        | CACHE_CONTROL
        | CONNECTION
        | COOKIE
        | HOST
        | REFERER
        | UPGRADE_INSECURE_REQUESTS
        | USER_AGENT => true,
        _ => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            name.as_str().bytes().all(is_plain)
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn which_requests_may_be_read_in_another_way() {
        let cases: [(&str, &[(&str, &str)], bool); 8] = [
            (
                "what browsers send",
                &[("accept-language", "de"), ("sec-ch-ua-mobile", "?0")],
                false,
            ),
            (
                "what is for the connection anyway",
                &[
                    ("connection", "Keep-Alive, TE, close, , HTTP2-Settings"),
                    ("te", "trailers"),
                ],
                false,
            ),
            (
                "a field that nobody lets it take away",
                &[("connection", "close, Cookie, X-Forwarded-For")],
                false,
            ),
            (
                "a field that may be in a Vary",
                &[("connection", "close, Accept-Language")],
                true,
            ),
            (
                "in a second line",
                &[("connection", "close"), ("connection", "x-tenant")],
                true,
            ),
            (
                "a name that CGI takes for another one",
                &[("accept_language", "de")],
                true,
            ),
            (
                "one that some servers make the same of",
                &[("x.tenant", "a")],
                true,
            ),
            (
                "what is no name takes nothing away",
                &[("connection", "\"x y\"")],
                false,
            ),
        ];
        for (name, fields, expected) in cases {
            let fields = fields.iter().map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                (name, HeaderValue::from_static(value))
            });
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(name, value);
            }
            assert_eq!(is_ambiguous(&headers), expected, "{name}");
        }
    }
}
