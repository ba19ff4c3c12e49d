//! The `Cache-Control` field: RFC 9111 §5.2.

use std::time::Duration;

use http::HeaderValue;

/// What the `Cache-Control` lines of one message say, all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each directive is there or not, independent of the others"
)]
pub(crate) struct Directives {
    /// There is at least one `Cache-Control` line.
    pub(crate) present: bool,
    /// §5.2.1.5, §5.2.2.5.
    pub(crate) no_store: bool,
    /// §5.2.2.4, whether or not it names fields: a cache that knows only the
    /// unqualified form must treat both alike.
    pub(crate) no_cache: bool,
    /// §5.2.2.7, whether or not it names fields.
    pub(crate) private: bool,
    /// §5.2.2.10.
    pub(crate) s_maxage: Seconds,
    /// §5.2.2.1.
    pub(crate) max_age: Seconds,
    /// Something in it is not a directive. What was meant may have been a
    /// prohibition, so nothing may be stored on the strength of the rest.
    pub(crate) malformed: bool,
}

/// The argument of a directive that takes delta-seconds (RFC 9111 §1.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seconds {
    /// The directive is not there.
    #[default]
    Absent,
    /// It is there, once, or several times with one value.
    Given(Duration),
    /// It is no number, or several different ones.
    Invalid,
}

/// RFC 9111 §1.2.2: a value too great to hold counts as "2147483648 (2^31) or
/// the greatest positive integer that can be represented".
const GREATEST: u64 = 1 << 31;

impl Directives {
    /// Reads all `Cache-Control` lines of a message. Never fails: what cannot
    /// be read is [`malformed`](Self::malformed).
    pub(crate) fn parse<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> Self {
        let mut directives = Self::default();
        for line in lines {
            directives.present = true;
            for member in Members(line.as_bytes()) {
                directives.apply(member);
            }
        }
        directives
    }

    fn apply(&mut self, member: &[u8]) {
        let (name, argument) = match member.iter().position(|byte| *byte == b'=') {
            Some(at) => (&member[..at], Some(&member[at + 1..])),
            None => (member, None),
        };
        let argument = argument.map(Argument::read);
        if !is_token(name) || matches!(argument, Some(Argument::Malformed)) {
            self.malformed = true;
        }
        let is = |directive: &[u8]| name.eq_ignore_ascii_case(directive);
        if is(b"no-store") {
            self.no_store = true;
        } else if is(b"no-cache") {
            self.no_cache = true;
        } else if is(b"private") {
            self.private = true;
        } else if is(b"max-age") {
            self.max_age = self.max_age.and(argument);
        } else if is(b"s-maxage") {
            self.s_maxage = self.s_maxage.and(argument);
        }
    }
}

impl Seconds {
    /// RFC 9111 §4.2.1: "When there is more than one value present for a given
    /// directive […] either the first occurrence should be used or the response
    /// should be considered stale", and caches "are encouraged to consider
    /// responses that have invalid freshness information […] to be stale".
    fn and(self, argument: Option<Argument<'_>>) -> Self {
        let next = match argument {
            Some(Argument::Text(digits)) => Self::read(digits),
            Some(Argument::Malformed) | None => Self::Invalid,
        };
        match self {
            Self::Absent => next,
            same if same == next => same,
            _ => Self::Invalid,
        }
    }

    fn read(digits: &[u8]) -> Self {
        match delta_seconds(digits) {
            Some(seconds) => Self::Given(seconds),
            None => Self::Invalid,
        }
    }
}

/// RFC 9111 §1.2.2: `delta-seconds = 1*DIGIT`. Too great is not invalid.
pub(crate) fn delta_seconds(digits: &[u8]) -> Option<Duration> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = digits.iter().fold(0_u64, |sum, digit| {
        (sum * 10 + u64::from(digit - b'0')).min(GREATEST)
    });
    Some(Duration::from_secs(seconds))
}

/// What stands behind the `=`. RFC 9111 §5.2: "recipients ought to accept both
/// forms", token and quoted-string.
#[derive(Clone, Copy)]
enum Argument<'a> {
    /// The token, or what is between the quotes, escapes and all: no directive
    /// that is read here has a use for them.
    Text(&'a [u8]),
    Malformed,
}

impl<'a> Argument<'a> {
    fn read(raw: &'a [u8]) -> Self {
        if is_token(raw) {
            return Self::Text(raw);
        }
        match raw {
            [b'"', inner @ .., b'"'] if is_quoted(inner) => Self::Text(inner),
            _ => Self::Malformed,
        }
    }
}

/// Whether `inner` may stand between two quotes (RFC 9110 §5.6.4): no quote
/// that is not escaped, and no escape without something behind it.
fn is_quoted(inner: &[u8]) -> bool {
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return false,
            b'\\' if bytes.next().is_none() => return false,
            _ => {}
        }
    }
    true
}

/// RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// The members of a comma-separated list (RFC 9110 §5.6.1), without the white
/// space around them; empty ones are skipped. A comma between quotes does not
/// separate. A quote that is never closed takes the rest of the line with it,
/// and the member that results is malformed.
struct Members<'a>(&'a [u8]);

impl<'a> Iterator for Members<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if self.0.is_empty() {
                return None;
            }
            let end = end_of_member(self.0);
            let member = self.0[..end].trim_ascii();
            self.0 = self.0.get(end + 1..).unwrap_or_default();
            if !member.is_empty() {
                return Some(member);
            }
        }
    }
}

fn end_of_member(line: &[u8]) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    line.len()
}

#[cfg(test)]
mod tests;
