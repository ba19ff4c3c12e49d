#[cfg(test)]
mod tests;

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

/// Whether nothing is said that one could believe or not, as in nearly every request.
pub(super) fn is_silent(headers: &HeaderMap) -> bool {
    headers.keys().all(|name| kind(name) == Kind::Other)
}

/// Drops what is not to be believed. Says which origin the client meant, if a
/// trusted peer knows better than the request itself.
pub(super) fn believe(
    headers: &mut HeaderMap,
    uri: &Uri,
    is_trusted: impl FnOnce() -> bool,
) -> Option<TargetOrigin> {
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

/// Whether the client of a trusted proxy speaks TLS with it.
pub(crate) fn is_https(headers: &HeaderMap, is_trusted: impl FnOnce() -> bool) -> bool {
    single(headers, &X_FORWARDED_PROTO).and_then(scheme) == Some(Scheme::HTTPS) && is_trusted()
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
