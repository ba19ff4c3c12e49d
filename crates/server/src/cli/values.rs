//! From the text of one option to its value.

use std::{
    ffi::OsString,
    fmt,
    net::{IpAddr, ToSocketAddrs},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
    time::Duration,
};

use clap::{builder::RangedI64ValueParser, value_parser};
use http::{
    Method, StatusCode, Uri,
    uri::{Authority, PathAndQuery},
};
use ipnet::IpNet;

/// Longer waits are typing errors, and could overflow a point in time.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// More processes than a machine has, by far; above, it is a typing error.
const MOST_PROCESSES: i64 = 10_000;

/// More requests than fit into memory; "no limit" is not on offer.
const MOST_REQUESTS: i64 = 1_000_000;

pub(super) fn instances() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(0..=MOST_PROCESSES)
}

pub(super) fn pool_size() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(1..=MOST_PROCESSES)
}

pub(super) fn queue_size() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(1..=MOST_REQUESTS)
}

pub(super) fn concurrency() -> RangedI64ValueParser<u32> {
    value_parser!(u32).range(0..=MOST_REQUESTS)
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| "not a port from 0 to 65535".to_owned())
}

/// An address or a name that resolves to one, its first.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Ok(address);
    }
    let mut addresses = (text, 0)
        .to_socket_addrs()
        .map_err(|_| "not an address of this machine, such as 127.0.0.1 or 0.0.0.0".to_owned())?;
    let first = addresses.next().ok_or("the name has no address")?;
    Ok(first.ip())
}

/// Seconds, also a part of one: `30`, `0.5`.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| *duration <= A_YEAR)
        .ok_or_else(|| format!("not a number of seconds from 0 to {}", A_YEAR.as_secs()))
}

/// A part of a whole.
pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("write a number from 0 for none to 1 for all, as 0.1".to_owned()),
    }
}

pub(super) fn positive_seconds(text: &str) -> Result<Duration, String> {
    let duration = seconds(text)?;
    if duration.is_zero() {
        return Err("must be more than 0 seconds".to_owned());
    }
    Ok(duration)
}

/// A method of HTTP, which minds its case.
pub(super) fn method(text: &str) -> Result<Method, String> {
    text.parse()
        .map_err(|_| "not a method, such as POST or OOBW".to_owned())
}

/// A status that says that something went wrong.
pub(super) fn error_status(text: &str) -> Result<StatusCode, String> {
    let status = text.parse().ok();
    status
        .filter(|status: &StatusCode| status.is_client_error() || status.is_server_error())
        .ok_or_else(|| "not a status from 400 to 599".to_owned())
}

/// A path of this server, perhaps with a query.
pub(super) fn path(text: &str) -> Result<PathAndQuery, String> {
    let path = text.parse().ok();
    path.filter(|_| text.starts_with('/'))
        .ok_or_else(|| "not a path such as /login".to_owned())
}

/// A path of requests, and the folder that it stands for, in the form in which
/// Rack names them the other way round.
pub(super) fn mapping(text: &str) -> Result<Mapping, String> {
    let parts = text.split_once('=');
    let mapping = parts.filter(|(path, dir)| path.starts_with('/') && !dir.is_empty());
    mapping
        .map(|(path, dir)| (path.to_owned(), dir.into()))
        .ok_or_else(|| "not of the form /internal/=/srv/files".to_owned())
}

/// What `--accel-mapping` takes.
pub(crate) type Mapping = (String, PathBuf);

/// RFC 6265bis §4.1.1: a token, as the name of a header field is.
pub(super) fn cookie_name(text: &str) -> Result<String, String> {
    match http::HeaderName::from_bytes(text.as_bytes()) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("not the name of a cookie, such as session".to_owned()),
    }
}

/// A name that can be typed, and is one word wherever it is shown.
pub(super) fn application_name(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_plain) {
        return Err("not a name of letters, digits, `-`, `_` and `.`".to_owned());
    }
    Ok(text.to_owned())
}

/// A network, or one address.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let network = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| "not a network such as 10.0.0.0/8, nor an address".to_owned())
}

/// `http://HOST:PORT`, and nothing that we would have to ignore.
pub(super) fn upstream(text: &str) -> Result<Authority, String> {
    let uri: Uri = text
        .parse()
        .map_err(|_| "not of the form http://HOST:PORT".to_owned())?;
    let authority = match (uri.scheme_str(), uri.authority()) {
        (Some("http"), Some(authority)) => authority,
        (Some("https"), _) => {
            return Err("TLS to the upstream is not supported; use http://HOST:PORT".to_owned());
        }
        _ => return Err("not of the form http://HOST:PORT".to_owned()),
    };
    if authority.as_str().contains('@') {
        return Err("a user name has no place in it; use http://HOST:PORT".to_owned());
    }
    // `Authority` takes any digits for a port, and then knows of none.
    let names_port = authority.host().len() < authority.as_str().len();
    let has_port = authority.port_u16().is_some_and(|port| port > 0);
    if authority.host().is_empty() || names_port && !has_port {
        return Err("not of the form http://HOST:PORT".to_owned());
    }
    if uri.path() != "/" || uri.query().is_some() {
        return Err("requests keep their own paths; use http://HOST:PORT".to_owned());
    }
    Ok(authority.clone())
}

/// `--envvar`, split at its first `=`.
///
/// Anything is taken, and what is not `NAME=VALUE` has an empty name: a
/// refusal here would repeat the text, and the text may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EnvVar {
    pub(crate) name: OsString,
    pub(crate) value: OsString,
}

impl From<OsString> for EnvVar {
    fn from(text: OsString) -> Self {
        let bytes = text.as_bytes();
        let (name, value) = match bytes.iter().position(|byte| *byte == b'=') {
            Some(equals) => (&bytes[..equals], &bytes[equals + 1..]),
            None => (&[][..], bytes),
        };
        Self {
            name: OsString::from_vec(name.to_vec()),
            value: OsString::from_vec(value.to_vec()),
        }
    }
}

impl fmt::Debug for EnvVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvVar")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_be_parts_of_one_but_not_forever() {
        let cases = [
            ("whole", "30", Some(Duration::from_secs(30))),
            ("a part", "0.25", Some(Duration::from_millis(250))),
            ("none", "0", Some(Duration::ZERO)),
            ("negative", "-1", None),
            ("not a number", "NaN", None),
            ("endless", "inf", None),
            ("beyond a year", "1e9", None),
            ("a unit", "30s", None),
            ("nothing", "", None),
        ];
        for (name, text, expected) in cases {
            assert_eq!(seconds(text).ok(), expected, "{name}");
        }
        assert!(positive_seconds("0").is_err());
    }

    #[test]
    fn an_upstream_is_http_with_a_host_and_nothing_behind() {
        let cases = [
            (
                "host and port",
                "http://127.0.0.1:8080",
                Some("127.0.0.1:8080"),
            ),
            (
                "a slash behind",
                "http://localhost:8080/",
                Some("localhost:8080"),
            ),
            ("no port", "http://app.internal", Some("app.internal")),
            ("version 6", "http://[::1]:8080", Some("[::1]:8080")),
            (
                "scheme in capitals",
                "HTTP://localhost:1",
                Some("localhost:1"),
            ),
            ("TLS", "https://localhost:8443", None),
            ("no scheme", "localhost:8080", None),
            ("a path", "http://localhost:8080/app", None),
            ("a query", "http://localhost:8080/?a", None),
            ("a user", "http://me:secret@localhost:8080", None),
            ("port 0", "http://localhost:0", None),
            ("a port beyond", "http://localhost:65536", None),
            ("an empty port", "http://localhost:", None),
            ("nothing", "", None),
        ];
        for (name, text, expected) in cases {
            let parsed = upstream(text).ok();
            assert_eq!(parsed.as_ref().map(Authority::as_str), expected, "{name}");
        }
    }

    #[test]
    fn a_trusted_proxy_is_a_network_or_an_address() {
        let cases = [
            ("network", "10.0.0.0/8", Some("10.0.0.0/8")),
            ("address", "192.0.2.1", Some("192.0.2.1/32")),
            ("version 6", "2001:db8::1", Some("2001:db8::1/128")),
            ("name", "proxy.internal", None),
            ("too long", "10.0.0.0/33", None),
        ];
        for (name, text, expected) in cases {
            let parsed = network(text).ok().map(|network| network.to_string());
            assert_eq!(parsed.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_mapping_is_a_path_and_a_folder() {
        let cases = [
            ("both", "/internal/=/srv", Some(("/internal/", "/srv"))),
            ("another sign", "/in=/srv/a=b", Some(("/in", "/srv/a=b"))),
            ("relative", "/in/=files", Some(("/in/", "files"))),
            ("no folder", "/in/=", None),
            ("a path that is relative", "in/=files", None),
            ("no path", "=/srv", None),
            ("one of the two", "/srv", None),
        ];
        for (name, text, expected) in cases {
            let expected = expected.map(|(path, dir)| (path.to_owned(), PathBuf::from(dir)));
            assert_eq!(mapping(text).ok(), expected, "{name}");
        }
    }

    #[test]
    fn an_address_may_be_a_name_of_this_machine() {
        let loopback = address("localhost").unwrap();
        assert!(loopback.is_loopback(), "{loopback}");
        assert_eq!(address("[::1]").unwrap(), address("::1").unwrap());
        assert!(address("127.0.0.1:3000").is_err());
    }

    #[test]
    fn a_variable_is_split_at_its_first_equals_sign() {
        let cases = [
            ("plain", "A=b", ("A", "b")),
            ("another sign in the value", "A=b=c", ("A", "b=c")),
            ("empty value", "A=", ("A", "")),
            ("no sign", "secret", ("", "secret")),
        ];
        for (name, text, (variable, value)) in cases {
            let split = EnvVar::from(OsString::from(text));
            assert_eq!(
                (split.name.to_str(), split.value.to_str()),
                (Some(variable), Some(value)),
                "{name}"
            );
            assert!(!format!("{split:?}").contains("secret"), "{name}");
        }
    }
}
