//! `Accept-Encoding`, reduced to what the origin offers: RFC 9110 §12.5.3.
//!
//! Hardly two kinds of browsers send the same `Accept-Encoding`, while an origin
//! has two or three encodings of a page. It was asked with some of them to choose
//! from, and chose; a client that accepts its choice, and nothing that the origin
//! was not offered, would get the same from it. Whoever accepts more is sent
//! on, since the origin may have something better for him.

use http::{
    HeaderMap, HeaderName,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING},
};

use super::{WEIGHT_OF_PIECE, are_few, members};

/// What the origin had to choose from, and what it chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Codings {
    offered: Box<[Box<[u8]>]>,
    /// None of them for a response that is not encoded.
    chosen: Box<[Box<[u8]>]>,
}

impl Codings {
    /// `None` if the field is not `Accept-Encoding`, or if it says more than
    /// which codings are acceptable: then, only the same is the same.
    pub(super) fn of(name: &HeaderName, request: &HeaderMap, response: &HeaderMap) -> Option<Self> {
        let chosen = || members(response, &CONTENT_ENCODING);
        if *name != ACCEPT_ENCODING || !are_few(accepted(request)) || !are_few(chosen()) {
            return None;
        }
        let offered = accepted(request)
            .map(|coding| coding.map(<[u8]>::to_ascii_lowercase).map(Into::into))
            .collect::<Option<_>>()?;
        let chosen = chosen()
            .filter(|coding| !is(coding, b"identity"))
            .map(|coding| canonical(coding).to_ascii_lowercase().into())
            .collect();
        Some(Self { offered, chosen })
    }

    /// Bytes that it takes in memory beside itself.
    pub(super) fn weight(&self) -> usize {
        let codings = self.offered.iter().chain(&self.chosen);
        let lengths = codings.map(|coding| coding.len());
        lengths
            .map(|length| size_of::<Box<[u8]>>() + length + WEIGHT_OF_PIECE)
            .sum()
    }
}

/// Whether `request` accepts what the origin chose, and nothing else than it had
/// to choose from.
pub(super) fn is_among(request: &HeaderMap, codings: &Codings) -> bool {
    let nothing_new = are_few(accepted(request))
        && accepted(request).all(|coding| {
            coding.is_some_and(|coding| codings.offered.iter().any(|offered| is(coding, offered)))
        });
    nothing_new
        && codings.chosen.iter().all(|chosen| {
            accepted(request).any(|coding| coding.is_some_and(|coding| is(coding, chosen)))
        })
}

/// The codings that `request` accepts beside none at all, which everyone does.
/// `None` for a member that says more than that: a weight, `*`, or that an
/// unencoded response will not do.
fn accepted(request: &HeaderMap) -> impl Iterator<Item = Option<&[u8]>> {
    members(request, &ACCEPT_ENCODING)
        .filter(|member| !is(member, b"identity"))
        .map(|member| {
            let plain = !member.contains(&b';') && member != b"*";
            plain.then(|| canonical(member))
        })
}

/// RFC 9110 §8.4.1: a recipient should consider "x-gzip" to be equivalent to
/// "gzip", and "x-compress" to "compress".
fn canonical(coding: &[u8]) -> &[u8] {
    if is(coding, b"x-gzip") || is(coding, b"x-compress") {
        &coding[2..]
    } else {
        coding
    }
}

/// RFC 9110 §8.4.1: "All content codings are case-insensitive".
fn is(coding: &[u8], other: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(other)
}
