use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{FORWARDED, HOST},
    uri::{Authority, Scheme},
};
use ipnet::IpNet;
use peregrine_core::TargetOrigin;

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(super) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(super) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The networks whose word about a client counts. None by default.
///
/// ```
/// use peregrine_upstream_pool::forwarded::TrustedProxies;
///
/// let trusted = TrustedProxies::from_iter(["10.0.0.0/8".parse()?, "::1/128".parse()?]);
/// assert!(trusted.contains("10.1.2.3".parse()?));
/// assert!(trusted.contains("::ffff:10.1.2.3".parse()?), "an IPv4 address in IPv6");
/// assert!(!trusted.contains("192.0.2.7".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Whether a peer with this address is trusted.
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|net| net.contains(&peer))
    }
}

impl FromIterator<IpNet> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = IpNet>>(nets: I) -> Self {
        Self(nets.into_iter().collect())
    }
}

/// What a field is to us, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// None of our business.
    Other,
    /// Counts if the peer is trusted.
    Claim,
    /// Counts from nobody.
    Forged,
}

/// Drops what is not to be believed. Says which origin the client meant, if a
/// trusted peer knows better than the request itself.
pub(super) fn believe(
    headers: &mut HeaderMap,
    uri: &Uri,
    is_trusted: impl FnOnce() -> bool,
) -> Option<TargetOrigin> {
    // Nearly every request ends here.
    if headers.keys().all(|name| kind(name) == Kind::Other) {
        return None;
    }
    let trusted = is_trusted();
    let drop: Vec<_> = headers
        .keys()
        .filter(|name| match kind(name) {
            Kind::Other => false,
            Kind::Claim => !trusted,
            Kind::Forged => true,
        })
        .cloned()
        .collect();
    for name in drop {
        headers.remove(name);
    }
    if trusted { origin(headers, uri) } else { None }
}

fn kind(name: &HeaderName) -> Kind {
    let bytes = name.as_str().as_bytes();
    // The first byte rules nearly all fields out.
    match bytes.first() {
        Some(b'!') if bytes.starts_with(b"!~") => Kind::Forged,
        Some(b'p') if bytes == b"proxy" => Kind::Forged,
        Some(b'f') if *name == FORWARDED => Kind::Forged,
        Some(b'x') if is_like(bytes, b"x-real-ip") => real(*name == X_REAL_IP),
        Some(b'x') if is_like(&bytes[..bytes.len().min(11)], b"x-forwarded") => {
            real([X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO].contains(name))
        }
        _ => Kind::Other,
    }
}

const fn real(claim: bool) -> Kind {
    if claim { Kind::Claim } else { Kind::Forged }
}

/// Whether both are the same name to an application that writes `_` for `-`.
fn is_like(name: &[u8], ours: &[u8]) -> bool {
    name.len() == ours.len()
        && name
            .iter()
            .zip(ours)
            .all(|(a, b)| a == b || (*a == b'_' && *b == b'-'))
}

/// The origin that a trusted peer names. What it says and what is not valid is
/// dropped, so that nobody downstream reads it in another way.
fn origin(headers: &mut HeaderMap, uri: &Uri) -> Option<TargetOrigin> {
    let scheme = single(headers, &X_FORWARDED_PROTO).and_then(scheme);
    let authority = single(headers, &X_FORWARDED_HOST).and_then(authority);
    if scheme.is_none() {
        headers.remove(X_FORWARDED_PROTO);
    }
    if authority.is_none() {
        headers.remove(X_FORWARDED_HOST);
    }
    if scheme.is_none() && authority.is_none() {
        return None;
    }
    let authority = authority.or_else(|| own_authority(headers, uri))?;
    Some(TargetOrigin {
        scheme: scheme.unwrap_or(Scheme::HTTP),
        authority,
    })
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn scheme(value: &HeaderValue) -> Option<Scheme> {
    let value = value.as_bytes().trim_ascii();
    if value.eq_ignore_ascii_case(b"https") {
        Some(Scheme::HTTPS)
    } else if value.eq_ignore_ascii_case(b"http") {
        Some(Scheme::HTTP)
    } else {
        None
    }
}

fn authority(value: &HeaderValue) -> Option<Authority> {
    let authority = Authority::try_from(value.as_bytes().trim_ascii()).ok()?;
    (!authority.host().is_empty() && !authority.as_str().contains('@')).then_some(authority)
}

/// The host that the request itself names.
fn own_authority(headers: &HeaderMap, uri: &Uri) -> Option<Authority> {
    uri.authority()
        .cloned()
        .or_else(|| single(headers, &HOST).and_then(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fields = &'static [(&'static str, &'static str)];

    fn map(fields: Fields) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn what_stays_from_whom() {
        // name, trusted, fields, names that stay
        let cases: [(&str, bool, Fields, &[&str]); 8] = [
            (
                "an ordinary request",
                false,
                &[("accept", "*/*"), ("x-request-id", "1"), ("forward", "1")],
                &["accept", "forward", "x-request-id"],
            ),
            (
                "claims of a stranger",
                false,
                &[
                    ("x-forwarded-for", "1.2.3.4"),
                    ("x-forwarded-host", "evil.example"),
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-port", "443"),
                    ("x-forwarded", "1"),
                    ("forwarded", "for=1.2.3.4"),
                    ("x-real-ip", "1.2.3.4"),
                    ("host", "a.example"),
                ],
                &["host"],
            ),
            (
                "claims of a trusted proxy",
                true,
                &[
                    ("x-forwarded-for", "1.2.3.4"),
                    ("x-forwarded-host", "a.example"),
                    ("x-forwarded-proto", "https"),
                    ("x-real-ip", "1.2.3.4"),
                ],
                &[
                    "x-forwarded-for",
                    "x-forwarded-host",
                    "x-forwarded-proto",
                    "x-real-ip",
                ],
            ),
            (
                "what a trusted proxy may have let through",
                true,
                &[
                    ("x-forwarded-port", "1"),
                    ("x-forwarded-prefix", "/evil"),
                    ("forwarded", "host=evil.example"),
                ],
                &[],
            ),
            (
                "names that CGI makes the same",
                true,
                &[
                    ("x_forwarded_for", "1.2.3.4"),
                    ("x-forwarded_host", "evil.example"),
                    ("x_real-ip", "1.2.3.4"),
                ],
                &[],
            ),
            (
                "control fields",
                true,
                &[("!~request-oob-work", "1"), ("!~", "1"), ("!x", "1")],
                &["!x"],
            ),
            ("httpoxy", true, &[("proxy", "evil.example")], &[]),
            (
                "a trusted proxy that talks nonsense",
                true,
                &[("x-forwarded-host", "a b"), ("x-forwarded-proto", "gopher")],
                &[],
            ),
        ];
        for (name, trusted, fields, expected) in cases {
            let mut headers = map(fields);
            believe(&mut headers, &Uri::from_static("/"), || trusted);
            let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
            left.sort_unstable();
            assert_eq!(left, expected, "{name}");
        }
    }

    #[test]
    fn which_origin_was_meant() {
        let cases: [(&str, bool, &str, Fields, Option<&str>); 12] = [
            ("nobody says", true, "/", &[("host", "in")], None),
            (
                "both",
                true,
                "/",
                &[
                    ("host", "in"),
                    ("x-forwarded-proto", "HTTPS"),
                    ("x-forwarded-host", "a:8443"),
                ],
                Some("https://a:8443"),
            ),
            (
                "only the scheme",
                true,
                "/",
                &[("host", "in"), ("x-forwarded-proto", "https")],
                Some("https://in"),
            ),
            (
                "only the host",
                true,
                "/",
                &[("host", "in"), ("x-forwarded-host", "a")],
                Some("http://a"),
            ),
            (
                "the target's host goes before Host",
                true,
                "http://target/",
                &[("host", "in"), ("x-forwarded-proto", "https")],
                Some("https://target"),
            ),
            (
                "a stranger's word",
                false,
                "/",
                &[("host", "in"), ("x-forwarded-host", "evil")],
                None,
            ),
            (
                "two hosts",
                true,
                "/",
                &[("x-forwarded-host", "a"), ("x-forwarded-host", "b")],
                None,
            ),
            (
                "a list of schemes",
                true,
                "/",
                &[("host", "in"), ("x-forwarded-proto", "https, http")],
                None,
            ),
            (
                "credentials",
                true,
                "/",
                &[("x-forwarded-host", "u@a")],
                None,
            ),
            ("a path", true, "/", &[("x-forwarded-host", "a/b")], None),
            (
                "an empty host",
                true,
                "/",
                &[("x-forwarded-host", "")],
                None,
            ),
            (
                "a scheme for no host",
                true,
                "/",
                &[("x-forwarded-proto", "https")],
                None,
            ),
        ];
        for (name, trusted, uri, fields, expected) in cases {
            let uri = Uri::from_static(uri);
            let origin = believe(&mut map(fields), &uri, || trusted)
                .map(|origin| format!("{}://{}", origin.scheme, origin.authority));
            assert_eq!(origin.as_deref(), expected, "{name}");
        }
    }
}
