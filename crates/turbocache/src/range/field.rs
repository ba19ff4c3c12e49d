//! The fields `Range` and `Content-Range`: RFC 9110 §14.1, §14.2, §14.4.

use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_RANGE, RANGE},
};

use super::Span;

/// One member of a `Range` field (RFC 9110 §14.1.2), still without a
/// representation to which it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RangeSpec {
    /// `first-last`; the last one is included.
    Between(u64, u64),
    /// `first-`
    From(u64),
    /// `-length`
    Suffix(u64),
}

impl RangeSpec {
    fn parse(text: &[u8]) -> Option<Self> {
        let hyphen = text.iter().position(|byte| *byte == b'-')?;
        match (&text[..hyphen], &text[hyphen + 1..]) {
            (b"", length) => Some(Self::Suffix(number(length)?)),
            (first, b"") => Some(Self::From(number(first)?)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                // RFC 9110 §14.1.1: "An int-range is invalid if the last-pos
                // value is present and less than first-pos."
                (first <= last).then_some(Self::Between(first, last))
            }
        }
    }

    /// What it selects of a representation of `length` bytes, or `None` if that
    /// is nothing (RFC 9110 §14.1.2).
    pub(super) fn of(self, length: u64) -> Option<Span> {
        match self {
            Self::Between(first, last) => Span::new(first, last.saturating_add(1).min(length)),
            Self::From(first) => Span::new(first, length),
            // "If the selected representation is shorter than the specified
            // suffix-length, the entire representation is used."
            Self::Suffix(suffix) => Span::new(length.saturating_sub(suffix), length),
        }
    }
}

/// What the `Range` field of `request` asks for, in its order. `None` if there is
/// no such field, or one to be ignored: another unit, something that is not a
/// range, several fields, or more than `max` ranges.
pub(super) fn requested(request: &HeaderMap, max: usize) -> Option<Vec<RangeSpec>> {
    let mut lines = request.get_all(RANGE).iter();
    let line = lines.next()?.as_bytes();
    // It is no list field: two lines are two answers to one question.
    if lines.next().is_some() {
        return None;
    }
    let equals = line.iter().position(|byte| *byte == b'=')?;
    // RFC 9110 §14.1: "Range unit names are case-insensitive."
    if !line[..equals].eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let mut specs = Vec::new();
    for member in line[equals + 1..].split(|byte| *byte == b',') {
        let member = member.trim_ascii();
        // RFC 9110 §5.6.1.2: "a recipient MUST parse and ignore a reasonable
        // number of empty list elements".
        if member.is_empty() {
            continue;
        }
        if specs.len() == max {
            return None;
        }
        specs.push(RangeSpec::parse(member)?);
    }
    (!specs.is_empty()).then_some(specs)
}

/// Where in the representation the content of a 206 belongs (RFC 9110 §14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// Which bytes it says that it brings.
    pub(crate) span: Span,
    /// How many bytes the whole representation has.
    pub(crate) length: u64,
}

impl ContentRange {
    /// What the one `Content-Range` field says. `None` if there is none, several,
    /// another unit, a contradiction, or if the complete length is not told
    /// (`*`): without it there is no telling what a suffix is, or what is missing.
    pub(crate) fn of(response: &HeaderMap) -> Option<Self> {
        let mut lines = response.get_all(CONTENT_RANGE).iter();
        let line = lines.next()?.as_bytes();
        if lines.next().is_some() {
            return None;
        }
        let space = line.iter().position(|byte| *byte == b' ')?;
        if !line[..space].eq_ignore_ascii_case(b"bytes") {
            return None;
        }
        let line = &line[space + 1..];
        let slash = line.iter().position(|byte| *byte == b'/')?;
        let (range, length) = (&line[..slash], number(&line[slash + 1..])?);
        let hyphen = range.iter().position(|byte| *byte == b'-')?;
        let (first, last) = (number(&range[..hyphen])?, number(&range[hyphen + 1..])?);
        // RFC 9110 §14.4: "invalid if it contains a range-resp that has a
        // last-pos value less than its first-pos value, or a complete-length
        // value less than or equal to its last-pos value".
        if length <= last {
            return None;
        }
        let span = Span::new(first, last + 1)?;
        Some(Self { span, length })
    }

    /// The same for content of `length` bytes, if that is shorter than it says.
    ///
    /// This is not content that broke off, which is shorter than its own
    /// `Content-Length`. There are origins that count their last byte wrong: where
    /// the part begins and how many bytes there are is what can be relied upon.
    /// One that says that it reaches to the end ends the representation; but not one that
    /// says that it is all of it, and is not.
    pub(crate) fn cut_to(self, length: u64) -> Option<Self> {
        let Self { span, length: of } = self;
        let end = span.start().saturating_add(length).min(span.end());
        Some(Self {
            span: Span::new(span.start(), end)?,
            length: if span.end() == of && span.start() > 0 {
                end
            } else {
                of
            },
        })
    }

    /// The field for a part that is sent.
    pub(super) fn field(self) -> HeaderValue {
        text(&self.to_string())
    }

    /// The field of a 416: how long the representation is that has nothing of
    /// what was asked for (RFC 9110 §15.5.17).
    pub(super) fn unsatisfied(length: u64) -> HeaderValue {
        text(&format!("bytes */{length}"))
    }
}

impl std::fmt::Display for ContentRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { span, length } = self;
        write!(f, "bytes {}-{}/{length}", span.start(), span.end() - 1)
    }
}

/// A `Range` field that asks for `span` of a representation of `length` bytes.
pub(super) fn ask_for(span: Span, length: u64) -> HeaderValue {
    if span.end() == length {
        text(&format!("bytes={}-", span.start()))
    } else {
        text(&format!("bytes={}-{}", span.start(), span.end() - 1))
    }
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("digits and punctuation")
}

/// `1*DIGIT`. RFC 9110 §14.1.2: "recipients ought to anticipate potentially
/// large decimal numerals and prevent parsing errors due to integer conversion
/// overflows": too great is as great as can be.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_u64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    Some(number)
}

#[cfg(test)]
mod tests;
