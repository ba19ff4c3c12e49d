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

/// The origin that a request is for, as the application is told of it.
pub(super) struct Meant {
    proto: Option<HeaderValue>,
    /// `None` if it is as the request's own `Host` says.
    host: Option<HeaderValue>,
}

impl Meant {
    /// By what a trusted proxy has said of the `origin`, or else by the request's target.
    pub(super) fn by(uri: &Uri, origin: Option<&TargetOrigin>) -> Self {
        let proto = match origin.map(|origin| origin.scheme.as_str()) {
            None | Some("http") => Some(HeaderValue::from_static("http")),
            Some("https") => Some(HeaderValue::from_static("https")),
            Some(other) => HeaderValue::from_str(other).ok(),
        };
        let authority = origin.map(|origin| &origin.authority).or(uri.authority());
        Self {
            proto,
            host: authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()),
        }
    }
}

/// Tells the application who asks, and for which origin. What
/// [`believe`](super::believe) left of these fields can be relied upon.
pub(super) fn inform(headers: &mut HeaderMap, peer: Option<&Peer>, meant: Meant) {
    // Once through the names is cheaper than to look for each of these.
    let (mut own_host, mut is_forwarded, mut names_host) = (None, false, false);
    for (name, value) in &*headers {
        if *name == HOST {
            own_host = own_host.or(Some(value));
        } else {
            is_forwarded |= *name == X_FORWARDED_FOR;
            names_host |= *name == X_FORWARDED_HOST;
        }
    }
    let host = meant.host.or_else(|| own_host.cloned());
    let forwarded_for = peer.and_then(|peer| {
        if is_forwarded {
            forwarded_for(headers, peer)
        } else {
            Some(peer.text.clone())
        }
    });
    if let Some(value) = forwarded_for {
        headers.insert(X_FORWARDED_FOR, value);
    }
    if let Some(value) = meant.proto {
        headers.insert(X_FORWARDED_PROTO, value);
    }
    if let Some(host) = host {
        headers.insert(X_FORWARDED_HOST, host);
    } else if names_host {
        headers.remove(X_FORWARDED_HOST);
    }
}

/// The addresses that came with the request, and the peer's behind them.
fn forwarded_for(headers: &HeaderMap, peer: &Peer) -> Option<HeaderValue> {
    let mut list = Vec::new();
    for value in headers.get_all(X_FORWARDED_FOR) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(peer.text.as_bytes());
    HeaderValue::try_from(list).ok()
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
            let meant = Meant::by(&Uri::from_static(uri), origin);
            inform(&mut headers, peer.as_ref(), meant);
            let get = |name| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(get(X_FORWARDED_FOR), whom, "{name}");
            assert_eq!(get(X_FORWARDED_PROTO), Some(proto), "{name}");
            assert_eq!(get(X_FORWARDED_HOST), Some(host), "{name}");
        }
    }
}
