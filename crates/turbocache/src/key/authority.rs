//! Whom a request is for: RFC 3986 §3.2, RFC 9110 §4.2.3.

use std::borrow::Cow;

use crate::policy::request::Pass;

/// Host and port, as they are in a key: without the port that is the scheme's own, and
/// in lower case. So two that are the same but for these are equal.
#[derive(PartialEq, Eq)]
pub(super) struct Authority<'a>(Cow<'a, [u8]>);

impl<'a> Authority<'a> {
    /// A plain host (RFC 3986 §3.2.2), with or without a port. An encoded one,
    /// or one with user information, is legal but seldom meant well.
    pub(super) fn read(text: &'a [u8], scheme: &str) -> Result<Self, Pass> {
        let (host, port) = divide(text);
        let has_upper_case = match host {
            [] => return Err(Pass::BadHost),
            [b'[', literal @ .., b']'] => {
                let is_of_literal = |byte: &u8| byte.is_ascii_hexdigit() || b":.".contains(byte);
                if !literal.iter().all(is_of_literal) {
                    return Err(Pass::BadHost);
                }
                literal.iter().any(u8::is_ascii_uppercase)
            }
            name => {
                let kinds = name
                    .iter()
                    .fold(0, |kinds, byte| kinds | KIND[usize::from(*byte)]);
                if kinds & NOT_OF_NAME != 0 {
                    return Err(Pass::BadHost);
                }
                kinds & UPPER_CASE != 0
            }
        };
        let default: &[u8] = match scheme {
            "http" => b"80",
            "https" => b"443",
            _ => b"",
        };
        let text = if port.is_empty() || port == default {
            host
        } else {
            text
        };
        Ok(Self(if has_upper_case {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What is before the last colon that nothing but digits follow, and these.
fn divide(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit());
    match text.split_at(text.len() - digits.count()) {
        ([host @ .., b':'], port) => (host, port),
        _ => (text, &[]),
    }
}

const OF_NAME: u8 = 0;
const UPPER_CASE: u8 = 1;
const NOT_OF_NAME: u8 = 2;

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
