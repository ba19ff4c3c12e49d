//! What of the representation is to be sent? RFC 9110 §14.2.

use http::HeaderMap;

use super::{Span, field::requested, validator::if_range};

/// What a `GET` is to be given of a representation with which it would have been
/// answered by a 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All of it: a 200.
    Whole,
    /// One part: a 206.
    Single(Span),
    /// Several parts, in the order in which they were asked for: a 206 of type
    /// `multipart/byteranges`.
    Multipart(Vec<Span>),
    /// It has nothing of what was asked for: a 416.
    NotSatisfiable,
}

/// How many ranges one request may ask for. With more of them, it gets the whole
/// representation.
pub(crate) const MAX_RANGES: usize = 16;

/// Decides by the fields of a request, by those that are stored with the
/// representation, and by its complete `length`.
///
/// To be asked after the preconditions of RFC 9110 §13, and only for a `GET` whose
/// answer would be a 200 (§14.2: "A server MUST ignore a Range header field
/// received with a request method that is unrecognized or for which range handling
/// is not defined").
pub(crate) fn verdict(
    request: &HeaderMap,
    stored: &HeaderMap,
    length: u64,
    max_ranges: usize,
) -> Verdict {
    let Some(specs) = requested(request, max_ranges) else {
        return Verdict::Whole;
    };
    if !if_range(request, stored) {
        return Verdict::Whole;
    }
    let mut spans: Vec<_> = specs.iter().filter_map(|spec| spec.of(length)).collect();
    match spans[..] {
        // Nothing can be outside of an empty representation: no `Content-Range`
        // could say what was sent of it, so it is sent as a whole.
        [] if length == 0 && specs.iter().any(|spec| spec.of(1).is_some()) => Verdict::Whole,
        // RFC 9110 §15.5.17
        [] => Verdict::NotSatisfiable,
        // RFC 9110 §15.3.7.2: "A server MUST NOT generate a multipart response
        // to a request for a single range"; and one that is left of several
        // needs none.
        [span] => Verdict::Single(span),
        _ if overlap(&spans) => Verdict::Whole,
        // All of it, in pieces.
        _ if spans.iter().map(|span| span.len()).sum::<u64>() == length => Verdict::Whole,
        _ => {
            spans.shrink_to_fit();
            Verdict::Multipart(spans)
        }
    }
}

/// RFC 9110 §14.2 permits to ignore "more than two overlapping ranges"; no two of
/// them make sense, and without any, an answer is never much longer than the
/// representation.
fn overlap(spans: &[Span]) -> bool {
    let mut sorted = spans.to_vec();
    sorted.sort_unstable();
    sorted
        .windows(2)
        .any(|pair| pair[0].end() > pair[1].start())
}

#[cfg(test)]
mod tests;
