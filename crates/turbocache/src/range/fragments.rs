//! What is stored of a representation that did not come as a whole: RFC 9111
//! §3.3 and §3.4.

use bytes::{Bytes, BytesMut};
use http::HeaderValue;

use super::{
    Span,
    answer::{Pieces, Representation},
    field::{self, ContentRange},
    verdict::Verdict,
};

/// Parts of one representation, each at its place.
///
/// Whose parts they are is for the caller to know: only what has the same
/// [`StrongValidator`](super::validator::StrongValidator) may come together here (RFC 9110
/// §15.3.7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragments {
    /// Of the whole representation.
    length: u64,
    /// In order, without overlaps; each begins where it says and has no holes.
    fragments: Vec<Fragment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fragment {
    span: Span,
    bytes: Bytes,
}

/// Why a part was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is of something with another length, so not of this.
    Length,
    /// It brought more than it said, or nothing.
    Content,
    /// There are too many holes between what is stored already.
    TooScattered,
}

/// In how many pieces one representation may be. Neighbours are joined when there
/// are more, which copies them; what has that many holes is not worth keeping.
const MAX_FRAGMENTS: usize = 64;

impl Fragments {
    /// Nothing yet of a representation of `length` bytes.
    pub(crate) const fn new(length: u64) -> Self {
        Self {
            length,
            fragments: Vec::new(),
        }
    }

    /// Adds the content of a 206 that is at `range`; or what came of a 200 before
    /// it broke off, which is the range from 0.
    ///
    /// Content that is shorter than `range` was broken off, and counts for as far
    /// as it goes (RFC 9111 §3.3: "as if it were an incomplete 200").
    ///
    /// Where it overlaps with what is there, what is there stays: of one
    /// representation, it is the same. Nothing is copied unless it has to be.
    pub(crate) fn insert(&mut self, range: ContentRange, content: &Bytes) -> Result<(), Refused> {
        if range.length != self.length {
            return Err(Refused::Length);
        }
        let start = range.span.start();
        let span = Span::new(start, start.saturating_add(content.len() as u64))
            .filter(|span| span.end() <= range.span.end())
            .ok_or(Refused::Content)?;
        let mut fragments = self.fragments.clone();
        for hole in self.holes(span) {
            let bytes = if hole == span {
                content.clone()
            } else {
                // A slice would keep all of the content in memory.
                Bytes::copy_from_slice(&content[hole.within(start)])
            };
            fragments.push(Fragment { span: hole, bytes });
        }
        fragments.sort_unstable_by_key(|fragment| fragment.span);
        if fragments.len() > MAX_FRAGMENTS {
            fragments = joined(&fragments);
        }
        if fragments.len() > MAX_FRAGMENTS {
            return Err(Refused::TooScattered);
        }
        self.fragments = fragments;
        Ok(())
    }

    /// How many bytes are stored.
    pub(crate) fn stored(&self) -> u64 {
        self.fragments.iter().map(|part| part.span.len()).sum()
    }

    /// All of it in one piece, which is a copy, if nothing is missing: from now
    /// on it is a complete 200 (RFC 9111 §3.4).
    pub(crate) fn complete(&self) -> Option<Bytes> {
        if self.stored() < self.length {
            return None;
        }
        // Of an empty representation, there are no fragments.
        let whole = joined(&self.fragments).pop();
        Some(whole.map_or_else(Bytes::new, |fragment| fragment.bytes))
    }

    /// Whether what is stored is enough for `verdict`, and if it is not, what has
    /// to be fetched for it: one span without what is there at both its ends.
    ///
    /// RFC 9111 §3.3: "A cache MUST NOT use an incomplete response to answer
    /// requests unless the response has been made complete, or the request is
    /// partial and specifies a range wholly within the incomplete response."
    pub(crate) fn reuse(&self, verdict: Verdict) -> Result<Verdict, Span> {
        let missing = match &verdict {
            Verdict::NotSatisfiable => None,
            Verdict::Whole => Span::new(0, self.length).and_then(|all| self.missing(&[all])),
            Verdict::Single(span) => self.missing(&[*span]),
            Verdict::Multipart(spans) => self.missing(spans),
        };
        match missing {
            None => Ok(verdict),
            Some(span) => Err(span),
        }
    }

    /// The `Range` field of a request for what [`reuse`](Self::reuse) misses. It
    /// goes with an `If-Range`, without which the answer may not fit in here.
    pub(crate) fn ask_for(&self, missing: Span) -> HeaderValue {
        field::ask_for(missing, self.length)
    }

    /// From the first to the last byte that is missing of `spans`.
    fn missing(&self, spans: &[Span]) -> Option<Span> {
        let holes = || spans.iter().flat_map(|span| self.holes(*span));
        let start = holes().map(Span::start).min()?;
        let end = holes().map(Span::end).max()?;
        Span::new(start, end)
    }

    /// What of `span` is not stored.
    fn holes(&self, span: Span) -> Vec<Span> {
        let mut holes = Vec::new();
        let mut at = span.start();
        for stored in self.of(span) {
            holes.extend(Span::new(at, stored.span.start()));
            at = stored.span.end();
        }
        holes.extend(Span::new(at, span.end()));
        holes
    }

    /// The fragments that have something of `span`.
    fn of(&self, span: Span) -> &[Fragment] {
        let first = self
            .fragments
            .partition_point(|fragment| fragment.span.end() <= span.start());
        let last = self
            .fragments
            .partition_point(|fragment| fragment.span.start() < span.end());
        &self.fragments[first..last.max(first)]
    }
}

/// The same with each run of neighbours in one piece of memory.
fn joined(fragments: &[Fragment]) -> Vec<Fragment> {
    fragments
        .chunk_by(|one, next| one.span.end() == next.span.start())
        .filter_map(|run| {
            let (first, last) = (run.first()?, run.last()?);
            let span = Span::new(first.span.start(), last.span.end())?;
            let bytes = if let [only] = run {
                only.bytes.clone()
            } else {
                let mut bytes = BytesMut::with_capacity(span.within(span.start()).len());
                for fragment in run {
                    bytes.extend_from_slice(&fragment.bytes);
                }
                bytes.freeze()
            };
            Some(Fragment { span, bytes })
        })
        .collect()
}

/// To be read only where [`Fragments::reuse`] has found nothing missing.
impl Representation for Fragments {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, span: Span, pieces: &mut Pieces) {
        for fragment in self.of(span) {
            if let Some(part) = fragment.span.intersection(span) {
                pieces.push(fragment.bytes.slice(part.within(fragment.span.start())));
            }
        }
    }
}

#[cfg(test)]
mod tests;
