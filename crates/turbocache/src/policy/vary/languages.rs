//! `Accept-Language`, by its weights alone: RFC 9110 §12.5.4.
//!
//! Hardly two browsers list the same languages. The origin was offered some, and
//! `Content-Language` may say which of them it chose.
//!
//! - Languages of one weight have no order: that some recipients go by it "cannot
//!   be relied upon".
//! - A client that would have what the origin chose rather than any other is sent
//!   the same by every origin that goes by the weights. Whoever wishes another
//!   language as much is sent on, since the origin may fulfil that wish.
//!
//! There are origins that go by more than that, so it takes a policy that wants
//! this.

use http::{
    HeaderMap, HeaderName,
    header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE},
};

use super::{WEIGHT_OF_PIECE, are_few, members};

/// What the client wished for whom the origin chose, and what that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Languages {
    /// Each with its weight in thousandths.
    wished: Box<[Wish]>,
    /// `None` if it is not known, or not what was wished most: what is in `de` for
    /// one who asks for `de-CH` may not be what others get.
    chosen: Option<Box<[u8]>>,
}

type Wish = (Box<[u8]>, u16);

impl Languages {
    /// `None` if the field is not `Accept-Language`, or cannot be read: then only
    /// the same is the same.
    pub(super) fn of(name: &HeaderName, request: &HeaderMap, response: &HeaderMap) -> Option<Self> {
        if *name != ACCEPT_LANGUAGE || !are_few(wishes(request)) {
            return None;
        }
        let wished: Box<[Wish]> = wishes(request)
            .map(|wish| wish.map(|(language, weight)| (language.into(), weight)))
            .collect::<Option<_>>()?;
        let best = wished.iter().map(|(_, weight)| *weight).max();
        let mut languages = members(response, &CONTENT_LANGUAGE);
        let chosen = languages
            .next()
            .filter(|_| languages.next().is_none())
            .filter(|chosen| {
                let mut wished = wished.iter();
                wished.any(|(language, weight)| Some(*weight) == best && is(language, chosen))
            });
        Some(Self {
            chosen: chosen.map(Into::into),
            wished,
        })
    }

    /// Bytes that it takes in memory beside itself.
    pub(super) fn weight(&self) -> usize {
        let wish = |wish: &Wish| size_of_val(wish) + wish.0.len() + WEIGHT_OF_PIECE;
        let chosen = self.chosen.as_ref();
        let chosen = chosen.map_or(0, |chosen| chosen.len() + WEIGHT_OF_PIECE);
        self.wished.iter().map(wish).sum::<usize>() + chosen
    }

    /// Whether `request` wishes the same, or what the origin chose and nothing as
    /// much.
    pub(super) fn are_for(&self, request: &HeaderMap) -> bool {
        are_few(wishes(request))
            && (self.are_wished_by(request) || self.are_the_favourite_of(request))
    }

    fn are_wished_by(&self, request: &HeaderMap) -> bool {
        let is_wished = |(language, weight): (&[u8], u16)| {
            let mut wished = self.wished.iter();
            wished.any(|(other, same)| weight == *same && is(language, other))
        };
        wishes(request).all(|wish| wish.is_some_and(is_wished))
            && wishes(request).count() == self.wished.len()
            && self.wished.iter().all(|(language, weight)| {
                wishes(request)
                    .flatten()
                    .any(|(other, same)| *weight == same && is(language, other))
            })
    }

    fn are_the_favourite_of(&self, request: &HeaderMap) -> bool {
        let (Some(chosen), Some(best)) = (&self.chosen, best_weight(request)) else {
            return false;
        };
        let mut favourites = wishes(request)
            .flatten()
            .filter(|(_, weight)| *weight == best);
        favourites
            .next()
            .is_some_and(|(language, _)| is(language, chosen))
            && favourites.next().is_none()
    }
}

/// The greatest weight of all. `None` if there is none above zero, or if any
/// member cannot be read.
fn best_weight(request: &HeaderMap) -> Option<u16> {
    let best = wishes(request)
        .map(|wish| wish.map(|(_, weight)| weight))
        .try_fold(0, |best, weight| weight.map(|weight| best.max(weight)))?;
    (best > 0).then_some(best)
}

/// The members of `Accept-Language`, each with its weight in thousandths. `None`
/// for one that cannot be read.
fn wishes(request: &HeaderMap) -> impl Iterator<Item = Option<(&[u8], u16)>> {
    members(request, &ACCEPT_LANGUAGE).map(|member| {
        let mut parts = member.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let language = parts.next()?;
        let weight = match parts.next() {
            None => 1000,
            Some(weight) => weight_of(weight)?,
        };
        parts.next().is_none().then_some((language, weight))
    })
}

/// RFC 9110 §12.4.2: `"q=" qvalue`, with up to three digits after the point.
fn weight_of(parameter: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', whole @ (b'0' | b'1'), rest @ ..] = parameter else {
        return None;
    };
    let digits = match rest {
        [] => rest,
        [b'.', digits @ ..] if digits.len() <= 3 => digits,
        _ => return None,
    };
    let mut weight = u16::from(whole - b'0') * 1000;
    for (digit, worth) in digits.iter().zip([100, 10, 1]) {
        if !digit.is_ascii_digit() {
            return None;
        }
        weight += u16::from(digit - b'0') * worth;
    }
    (weight <= 1000).then_some(weight)
}

/// RFC 5646 §2.1.1: tags are "to be treated as case insensitive".
fn is(language: &[u8], other: &[u8]) -> bool {
    language.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests;
