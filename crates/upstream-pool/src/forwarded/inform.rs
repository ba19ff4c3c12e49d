use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Uri, header::HOST};
use peregrine_core::TargetOrigin;

use super::believe::{X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};

/// An address as the application is told of it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    address: IpAddr,
    text: HeaderValue,
}

impl Peer {
    /// `None` if it cannot be written, which does not happen.
    pub(super) fn new(address: IpAddr) -> Option<Self> {
        let text = address.to_canonical().to_string();
        Some(Self {
            address,
            text: HeaderValue::try_from(text).ok()?,
        })
    }

    pub(super) fn is_at(&self, address: IpAddr) -> bool {
        self.address == address
    }
}

/// Tells the application who asks, and for which origin. What
/// [`believe`](super::believe) left of these fields can be relied upon.
pub(super) fn inform(
    headers: &mut HeaderMap,
    uri: &Uri,
    peer: Option<&Peer>,
    origin: Option<&TargetOrigin>,
) {
    if let Some(value) = peer.and_then(|peer| forwarded_for(headers, peer)) {
        headers.insert(X_FORWARDED_FOR, value);
    }
    if let Some(value) = proto(origin) {
        headers.insert(X_FORWARDED_PROTO, value);
    }
    let authority = origin.map(|origin| &origin.authority).or(uri.authority());
    let host = match authority {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => headers.get(HOST).cloned(),
    };
    match host {
        Some(host) => headers.insert(X_FORWARDED_HOST, host),
        None => headers.remove(X_FORWARDED_HOST),
    };
}

/// The addresses that came with the request, and the peer's behind them.
fn forwarded_for(headers: &HeaderMap, peer: &Peer) -> Option<HeaderValue> {
    let mut came = headers.get_all(X_FORWARDED_FOR).iter().peekable();
    if came.peek().is_none() {
        return Some(peer.text.clone());
    }
    let mut list = Vec::new();
    for value in came {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(peer.text.as_bytes());
    HeaderValue::try_from(list).ok()
}

fn proto(origin: Option<&TargetOrigin>) -> Option<HeaderValue> {
    match origin.map(|origin| origin.scheme.as_str()) {
        None | Some("http") => Some(HeaderValue::from_static("http")),
        Some("https") => Some(HeaderValue::from_static("https")),
        Some(other) => HeaderValue::from_str(other).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_learns_who_asks() {
        let origin = TargetOrigin {
            scheme: "https".parse().unwrap(),
            authority: "forum.example".parse().unwrap(),
        };
        // name, uri, came, peer, origin, for, proto, host
        let cases: [(
            &str,
            &str,
            &[&'static str],
            Option<&str>,
            Option<&TargetOrigin>,
            Option<&str>,
            &str,
            &str,
        ); 6] = [
            (
                "a client",
                "/",
                &[],
                Some("192.0.2.7"),
                None,
                Some("192.0.2.7"),
                "http",
                "in",
            ),
            (
                "an IPv4 client on an IPv6 listener",
                "/",
                &[],
                Some("::ffff:192.0.2.7"),
                None,
                Some("192.0.2.7"),
                "http",
                "in",
            ),
            (
                "an absolute target",
                "http://target:81/",
                &[],
                Some("192.0.2.7"),
                None,
                Some("192.0.2.7"),
                "http",
                "target:81",
            ),
            (
                "a trusted proxy",
                "/",
                &["198.51.100.1", "198.51.100.2"],
                Some("10.0.0.1"),
                Some(&origin),
                Some("198.51.100.1, 198.51.100.2, 10.0.0.1"),
                "https",
                "forum.example",
            ),
            ("nobody knows", "/", &[], None, None, None, "http", "in"),
            (
                "a client on IPv6",
                "/",
                &[],
                Some("2001:db8::1"),
                None,
                Some("2001:db8::1"),
                "http",
                "in",
            ),
        ];
        for (name, uri, came, peer, origin, whom, proto, host) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("in"));
            for value in came {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
            }
            let peer = peer.map(|peer| Peer::new(peer.parse().unwrap()).unwrap());
            inform(&mut headers, &Uri::from_static(uri), peer.as_ref(), origin);
            let get = |name| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(get(X_FORWARDED_FOR), whom, "{name}");
            assert_eq!(get(X_FORWARDED_PROTO), Some(proto), "{name}");
            assert_eq!(get(X_FORWARDED_HOST), Some(host), "{name}");
        }
    }
}
