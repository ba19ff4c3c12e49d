use std::{cmp::Ordering, fmt, str::FromStr};

use http::{Request, header::HOST};

/// Hosts that an application answers for.
///
/// Names are in lower case, without a dot at the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HostPattern {
    /// `example.org`.
    Exact(Box<str>),
    /// `*.example.org`: all names below, but not `example.org` itself. Without
    /// the star.
    Below(Box<str>),
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || {
            "not a host such as example.org or *.example.org, without a scheme or a port".to_owned()
        };
        let (name, is_below) = match text.strip_prefix('*') {
            Some(rest) => (rest.strip_prefix('.').ok_or_else(refuse)?, true),
            None => (text, false),
        };
        let name = without_dot(name);
        let in_brackets = name.starts_with('[') && name.ends_with(']') && !is_below;
        let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let of_address = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
        let is_host = if in_brackets {
            name[1..name.len() - 1].bytes().all(of_address)
        } else {
            name.bytes().all(of_name) && !name.split('.').any(str::is_empty)
        };
        if !is_host {
            return Err(refuse());
        }
        let name = name.to_ascii_lowercase().into_boxed_str();
        Ok(if is_below {
            Self::Below(name)
        } else {
            Self::Exact(name)
        })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
        }
    }
}

/// Whom a request is for, without a port; empty if it does not say.
///
/// RFC 9112 §3.2.2: "When an origin server receives a request with an
/// absolute-form of request-target, the origin server MUST ignore the received
/// Host header field (if any) and instead use the host information of the
/// request-target." The application is told the same.
pub(super) fn of<B>(request: &Request<B>) -> &str {
    let host = match request.uri().authority() {
        Some(authority) => authority.host(),
        None => request
            .headers()
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .map_or("", without_port),
    };
    without_dot(host)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Not the last group of an address of IPv6.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// RFC 1034 §3.1: a name that ends with a dot is the same, but complete.
fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// The order of names without regard to case, `known` being in lower case.
pub(super) fn compare(known: &str, asked: &str) -> Ordering {
    let asked = asked.bytes().map(|byte| byte.to_ascii_lowercase());
    known.bytes().cmp(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_what_is_below_one() {
        let cases = [
            ("a name", "example.org", Some("example.org")),
            ("in capitals", "Example.ORG", Some("example.org")),
            ("a dot at the end", "example.org.", Some("example.org")),
            ("one label", "localhost", Some("localhost")),
            ("an underscore", "a_b.example", Some("a_b.example")),
            ("below", "*.example.org", Some("*.example.org")),
            ("an address", "192.0.2.1", Some("192.0.2.1")),
            ("version 6", "[2001:DB8::1]", Some("[2001:db8::1]")),
            ("a port", "example.org:80", None),
            ("a scheme", "http://example.org", None),
            ("a star within", "a.*.org", None),
            ("a star alone", "*", None),
            ("a star without a dot", "*example.org", None),
            ("nothing below", "*.", None),
            ("an empty label", "a..org", None),
            ("nothing", "", None),
            ("half an address", "[::1", None),
            ("below an address", "*.[::1]", None),
        ];
        for (name, text, expected) in cases {
            let parsed = text.parse::<HostPattern>().ok();
            let shown = parsed.map(|pattern| pattern.to_string());
            assert_eq!(shown.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_request_is_for_the_host_that_the_application_will_be_told() {
        let cases = [
            ("plain", "/", Some("a.example"), "a.example"),
            ("a port", "/", Some("a.example:8080"), "a.example"),
            ("an empty port", "/", Some("a.example:"), "a.example"),
            ("a dot", "/", Some("a.example."), "a.example"),
            ("a dot and a port", "/", Some("a.example.:80"), "a.example"),
            ("version 6", "/", Some("[::1]"), "[::1]"),
            ("version 6 and a port", "/", Some("[::1]:80"), "[::1]"),
            (
                "absolute form",
                "http://b.example:1/",
                Some("a.example"),
                "b.example",
            ),
            (
                "a user in it",
                "http://a.example@b.example/",
                Some("a.example"),
                "b.example",
            ),
            ("none", "/", None, ""),
        ];
        for (name, uri, host, expected) in cases {
            let mut request = Request::builder().uri(uri);
            if let Some(host) = host {
                request = request.header(HOST, host);
            }
            assert_eq!(of(&request.body(()).unwrap()), expected, "{name}");
        }
    }
}
