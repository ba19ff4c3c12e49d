//! Parts of a representation: RFC 9110 §14, RFC 9111 §3.3 and §3.4.
//!
//! Like `policy`, this is pure: fields and bytes go in, a verdict and slices of
//! these bytes come out. The way of a request is
//!
//! 1. [`verdict::verdict`]: what of the representation is asked for, `If-Range` included;
//! 2. where only parts of it are stored, [`fragments::Fragments::reuse`]: is that at hand,
//!    or what is missing;
//! 3. [`verdict::Verdict::answer`]: the head and the body of the response.
//!
//! Only the unit `bytes` is understood. Whatever is strange about a `Range`
//! field, it is ignored and the whole representation sent, as RFC 9110 §14.2
//! permits everywhere: nobody is worse off than without the field.

pub(crate) mod answer;
pub(crate) mod field;
pub(crate) mod fragments;
pub(crate) mod validator;
pub(crate) mod verdict;

/// The bytes from `start` to before `end` of a representation. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    start: u64,
    end: u64,
}

impl Span {
    /// `None` if there is nothing between them.
    pub(crate) const fn new(start: u64, end: u64) -> Option<Self> {
        if start < end {
            Some(Self { start, end })
        } else {
            None
        }
    }

    pub(crate) const fn start(self) -> u64 {
        self.start
    }

    /// The first byte that is not part of it.
    pub(crate) const fn end(self) -> u64 {
        self.end
    }

    pub(crate) const fn len(self) -> u64 {
        self.end - self.start
    }

    /// What both have in common.
    fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }

    /// As positions in something that is `origin` bytes into the representation,
    /// and in memory, so that its length is no more than a `usize` holds.
    fn within(self, origin: u64) -> std::ops::Range<usize> {
        let position =
            |at: u64| usize::try_from(at - origin).expect("what is in memory has such a length");
        position(self.start)..position(self.end)
    }
}
