//! The primary key: RFC 9111 §2, "at a minimum, the target URI".

use std::fmt;

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
    /// The key of a request that may be looked up. One allocation for most.
    pub(crate) fn of<B>(request: &Request<B>, lookup: &Lookup<'_>) -> Result<Self, Pass> {
        let uri = request.uri();
        let seen = path_and_query(uri);
        let original = original_path_and_query(request).unwrap_or(seen);

        let trusted = request.extensions().get::<TargetOrigin>();
        let from_uri = uri
            .authority()
            .map(|authority| authority.as_str().as_bytes());
        let from_host = lookup
            .host
            .map(HeaderValue::as_bytes)
            .filter(|host| !host.is_empty());
        // The best source for what the request is for, and what else there is.
        let (scheme, authority, others) = match (trusted, from_uri) {
            (Some(origin), _) => (
                origin.scheme.as_str(),
                Some(origin.authority.as_str().as_bytes()),
                [from_uri, from_host],
            ),
            (None, Some(_)) => (
                uri.scheme_str().unwrap_or("http"),
                from_uri,
                [from_host, None],
            ),
            (None, None) => ("http", from_host, [None, None]),
        };
        let authority = Authority::read(authority.ok_or(Pass::NoHost)?, scheme)?;

        let length = scheme.len() + authority.len() + original.len() + 2;
        let mut key = Vec::with_capacity(length);
        key.extend_from_slice(scheme.as_bytes());
        key.push(DIVIDER);
        authority.write(&mut key);
        key.push(DIVIDER);
        key.extend_from_slice(original.as_bytes());

        if original != seen {
            add(&mut key, b'u', seen.as_bytes());
        }
        // What anyone can write into a request line must not reach what was
        // stored for the clients of a trusted proxy.
        if trusted.is_some() {
            add(&mut key, b'o', b"");
        }
        for other in others.into_iter().flatten() {
            let same = Authority::read(other, scheme).is_ok_and(|other| other.is(&authority));
            match trusted {
                _ if same => {}
                None => return Err(Pass::HostMismatch),
                // The proxy's own name for us; but the application may go by it.
                Some(_) => add(&mut key, b'h', other),
            }
        }
        if lookup.forwarded {
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

/// For logs: the parts as they are, divided by spaces.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.split(|byte| *byte == DIVIDER);
        if let Some(scheme) = parts.next() {
            scheme.escape_ascii().fmt(f)?;
        }
        for part in parts {
            write!(f, " {}", part.escape_ascii())?;
        }
        Ok(())
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
    /// A plain host (RFC 3986 §3.2.2), with or without a port. An encoded one,
    /// or one with user information, is legal but seldom meant well.
    fn read(text: &'a [u8], scheme: &str) -> Result<Self, Pass> {
        let end_of_host = match text {
            [b'[', literal @ ..] => {
                let end = literal
                    .iter()
                    .position(|byte| !(byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')));
                match end {
                    Some(end) if literal[end] == b']' => end + 2,
                    _ => return Err(Pass::BadHost),
                }
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
            _ => return Err(Pass::BadHost),
        };
        if host.is_empty() {
            return Err(Pass::BadHost);
        }
        let default: &[u8] = match scheme {
            "http" => b"80",
            "https" => b"443",
            _ => b"",
        };
        Ok(Self {
            host,
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

#[cfg(test)]
mod tests;
