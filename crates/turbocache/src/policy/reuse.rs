//! May this stored response be used for this request, and how? RFC 9111 §4.

use std::time::{Duration, Instant};

use http::StatusCode;
use peregrine_core::{CacheStatus, ForwardReason};

use super::{directives::Wishes, freshness::Freshness, request::Asked};

/// The terms on which a stored response may be used again: all that its fields
/// said about it, read once, when it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true or not, independent of the others"
)]
pub(crate) struct Terms {
    pub(crate) freshness: Freshness,
    /// RFC 5861 §3: for how long it may be used stale while it is validated.
    pub(crate) stale_while_revalidate: Duration,
    /// RFC 5861 §4: for how long it may be used stale instead of an error. The
    /// policy's grace, if it says nothing.
    pub(crate) stale_if_error: Duration,
    /// §4.2.4: for how long it may be used stale if the connection to the origin
    /// breaks. The same, if it says something; else what the policy allows.
    pub(crate) stale_if_disconnected: Duration,
    /// §5.2.2.4, `no-cache`: never without validation.
    pub(crate) no_cache: bool,
    /// §5.2.2.2, §5.2.2.8, §5.2.2.10: never stale.
    pub(crate) must_revalidate: bool,
    /// RFC 8246: it does not change while it is fresh.
    pub(crate) immutable: bool,
    /// §3.5: it may be used for a request with `Authorization`.
    pub(crate) authorized: bool,
    /// Somebody asked for it to be validated before its time, but lets it be used
    /// until the answer is there.
    pub(crate) soft_purged: bool,
}

/// What to do with a selected stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Answer with it. It stays fresh for `ttl`.
    Fresh {
        /// What is left of its lifetime.
        ttl: Duration,
    },
    /// Answer with it, and validate it in the background (RFC 5861 §3).
    StaleWhileRevalidate {
        /// For how long it has been stale.
        staleness: Duration,
    },
    /// Answer with it, although it is stale: this client has asked for it
    /// (§5.2.1.2).
    Stale {
        /// For how long it has been stale.
        staleness: Duration,
    },
    /// Ask the origin whether it is still good (§4.3).
    Validate(NotFresh),
    /// It is not for this request. Send it on as if nothing were stored.
    Forward(NotFresh),
}

/// Why a stored response is not used without asking the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFresh {
    /// Its lifetime is over (§4.2).
    Stale,
    /// `no-cache` in the response (§5.2.2.4).
    NoCache,
    /// Somebody purged it, softly.
    Purged,
    /// The client asks for it: `no-cache`, `max-age` or `min-fresh` (§5.2.1).
    Request,
    /// The request has `Authorization`, and the response does not say that it is
    /// for everybody (§3.5).
    Authorization,
}

/// Why a stale response is not given in place of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoStale {
    /// The response forbids it: `must-revalidate`, `proxy-revalidate`,
    /// `s-maxage` or `no-cache` (§4.2.4).
    Forbidden,
    /// It has been stale for longer than it allows, or it allows nothing.
    TooStale,
}

impl NotFresh {
    /// The reason in RFC 9211's words.
    pub(crate) const fn forward_reason(self) -> ForwardReason {
        match self {
            Self::Stale | Self::NoCache | Self::Purged => ForwardReason::Stale,
            Self::Request => ForwardReason::Request,
            Self::Authorization => ForwardReason::Miss,
        }
    }
}

impl Terms {
    /// §4.2.3.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        self.freshness.age(now)
    }

    /// These terms from now on: to be validated at the next request, and to be
    /// used until the answer comes.
    pub(crate) const fn soft_purged(mut self) -> Self {
        self.soft_purged = true;
        self
    }

    /// `status` of a response that is stored on these terms, with what is left of its
    /// lifetime (RFC 9211 §2.5), or for how long it has been stale.
    pub(crate) fn say(&self, status: CacheStatus, now: Instant) -> CacheStatus {
        match self.freshness.ttl(now) {
            Some(ttl) => status.fresh_for(ttl),
            None => status.stale_for(self.freshness.staleness(now)),
        }
    }

    /// What to do with a response stored on these terms, for a request that
    /// selects it.
    ///
    /// This is also the question for a request that waits for a response which
    /// another one fetches: only `Fresh` and the two stale ones may be shared with
    /// it, since it did not ask the origin itself (RFC 9111 §4: "provided that it
    /// is allowed to reuse that response for the requests in question").
    pub(crate) fn reuse(&self, asked: Asked, now: Instant) -> Reuse {
        if asked.authorization && !self.authorized {
            return Reuse::Forward(NotFresh::Authorization);
        }
        if self.no_cache {
            return Reuse::Validate(NotFresh::NoCache);
        }
        let aged = self.freshness.at(now);
        let (ttl, staleness) = (aged.ttl(), aged.staleness());
        if self.disappoints(asked.wishes, ttl, aged.age) {
            return Reuse::Validate(NotFresh::Request);
        }
        match ttl {
            Some(_) if self.soft_purged && self.must_revalidate => {
                Reuse::Validate(NotFresh::Purged)
            }
            Some(_) if self.soft_purged => Reuse::StaleWhileRevalidate { staleness },
            Some(ttl) => Reuse::Fresh { ttl },
            // RFC 9111 §4.2.4: "A cache MUST NOT generate a stale response if it
            // is prohibited by an explicit in-protocol directive".
            None if self.must_revalidate => Reuse::Validate(NotFresh::Stale),
            None if staleness < self.stale_while_revalidate => {
                Reuse::StaleWhileRevalidate { staleness }
            }
            // RFC 9111 §5.2.1.2: "willing to accept a response that has exceeded
            // its freshness lifetime by no more than the specified number of
            // seconds".
            None if asked.wishes.max_stale.is_some_and(|most| staleness <= most) => {
                Reuse::Stale { staleness }
            }
            None => Reuse::Validate(NotFresh::Stale),
        }
    }

    /// Whether the client has asked for a younger one.
    fn disappoints(&self, wishes: Wishes, ttl: Option<Duration>, age: Duration) -> bool {
        // RFC 8246 §2: a fresh response that does not change is not validated
        // "unless there is a signal from the client that a validation is
        // necessary", which is what no-cache is, and a reload with max-age=0 not.
        let unchanged = self.immutable && ttl.is_some();
        // RFC 9111 §5.2.1.1: "Unless the max-stale request directive is also
        // present, the client does not wish to receive a stale response."
        let stale = ttl.is_none() && wishes.max_stale.is_none();
        wishes.no_cache
            || wishes
                .max_age
                .is_some_and(|most| !unchanged && (stale || age > most))
            || wishes
                .min_fresh
                .is_some_and(|least| ttl.unwrap_or_default() < least)
    }

    /// For how long it has been stale, if it may still be given because of a
    /// failure.
    pub(crate) fn stale_instead_of(
        &self,
        failure: Failure,
        now: Instant,
    ) -> Result<Duration, NoStale> {
        if self.no_cache || self.must_revalidate {
            return Err(NoStale::Forbidden);
        }
        let staleness = self.freshness.staleness(now);
        let most = match failure {
            Failure::Error => self.stale_if_error,
            Failure::Disconnected => self.stale_if_disconnected,
        };
        if staleness < most {
            Ok(staleness)
        } else {
            Err(NoStale::TooStale)
        }
    }
}

/// Why the origin gave no answer that could be given to a client instead of a
/// stale one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was not reached, or the connection broke (RFC 9111 §4.2.4:
    /// "disconnected").
    Disconnected,
    /// It answered with an error.
    Error,
}

impl Failure {
    /// What a response with this status is a failure of, if it is one; none at all
    /// is one, too.
    ///
    /// RFC 5861 §4: "an error is any situation that would result in a 500, 502,
    /// 503, or 504 HTTP response status code being returned". Of these, 502 and 504
    /// are what a gateway says of an origin that it could not hear (RFC 9110
    /// §15.6.3, §15.6.5).
    pub(crate) const fn of(status: Option<StatusCode>) -> Option<Self> {
        let Some(status) = status else {
            return Some(Self::Disconnected);
        };
        match status.as_u16() {
            502 | 504 => Some(Self::Disconnected),
            500 | 503 => Some(Self::Error),
            _ => None,
        }
    }
}

/// Whether a response with this status is a [`Failure`].
pub(crate) const fn is_error(status: StatusCode) -> bool {
    Failure::of(Some(status)).is_some()
}

#[cfg(test)]
mod tests;
