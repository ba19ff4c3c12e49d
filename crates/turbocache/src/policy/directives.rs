//! The `Cache-Control` field: RFC 9111 §5.2, RFC 5861, RFC 8246.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::list::{Directive, Members};

/// What a response tells caches, all lines of the field that counts together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each directive is there or not, independent of the others"
)]
pub(crate) struct Directives {
    /// There is at least one line of it.
    pub(crate) present: bool,
    /// It is not `Cache-Control`, but a field for caches like this one
    /// (RFC 9213), so that `Expires` and `Pragma` do not count, either.
    pub(crate) targeted: bool,
    /// §5.2.2.5.
    pub(crate) no_store: bool,
    /// §5.2.2.4.
    pub(crate) no_cache: Extent,
    /// §5.2.2.7.
    pub(crate) private: Extent,
    /// §5.2.2.9.
    pub(crate) public: bool,
    /// §5.2.2.2.
    pub(crate) must_revalidate: bool,
    /// §5.2.2.8.
    pub(crate) proxy_revalidate: bool,
    /// §5.2.2.3.
    pub(crate) must_understand: bool,
    /// RFC 8246.
    pub(crate) immutable: bool,
    /// §5.2.2.10.
    pub(crate) s_maxage: Seconds,
    /// §5.2.2.1.
    pub(crate) max_age: Seconds,
    /// RFC 5861 §3.
    pub(crate) stale_while_revalidate: Seconds,
    /// RFC 5861 §4.
    pub(crate) stale_if_error: Seconds,
    /// Something in it is not a directive. What was meant may have been a
    /// prohibition, so nothing may be stored on the strength of the rest.
    pub(crate) malformed: bool,
}

/// What of a response `no-cache` or `private` is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The directive is not there.
    #[default]
    Nothing,
    /// These fields of it.
    Fields(Vec<HeaderName>),
    /// All of it.
    Everything,
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

/// What a client wishes of caches (RFC 9111 §5.2.1). Nothing, by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// §5.2.1.5.
    pub(crate) no_store: bool,
    /// §5.2.1.4.
    pub(crate) no_cache: bool,
    /// §5.2.1.7.
    pub(crate) only_if_cached: bool,
    /// §5.2.1.1: how old the response may be.
    pub(crate) max_age: Option<Duration>,
    /// §5.2.1.3: for how long it has to stay fresh.
    pub(crate) min_fresh: Option<Duration>,
    /// §5.2.1.2: for how long it may have been stale.
    pub(crate) max_stale: Option<Duration>,
}

/// RFC 9111 §1.2.2: a value too great to hold counts as "2147483648 (2^31) or
/// the greatest positive integer that can be represented".
const GREATEST: u64 = 1 << 31;

impl Directives {
    /// Reads all `Cache-Control` lines of a response. Never fails: what cannot
    /// be read is [`malformed`](Self::malformed).
    pub(crate) fn parse<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> Self {
        let mut directives = Self::default();
        for line in lines {
            directives.present = true;
            for member in Members(line.as_bytes()) {
                directives.apply(Directive::read(member));
            }
        }
        directives
    }

    fn apply(&mut self, directive: Directive<'_>) {
        self.malformed |= directive.is_malformed();
        // A prohibition counts whatever is written behind it, a permission, too:
        // §5.2.2 has no arguments for them, and §5.2.3 lets caches ignore what
        // they do not understand, which is the argument here.
        for (name, flag) in [
            ("no-store", &mut self.no_store),
            ("public", &mut self.public),
            ("must-revalidate", &mut self.must_revalidate),
            ("proxy-revalidate", &mut self.proxy_revalidate),
            ("must-understand", &mut self.must_understand),
            ("immutable", &mut self.immutable),
        ] {
            *flag |= directive.is(name);
        }
        for (name, seconds) in [
            ("max-age", &mut self.max_age),
            ("s-maxage", &mut self.s_maxage),
            ("stale-while-revalidate", &mut self.stale_while_revalidate),
            ("stale-if-error", &mut self.stale_if_error),
        ] {
            if directive.is(name) {
                *seconds = seconds.and(Seconds::read(directive.text()));
            }
        }
        for (name, extent) in [
            ("no-cache", &mut self.no_cache),
            ("private", &mut self.private),
        ] {
            if directive.is(name) {
                extent.add(directive.text().map_or(Extent::Everything, Extent::of));
            }
        }
    }
}

impl Extent {
    /// What a directive is about whose argument is `#field-name`. If it names
    /// none, or something else, it is about everything.
    pub(super) fn of(argument: &[u8]) -> Self {
        let names = argument
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .filter(|name| !name.is_empty())
            .map(|name| HeaderName::from_bytes(name).ok())
            .collect::<Option<Vec<_>>>();
        match names {
            Some(names) if !names.is_empty() => Self::Fields(names),
            _ => Self::Everything,
        }
    }

    /// Adds what one more directive is about.
    fn add(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Fields(names), Self::Fields(more)) => names.extend(more),
            (Self::Everything, _) | (_, Self::Nothing) => {}
            (_, more) => *self = more,
        }
    }
}

impl Seconds {
    /// RFC 9111 §4.2.1: "When there is more than one value present for a given
    /// directive […] either the first occurrence should be used or the response
    /// should be considered stale", and caches "are encouraged to consider
    /// responses that have invalid freshness information […] to be stale".
    pub(super) fn and(self, next: Self) -> Self {
        match self {
            Self::Absent => next,
            same if same == next => same,
            _ => Self::Invalid,
        }
    }

    fn read(text: Option<&[u8]>) -> Self {
        text.and_then(delta_seconds)
            .map_or(Self::Invalid, Self::Given)
    }

    /// The same for a number that has been read already.
    pub(super) fn from_secs(seconds: i64) -> Self {
        u64::try_from(seconds).map_or(Self::Invalid, |seconds| {
            Self::Given(Duration::from_secs(seconds.min(GREATEST)))
        })
    }

    /// What it permits: nothing, if it cannot be read.
    pub(crate) fn given(self) -> Option<Duration> {
        match self {
            Self::Absent => None,
            Self::Given(seconds) => Some(seconds),
            Self::Invalid => Some(Duration::ZERO),
        }
    }
}

impl Wishes {
    /// Reads all `Cache-Control` lines of a request. What is unknown or cannot be
    /// read is ignored, as §5.2.3 asks: it is advice that we may do without.
    pub(crate) fn parse<'a>(lines: impl IntoIterator<Item = &'a HeaderValue>) -> Self {
        let mut wishes = Self::default();
        for line in lines {
            for member in Members(line.as_bytes()) {
                wishes.apply(Directive::read(member));
            }
        }
        wishes
    }

    fn apply(&mut self, directive: Directive<'_>) {
        for (name, flag) in [
            ("no-store", &mut self.no_store),
            ("no-cache", &mut self.no_cache),
            ("only-if-cached", &mut self.only_if_cached),
        ] {
            *flag |= directive.is(name);
        }
        let seconds = || directive.text().and_then(delta_seconds);
        if directive.is("max-age") {
            self.max_age = stricter(self.max_age, seconds());
        } else if directive.is("min-fresh") {
            self.min_fresh = self.min_fresh.max(seconds());
        } else if directive.is("max-stale") {
            // "If no value is assigned to max-stale, then the client will accept
            // a stale response of any age."
            let permitted = match directive.argument {
                None => Some(Duration::MAX),
                Some(_) => seconds(),
            };
            self.max_stale = stricter(self.max_stale, permitted);
        }
    }
}

/// The smaller of two that are there.
fn stricter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
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

#[cfg(test)]
mod tests;
