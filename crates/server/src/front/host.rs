use http::{Request, Version, header::HOST, uri::Authority};

/// The longest host that is remembered, in bytes: a name and a port are no longer.
const LONGEST: usize = 264;

/// Knows the host that the requests on a connection are for, which is the same for nearly
/// all of them: so it is looked at once.
#[derive(Debug, Default)]
pub(super) struct Host {
    /// One that is a host. None has been named yet if it is empty, which is one as well.
    known: Vec<u8>,
}

impl Host {
    /// Whether a request names its host in the way that RFC 9112 §3.2 demands: "A
    /// server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1
    /// request message that lacks a Host header field and to any request message
    /// that contains more than one Host header field line or a Host header field
    /// with an invalid field value."
    ///
    /// Whoever passed such a request on would leave it to each application to guess
    /// whose page is meant.
    pub(super) fn is_named_once<B>(&mut self, request: &Request<B>) -> bool {
        // Nearly always the first of the fields: that is found sooner than looked up.
        let mut lines = request.headers().iter().filter(|(name, _)| **name == HOST);
        match (lines.next(), lines.next()) {
            (Some((_, host)), None) => self.is_host(host.as_bytes()),
            (None, _) => request.version() < Version::HTTP_11,
            (Some(_), Some(_)) => false,
        }
    }

    fn is_host(&mut self, value: &[u8]) -> bool {
        if value == self.known {
            return true;
        }
        let is_host = is_host(value);
        if is_host && value.len() <= LONGEST {
            self.known.clear();
            self.known.extend_from_slice(value);
        }
        is_host
    }
}

/// `uri-host [ ":" port ]`, of which the host may be empty (RFC 9110 §7.2).
fn is_host(value: &[u8]) -> bool {
    is_plain(value) || Authority::try_from(value).is_ok() && !value.contains(&b'@')
}

/// Nearly every host is a name of letters, and needs no parser, which would
/// take a copy of it.
fn is_plain(value: &[u8]) -> bool {
    let mut bytes = value.iter().copied();
    match bytes.find(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-')) {
        None => true,
        Some(b':') => bytes.all(|byte| byte.is_ascii_digit()),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn request(version: Version, hosts: &[&str]) -> Request<()> {
        let mut request = Request::new(());
        *request.version_mut() = version;
        for host in hosts {
            let host = HeaderValue::from_str(host).unwrap();
            request.headers_mut().append(HOST, host);
        }
        request
    }

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
        let mut connection = Host::default();
        for (name, version, hosts, expected) in cases {
            let request = request(version, hosts);
            let first = Host::default().is_named_once(&request);
            assert_eq!(first, expected, "{name}");
            for _ in 0..2 {
                let on_connection = connection.is_named_once(&request);
                assert_eq!(on_connection, expected, "{name}, after others");
            }
        }
    }

    #[test]
    fn a_long_host_is_one_and_not_remembered() {
        let long = "a".repeat(LONGEST + 1);
        let mut connection = Host::default();
        for _ in 0..2 {
            assert!(connection.is_named_once(&request(Version::HTTP_11, &[&long])));
            assert!(connection.known.is_empty());
        }
    }
}
