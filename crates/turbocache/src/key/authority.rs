//! Whom a request is for: RFC 3986 §3.2, RFC 9110 §4.2.3.

use crate::policy::request::Pass;

/// Host and port, in any case, with or without the scheme's own port.
pub(super) struct Authority<'a> {
    host: &'a [u8],
    /// `None` also if it is the scheme's own.
    port: Option<&'a [u8]>,
}

impl<'a> Authority<'a> {
    /// A plain host (RFC 3986 §3.2.2), with or without a port. An encoded one,
    /// or one with user information, is legal but seldom meant well.
    pub(super) fn read(text: &'a [u8], scheme: &str) -> Result<Self, Pass> {
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
                .position(|byte| !IS_HOST_BYTE[usize::from(*byte)])
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

    pub(super) fn len(&self) -> usize {
        self.host.len() + self.port.map_or(0, |port| port.len() + 1)
    }

    pub(super) fn write(&self, key: &mut Vec<u8>) {
        let start = key.len();
        key.extend_from_slice(self.host);
        key[start..].make_ascii_lowercase();
        if let Some(port) = self.port {
            key.push(b':');
            key.extend_from_slice(port);
        }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.host.eq_ignore_ascii_case(other.host) && self.port == other.port
    }
}

/// Looked up, because it is asked for each byte of each request's host.
static IS_HOST_BYTE: [bool; 256] = {
    let mut is_host_byte = [false; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        is_host_byte[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        byte -= 1;
    }
    is_host_byte
};
