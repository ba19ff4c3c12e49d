use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use peregrine::upstream_pool::forwarded::TrustedProxies;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whom a request is from: the peer, or, if that is a trusted proxy, whom it names,
/// and so on. As nginx's `real_ip_recursive`.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let mut client = peer.to_canonical();
    // The latest first: each trusted proxy has appended whom it was asked by.
    let fields = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let named = fields.flat_map(|field| field.as_bytes().rsplit(|byte| *byte == b','));
    for name in named {
        if !trusted.contains(client) {
            break;
        }
        let address = str::from_utf8(name.trim_ascii()).ok();
        match address.and_then(|address| address.parse::<IpAddr>().ok()) {
            Some(address) => client = address.to_canonical(),
            // Whatever that is, the one who said it is the last who is known.
            None => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_whom_the_last_trusted_proxy_names() {
        let trusted: TrustedProxies = ["10.0.0.0/8".parse().unwrap()].into_iter().collect();
        let cases: [(&str, &str, &[&'static str], &str); 9] = [
            ("nobody between", "192.0.2.7", &[], "192.0.2.7"),
            (
                "a client that pretends",
                "192.0.2.7",
                &["10.9.9.9"],
                "192.0.2.7",
            ),
            ("a proxy", "10.0.0.1", &["192.0.2.7"], "192.0.2.7"),
            (
                "two of them",
                "10.0.0.1",
                &["192.0.2.7, 10.0.0.2"],
                "192.0.2.7",
            ),
            (
                "what the client made up",
                "10.0.0.1",
                &["1.1.1.1, 192.0.2.7"],
                "192.0.2.7",
            ),
            (
                "several lines",
                "10.0.0.1",
                &["1.1.1.1", "192.0.2.7"],
                "192.0.2.7",
            ),
            ("nonsense", "10.0.0.1", &["192.0.2.7, unknown"], "10.0.0.1"),
            ("a proxy that says nothing", "10.0.0.1", &[], "10.0.0.1"),
            (
                "in IPv6",
                "::ffff:10.0.0.1",
                &["2001:db8::7"],
                "2001:db8::7",
            ),
        ];
        for (name, peer, fields, expected) in cases {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(X_FORWARDED_FOR, field.parse().unwrap());
            }
            let found = client(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{name}");
        }
    }
}
