//! The primary key: RFC 9111 §2, "at a minimum, the target URI".

use bytes::Bytes;
use http::{HeaderValue, Request, Uri};
use peregrine_core::TargetOrigin;

use crate::policy::request::{self, Lookup, Pass};

/// Scheme, authority, path and query of the target URI, and whatever else tells
/// the application what it is asked for.
///
/// The parts are divided by NUL, which can occur in none of them, so that no two
/// requests for different things have one key. Keys are compared in full; the
/// tables that they are in hash them with a random key of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(Bytes);

const DIVIDER: u8 = 0;

impl Key {
    /// The key of a request that may be looked up. One allocation.
    pub(crate) fn of<B>(request: &Request<B>, lookup: &Lookup<'_>) -> Result<Self, Pass> {
        let uri = request.uri();
        let seen = path_and_query(uri);
        let original = original_path_and_query(request).unwrap_or(seen);
        let host = lookup.host.map(HeaderValue::as_bytes);

        let origin = request.extensions().get::<TargetOrigin>();
        let (scheme, authority) = match (origin, uri.authority(), host) {
            (Some(origin), ..) => (origin.scheme.as_str(), origin.authority.as_str().as_bytes()),
            (None, Some(authority), _) => (
                uri.scheme_str().unwrap_or("http"),
                authority.as_str().as_bytes(),
            ),
            (None, None, Some(host)) if !host.is_empty() => ("http", host),
            (None, None, _) => return Err(Pass::NoHost),
        };
        let authority = Authority::read(authority, scheme).ok_or(Pass::BadHost)?;

        let mut key = Vec::with_capacity(scheme.len() + authority.len() + original.len() + 2);
        key.extend_from_slice(scheme.as_bytes());
        key.push(DIVIDER);
        authority.write(&mut key);
        key.push(DIVIDER);
        key.extend_from_slice(original.as_bytes());

        if original != seen {
            add(&mut key, b'u', seen.as_bytes());
        }
        if let Some(host) = host.filter(|_| origin.is_some() || uri.authority().is_some()) {
            let same = Authority::read(host, scheme).is_some_and(|host| host.is(&authority));
            if !same && origin.is_none() {
                return Err(Pass::HostMismatch);
            }
            // The application behind may go by `Host`, whatever the proxy in
            // front said.
            if !same {
                add(&mut key, b'h', host);
            }
        }
        if lookup.forwarded && origin.is_none() {
            for (name, value) in request.headers() {
                if request::is_forwarding(name.as_str()) {
                    add(&mut key, b'f', name.as_str().as_bytes());
                    add(&mut key, b'=', value.as_bytes());
                }
            }
        }
        Ok(Self(Bytes::from(key)))
    }

    /// How many bytes it takes in memory.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Appends a part that most keys do not have, with a letter for what it is.
fn add(key: &mut Vec<u8>, kind: u8, part: &[u8]) {
    key.reserve_exact(part.len() + 2);
    key.extend_from_slice(&[DIVIDER, kind]);
    key.extend_from_slice(part);
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |target| target.as_str())
}

/// The target as it was before `Router::nest` took the prefix off: with a
/// parameter in the prefix, two pages of different tenants look the same inside.
#[cfg(feature = "axum")]
fn original_path_and_query<B>(request: &Request<B>) -> Option<&str> {
    let original = request.extensions().get::<axum::extract::OriginalUri>()?;
    Some(path_and_query(&original.0))
}

#[cfg(not(feature = "axum"))]
fn original_path_and_query<B>(_: &Request<B>) -> Option<&str> {
    None
}

/// Host and port, in any case, with or without the scheme's own port.
struct Authority<'a> {
    host: &'a [u8],
    /// `None` also if it is the scheme's own.
    port: Option<&'a [u8]>,
}

impl<'a> Authority<'a> {
    /// `None` if it is not a plain host (RFC 3986 §3.2.2) with or without a port. An
    /// encoded one, or one with user information, is among what is refused: it is
    /// legal, but seldom meant well.
    fn read(text: &'a [u8], scheme: &str) -> Option<Self> {
        let end_of_host = match text {
            [b'[', rest @ ..] => {
                let end = rest.iter().position(|byte| *byte == b']')?;
                let literal = &rest[..end];
                literal
                    .iter()
                    .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
                    .then_some(end + 2)?
            }
            _ => text
                .iter()
                .position(|byte| !is_host_byte(*byte))
                .unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(end_of_host);
        let port = match rest {
            [] => None,
            [b':', port @ ..] if port.iter().all(u8::is_ascii_digit) => Some(port),
            _ => return None,
        };
        let default: &[u8] = match scheme {
            "http" => b"80",
            "https" => b"443",
            _ => b"",
        };
        Some(Self {
            host: (!host.is_empty()).then_some(host)?,
            port: port.filter(|port| !port.is_empty() && *port != default),
        })
    }

    fn len(&self) -> usize {
        self.host.len() + self.port.map_or(0, |port| port.len() + 1)
    }

    fn write(&self, key: &mut Vec<u8>) {
        key.extend(self.host.iter().map(u8::to_ascii_lowercase));
        if let Some(port) = self.port {
            key.push(b':');
            key.extend_from_slice(port);
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(other.host) && self.port == other.port
    }
}

const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}
