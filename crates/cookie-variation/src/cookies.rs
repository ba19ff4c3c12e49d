//! What a request has in the cookies that matter. RFC 6265bis §5.8, read as
//! carefully as the most careless of servers might.
//!
//! We need not know how the application reads its cookies. It is enough to find
//! out where one reader could see something else than another: there the
//! request passes. So a cookie is taken only in the form in which browsers send
//! it, and only if nothing else in the field could be taken for it.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Version, header::COOKIE};
use percent_encoding::percent_decode;

use crate::name::CookieName;

/// More than browsers send (RFC 6265bis §5.6: a cookie has up to 4096 bytes),
/// and as much as many servers read.
const MOST_BYTES: usize = 8 * 1024;

/// The values of the cookies that were asked for, in that order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values<'a>(Vec<Option<&'a [u8]>>);

/// Why it is not certain what a request has in its cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// More than 8 KiB: the application may read less than that, or nothing.
    TooLong,
    /// Several `Cookie` lines in HTTP/1, which no browser sends (RFC 6265bis
    /// §5.8.1), and a cookie that matters: servers read the first, the last, or
    /// both with a comma between.
    SeveralLines,
    /// One cookie twice. Browsers send the one with the longer path first;
    /// applications take the first or the last.
    Duplicate,
    /// Something that another reader could take for the cookie: another case, an
    /// encoded name, spaces or quotes around it, a comma before it.
    Lookalike,
    /// A value with bytes that a server may not put there (RFC 6265bis §4.1.1).
    OddValue,
}

impl Doubt {
    /// The word for logs and for `Cache-Status`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "cookies-too-long",
            Self::SeveralLines => "several-cookie-lines",
            Self::Duplicate => "duplicate-cookie",
            Self::Lookalike => "cookie-lookalike",
            Self::OddValue => "odd-cookie-value",
        }
    }
}

impl<'a> From<Vec<Option<&'a [u8]>>> for Values<'a> {
    fn from(values: Vec<Option<&'a [u8]>>) -> Self {
        Self(values)
    }
}

impl<'a> Values<'a> {
    /// The value of the cookie at this place, never empty.
    pub(crate) fn get(&self, place: usize) -> Option<&'a [u8]> {
        self.0.get(place).copied().flatten()
    }

    /// Whether any of these is there.
    pub(crate) fn any(&self, mut places: std::ops::Range<usize>) -> bool {
        places.any(|place| self.get(place).is_some())
    }
}

/// Reads the cookies of these names.
pub(crate) fn read<'a>(
    headers: &'a HeaderMap,
    version: Version,
    names: &[CookieName],
) -> Result<Values<'a>, Doubt> {
    let mut values = Values::default();
    // Whether the cookie at a place was seen, if only an empty one.
    let mut seen = Vec::new();
    let (mut lines, mut bytes) = (0_usize, 0_usize);
    for line in headers.get_all(COOKIE) {
        lines += 1;
        bytes += line.len();
        if bytes > MOST_BYTES {
            return Err(Doubt::TooLong);
        }
        for (place, name) in names.iter().enumerate() {
            let Some(value) = find(line, name)? else {
                continue;
            };
            // No memory for requests that have none of them.
            if seen.is_empty() {
                seen.resize(names.len(), false);
                values.0.resize(names.len(), None);
            }
            if seen[place] {
                return Err(Doubt::Duplicate);
            }
            seen[place] = true;
            if !value.iter().copied().all(is_cookie_octet) {
                return Err(Doubt::OddValue);
            }
            values.0[place] = Some(value).filter(|value| !value.is_empty());
        }
    }
    // RFC 9113 §8.2.3 lets a client of HTTP/2 divide the field, and everybody
    // who reads it puts it together again.
    if lines > 1 && !seen.is_empty() && version < Version::HTTP_2 {
        return Err(Doubt::SeveralLines);
    }
    Ok(values)
}

/// All values of cookies called `name`, in whatever line.
pub(crate) fn all_values<'a>(headers: &'a HeaderMap, name: &CookieName) -> Vec<&'a [u8]> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs
        .filter_map(|pair| value_in(pair.trim_ascii(), name))
        .filter(|value| !value.is_empty())
        .collect()
}

/// Whether this line of `Set-Cookie` sets the cookie called `name`, or one that
/// could be taken for it.
pub(crate) fn sets(line: &HeaderValue, name: &CookieName) -> bool {
    let pair = line.as_bytes().split(|byte| *byte == b';').next();
    is_called_like(pair.unwrap_or_default(), name.as_bytes())
}

fn value_in<'a>(pair: &'a [u8], name: &CookieName) -> Option<&'a [u8]> {
    pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

/// The one cookie called `name` in this line.
fn find<'a>(line: &'a HeaderValue, name: &CookieName) -> Result<Option<&'a [u8]>, Doubt> {
    let mut found = None;
    for pair in line.as_bytes().split(|byte| *byte == b';') {
        let pair = pair.trim_ascii_start();
        let bare = name.as_bytes();
        if let Some(value) = value_in(pair, name) {
            if found.replace(value).is_some() {
                return Err(Doubt::Duplicate);
            }
            if holds_lookalike(value, bare) {
                return Err(Doubt::Lookalike);
            }
        } else if is_lookalike(pair, bare) {
            return Err(Doubt::Lookalike);
        }
    }
    Ok(found)
}

/// Whether all of `pair`, or some piece of it, could be taken for a cookie called `name`.
fn is_lookalike(pair: &[u8], name: &[u8]) -> bool {
    if is_plain(pair) {
        is_called(pair, name)
    } else {
        is_called_like(pair, name) || holds_lookalike(pair, name)
    }
}

/// As nearly all cookies are: nothing to divide at, and nothing to be decoded.
fn is_plain(pair: &[u8]) -> bool {
    let is_odd = |byte: u8| is_separator(byte) | matches!(byte, b'%' | b'[');
    // To the end, whatever is found: so it goes by many bytes at a time.
    let any_is_odd = pair.iter().fold(false, |any, byte| any | is_odd(*byte));
    !any_is_odd && pair.first() != Some(&b'=')
}

/// What is left of [`is_called_like`] for a [plain](is_plain) pair.
fn is_called(pair: &[u8], name: &[u8]) -> bool {
    pair.split_at_checked(name.len())
        .is_some_and(|(called, rest)| {
            is_same(called, name) && rest.first().is_none_or(|byte| *byte == b'=')
        })
}

/// Whether some piece of `text` could be taken for a cookie called `name`, by a
/// reader who divides at commas, spaces, quotes or bytes that are not ASCII.
fn holds_lookalike(text: &[u8], name: &[u8]) -> bool {
    text.split(|byte| is_separator(*byte))
        .any(|piece| is_called_like(piece, name))
}

/// Whether `pair` begins with something that could be taken for `name`: in
/// another case, percent-encoded (Rack and axum decode names), or with `.`, `[`
/// or a space in it (which PHP changes).
fn is_called_like(pair: &[u8], name: &[u8]) -> bool {
    let pair = trim(pair, |byte| is_separator(byte) || byte == b'=');
    let end = pair.iter().position(|byte| *byte == b'=');
    let decoded: Cow<'_, [u8]> = percent_decode(&pair[..end.unwrap_or(pair.len())]).into();
    let called = trim(&decoded, is_separator);
    let called = called.split(|byte| *byte == b'[').next().unwrap_or(called);
    is_same(called, name)
}

fn is_same(called: &[u8], name: &[u8]) -> bool {
    let mut bytes = called.iter().zip(name);
    called.len() == name.len() && bytes.all(|(called, name)| folded(*called) == folded(*name))
}

fn trim(text: &[u8], is_outside: impl Fn(u8) -> bool) -> &[u8] {
    let Some(start) = text.iter().position(|byte| !is_outside(*byte)) else {
        return &[];
    };
    let end = text.iter().rposition(|byte| !is_outside(*byte));
    &text[start..=end.unwrap_or(start)]
}

const fn folded(byte: u8) -> u8 {
    match byte {
        b'.' | b' ' | b'\t' | b'+' => b'_',
        _ => byte.to_ascii_lowercase(),
    }
}

const fn is_separator(byte: u8) -> bool {
    byte <= b' ' || byte >= 0x7f || matches!(byte, b'"' | b'\'' | b',' | b'&')
}

/// RFC 6265bis §4.1.1.
const fn is_cookie_octet(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests;
