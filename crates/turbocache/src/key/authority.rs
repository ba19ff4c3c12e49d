//! Whom a request is for: RFC 3986 §3.2, RFC 9110 §4.2.3.

use std::borrow::Cow;

use crate::policy::request::Pass;

/// Host and port. Two that are the same but for the case of the host, and for the
/// scheme's own port, are equal.
#[derive(PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// In lower case.
    pub(super) host: Cow<'a, [u8]>,
    /// `None` also if it is the scheme's own.
    pub(super) port: Option<&'a [u8]>,
}

impl<'a> Authority<'a> {
    /// A plain host (RFC 3986 §3.2.2), with or without a port. An encoded one,
    /// or one with user information, is legal but seldom meant well.
    pub(super) fn read(text: &'a [u8], scheme: &str) -> Result<Self, Pass> {
        let (end_of_host, has_upper_case) = match text {
            [b'[', literal @ ..] => {
                let end = literal
                    .iter()
                    .position(|byte| !(byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')));
                match end {
                    Some(end) if literal[end] == b']' => {
                        (end + 2, literal.iter().any(u8::is_ascii_uppercase))
                    }
                    _ => return Err(Pass::BadHost),
                }
            }
            _ => end_of_name(text),
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
        let host = if has_upper_case {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        };
        Ok(Self {
            host,
            port: port.filter(|port| !port.is_empty() && *port != default),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.host.len() + self.port.map_or(0, |port| port.len() + 1)
    }

    pub(super) fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.host);
        if let Some(port) = self.port {
            key.push(b':');
            key.extend_from_slice(port);
        }
    }
}

/// How many bytes at the beginning are those of a name, and whether there is an upper
/// case letter among them.
fn end_of_name(text: &[u8]) -> (usize, bool) {
    let mut kinds = 0;
    for (at, byte) in text.iter().enumerate() {
        match KIND[usize::from(*byte)] {
            NOT_OF_NAME => return (at, kinds & UPPER_CASE != 0),
            kind => kinds |= kind,
        }
    }
    (text.len(), kinds & UPPER_CASE != 0)
}

const NOT_OF_NAME: u8 = 0;
const OF_NAME: u8 = 1;
const UPPER_CASE: u8 = 2;

/// Looked up, because it is asked for each byte of each request's host.
static KIND: [u8; 256] = {
    let mut kinds = [NOT_OF_NAME; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        kinds[byte as usize] = match byte {
            b'A'..=b'Z' => UPPER_CASE,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => OF_NAME,
            _ => NOT_OF_NAME,
        };
        byte -= 1;
    }
    kinds
};
