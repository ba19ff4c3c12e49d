//! Entity tags: RFC 9110 §8.8.3.

use http::{HeaderMap, header::ETAG};

/// `entity-tag = [ weak ] opaque-tag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntityTag<'a> {
    /// As it is written: `W/"…"` or `"…"`.
    whole: &'a [u8],
    weak: bool,
}

impl<'a> EntityTag<'a> {
    /// Of a response. `None` if there is none, several, or one that is not
    /// quoted: nobody could send that back in a list.
    pub(super) fn of(response: &'a HeaderMap) -> Option<Self> {
        let mut lines = response.get_all(ETAG).iter();
        let line = lines.next()?.as_bytes().trim_ascii();
        let (etag, rest) = Self::parse(line)?;
        (rest.is_empty() && lines.next().is_none()).then_some(etag)
    }

    /// The one that `text` begins with, and what follows it. `W/` has a case.
    fn parse(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let weak = text.starts_with(b"W/");
        let start = if weak { 2 } else { 0 };
        let inner = text.get(start..)?.strip_prefix(b"\"")?;
        // `etagc = %x21 / %x23-7E / obs-text`
        let length = inner
            .iter()
            .position(|byte| !matches!(byte, 0x21 | 0x23..=0x7E | 0x80..))?;
        if inner[length] != b'"' {
            return None;
        }
        let (whole, rest) = text.split_at(start + 1 + length + 1);
        Some((Self { whole, weak }, rest))
    }

    pub(super) const fn is_strong(self) -> bool {
        !self.weak
    }

    /// RFC 9110 §8.8.3.2: "two entity tags are equivalent if their opaque-tags
    /// match character-by-character, regardless of either or both being tagged as
    /// "weak"".
    pub(super) fn weakly_equals(self, other: Self) -> bool {
        self.opaque() == other.opaque()
    }

    /// As it is written.
    pub(super) const fn as_bytes(self) -> &'a [u8] {
        self.whole
    }

    fn opaque(self) -> &'a [u8] {
        &self.whole[if self.weak { 2 } else { 0 }..]
    }
}

/// The entity tags in one line of `If-None-Match`, `#entity-tag`. What is no
/// entity tag is passed over, up to the next comma; a comma within a tag does not
/// separate.
pub(super) struct List<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for List<'a> {
    type Item = EntityTag<'a>;

    fn next(&mut self) -> Option<EntityTag<'a>> {
        while !self.0.is_empty() {
            let text = self.0.trim_ascii_start();
            let parsed = EntityTag::parse(text);
            let rest = parsed.map_or(text, |(_, rest)| rest);
            let comma = rest.iter().position(|byte| *byte == b',');
            let (between, after) = match comma {
                Some(comma) => (&rest[..comma], &rest[comma + 1..]),
                None => (rest, &[][..]),
            };
            self.0 = after;
            if let Some((etag, _)) = parsed
                && between.trim_ascii().is_empty()
            {
                return Some(etag);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
