//! `Cookie-Indices`: which of the cookies a response that says `Vary: Cookie`
//! depends on. From the Internet-Draft "HTTP Availability Hints".
//!
//! The `Cookie` field is different for nearly everybody, by the analytics in it.
//! A response that depends on `session` alone is the same for all who have no
//! such cookie, whatever else they have.
//!
//! A cookie that *is* there is another matter. It is a claim of the client's,
//! and here nobody knows what it is worth: an application may vary by `user_id`
//! and believe it only beside a session that it does not mention. So those who
//! have one of the cookies share a response with those alone who have all the
//! same ones, as `Vary` says. Whoever can tell a claim from a right stands in
//! front of the cache, and makes variants of its own.

use http::{HeaderMap, HeaderName, HeaderValue, header::COOKIE};
use sfv::{BareItem, List, ListEntry, Parser};

use crate::policy::list::{is_token, is_token_byte};

const COOKIE_INDICES: HeaderName = HeaderName::from_static("cookie-indices");

/// How many cookies a response may list. Each is looked for at a look-up.
const MAX_NAMES: usize = 16;

/// More than browsers send for one site's few cookies: the application may read
/// less of it, or nothing.
const MAX_COOKIES: usize = 8 * 1024;

/// The names of the cookies that a response depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CookieIndices(Box<[Box<str>]>);

impl CookieIndices {
    /// `None` if the response lists no cookies, or anything that no cookie can be
    /// called: then it depends on all of them.
    pub(super) fn of(response: &HeaderMap) -> Option<Self> {
        let mut lines = response.get_all(COOKIE_INDICES).iter().peekable();
        lines.peek()?;
        let lines: Vec<_> = lines.map(HeaderValue::as_bytes).collect();
        let list: List = Parser::new(&lines.join(&b","[..])).parse().ok()?;
        let names: Box<[_]> = list.iter().map(name).collect::<Option<_>>()?;
        (1..=MAX_NAMES)
            .contains(&names.len())
            .then_some(Self(names))
    }

    /// Bytes that it takes in memory beside itself.
    pub(super) fn weight(&self) -> usize {
        let names: usize = self.0.iter().map(|name| name.len()).sum();
        names + size_of_val(&*self.0)
    }

    /// Whether `request` has none of them, nor anything that an application might
    /// take for one of them. Allocates nothing.
    pub(super) fn are_absent(&self, request: &HeaderMap) -> bool {
        let mut length = 0;
        request.get_all(COOKIE).iter().all(|line| {
            length += line.len();
            length <= MAX_COOKIES && self.are_absent_from(line.as_bytes())
        })
    }

    fn are_absent_from(&self, line: &[u8]) -> bool {
        line.split(|byte| *byte == b';').all(|pair| {
            let pair = Pair::of(pair.trim_ascii());
            !self.0.iter().any(|name| pair.may_be(name.as_bytes()))
        })
    }
}

/// The name that a member of the list is, if it is one that a cookie can have.
fn name(entry: &ListEntry) -> Option<Box<str>> {
    match entry {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::String(name) if is_token(name.as_str().as_bytes()) => {
                Some(name.as_str().into())
            }
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    }
}

/// What is between two semicolons. Browsers may send what a server may not set (RFC
/// 6265bis §5.6), and servers differ in what they make of that.
enum Pair<'a> {
    /// A cookie of this name to everybody.
    Plain(&'a [u8]),
    /// Something that divides, quotes or encodes.
    Odd(&'a [u8]),
}

impl<'a> Pair<'a> {
    fn of(pair: &'a [u8]) -> Self {
        let end = pair.iter().position(|byte| *byte == b'=');
        let (called, value) = match end {
            Some(end) => (&pair[..end], &pair[end + 1..]),
            None => (pair, &[][..]),
        };
        let is_plain = !called.is_empty()
            && called.iter().all(|byte| PLAIN[usize::from(*byte)].in_name)
            && value.iter().all(|byte| PLAIN[usize::from(*byte)].in_value);
        if is_plain {
            Self::Plain(called)
        } else {
            Self::Odd(pair)
        }
    }

    /// Whether some reader could find a cookie called `name` in it.
    fn may_be(&self, name: &[u8]) -> bool {
        match self {
            Self::Plain(called) => called.len() == name.len() && is_like(called, name),
            // The name may be anywhere in it, and in an encoded form.
            Self::Odd(pair) => {
                pair.contains(&b'%') || pair.windows(name.len()).any(|part| is_like(part, name))
            }
        }
    }
}

/// In another case, or with what PHP turns into `_`.
fn is_like(called: &[u8], name: &[u8]) -> bool {
    called
        .iter()
        .zip(name)
        .all(|(a, b)| folded(*a) == folded(*b))
}

const fn folded(byte: u8) -> u8 {
    match byte {
        b'.' | b' ' | b'\t' | b'+' | b'[' => b'_',
        _ => byte.to_ascii_lowercase(),
    }
}

/// Looked up, since each byte of each request's cookies is: that is a third of what it
/// costs to compare it with the ranges.
static PLAIN: [Plain; 256] = {
    let nowhere = Plain {
        in_name: false,
        in_value: false,
    };
    let mut table = [nowhere; 256];
    let mut byte = 0_u8;
    // The last one is plain nowhere.
    while byte < u8::MAX {
        table[byte as usize] = Plain {
            in_name: is_plain_in_name(byte),
            in_value: is_plain_in_value(byte),
        };
        byte += 1;
    }
    table
};

/// Where a byte is plain.
#[derive(Clone, Copy)]
struct Plain {
    in_name: bool,
    in_value: bool,
}

/// What RFC 6265bis §4.1.1 allows in a name, a token, without what some readers
/// divide at, quote with or decode: older PHPs read `+` as a space, and strip it.
const fn is_plain_in_name(byte: u8) -> bool {
    !matches!(byte, b'%' | b'+') && is_token_byte(byte) && is_plain_in_value(byte)
}

/// The same for a value.
const fn is_plain_in_value(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x25 | 0x28..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests;
