use http::{HeaderValue, Request, Version, header::HOST, uri::Authority};

/// Whether a request names its host in the way that RFC 9112 §3.2 demands: "A
/// server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
/// request message that lacks a Host header field and to any request message
/// that contains more than one Host header field line or a Host header field
/// with an invalid field value."
///
/// Whoever passed such a request on would leave it to each application to guess
/// whose page is meant.
pub(super) fn is_named_once<B>(request: &Request<B>) -> bool {
    // Nearly always the first of the fields: that is found sooner than looked up.
    let mut lines = request.headers().iter().filter(|(name, _)| **name == HOST);
    match (lines.next(), lines.next()) {
        (Some((_, host)), None) => is_host(host),
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// `uri-host [ ":" port ]`, of which the host may be empty (RFC 9110 §7.2).
fn is_host(value: &HeaderValue) -> bool {
    let value = value.as_bytes();
    is_plain(value) || Authority::try_from(value).is_ok() && !value.contains(&b'@')
}

/// Nearly every host is a name of letters, and needs no parser, which would
/// take a copy of it.
fn is_plain(value: &[u8]) -> bool {
    let mut bytes = value.iter().copied();
    match bytes.find(|byte| !IN_NAME[usize::from(*byte)]) {
        None => true,
        Some(b':') => bytes.all(|byte| byte.is_ascii_digit()),
        Some(_) => false,
    }
}

/// Looked up: to compare each byte of each request's host with four ranges costs as much
/// as to parse the request.
static IN_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < u8::MAX {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_one_host() {
        let cases: [(&str, Version, &[&str], bool); 13] = [
            ("one", Version::HTTP_11, &["forum.example"], true),
            ("a port", Version::HTTP_11, &["forum.example:8080"], true),
            ("an address", Version::HTTP_11, &["[::1]:3000"], true),
            ("an underscore", Version::HTTP_11, &["a_b.example"], true),
            ("two ports", Version::HTTP_11, &["a:1:2"], false),
            ("an empty one", Version::HTTP_11, &[""], true),
            ("none", Version::HTTP_11, &[], false),
            ("none in HTTP/1.0", Version::HTTP_10, &[], true),
            ("two", Version::HTTP_11, &["a", "b"], false),
            ("the same twice", Version::HTTP_11, &["a", "a"], false),
            ("two in HTTP/1.0", Version::HTTP_10, &["a", "b"], false),
            ("a path", Version::HTTP_11, &["a/b"], false),
            ("a user", Version::HTTP_11, &["me@a"], false),
        ];
        for (name, version, hosts, expected) in cases {
            let mut request = Request::new(());
            *request.version_mut() = version;
            for host in hosts {
                let host = HeaderValue::from_str(host).unwrap();
                request.headers_mut().append(HOST, host);
            }
            assert_eq!(is_named_once(&request), expected, "{name}");
        }
    }
}
