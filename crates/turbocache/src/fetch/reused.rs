use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, StatusCode};
use peregrine_core::{CacheStatus, ForwardReason};

use crate::{
    key::{search_variance::SearchVariance, variances::Keys},
    policy::{
        request::Asked,
        reuse::{Failure, Reuse},
        storable::NotStored,
    },
    store::Entry,
};

/// A stored response that is the answer to a request that went forward.
#[derive(Clone)]
pub(crate) struct Reused {
    pub(crate) entry: Arc<Entry>,
    /// What the inner service answered, if it did.
    pub(super) answered: Option<StatusCode>,
    pub(super) by: By,
    /// Whose answer it is, and which differences between queries do not matter.
    pub(super) keys: Keys,
    pub(super) variance: Option<SearchVariance>,
}

/// Why a stored response is the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// It is still good, and stored anew.
    Validation,
    /// Another request, which set out later, has brought it meanwhile.
    Another,
    /// There is no better one, though it has been stale for so long.
    Failure(Failure, Duration),
    /// It is still good, but for the one who asked alone.
    Favour(NotStored),
}

impl Reused {
    /// Whether one who waited for the same answer may have it, too.
    pub(crate) fn is_for(
        &self,
        keys: &Keys,
        asked: Asked,
        headers: &HeaderMap,
        now: Instant,
    ) -> bool {
        let head = &self.entry.head;
        keys.may_share(&self.keys, self.variance.as_ref())
            && head.matches(headers)
            && match self.by {
                By::Validation | By::Another => {
                    matches!(head.terms().reuse(asked, now), Reuse::Fresh { .. })
                }
                By::Failure(failure, _) => head.terms().stale_instead_of(failure, now).is_ok(),
                By::Favour(_) => false,
            }
    }

    /// What there is to say of it to one who went forward for `why`; and whether
    /// it was this request that it is `stored` for.
    pub(crate) fn status(&self, why: ForwardReason, leads: bool, now: Instant) -> CacheStatus {
        let status = CacheStatus::forward(why);
        let status = match self.answered {
            Some(answered) => status.answered(answered),
            None => status,
        };
        let status = match self.by {
            By::Validation if leads => self.entry.head.terms().say(status.stored(), now),
            By::Validation | By::Another => status,
            By::Failure(_, staleness) => status.stale_for(staleness).because("stale-if-error"),
            By::Favour(reason) => status.because(reason.as_str()),
        };
        if leads { status } else { status.collapsed() }
    }

    /// Whether it is given although it is stale.
    pub(crate) const fn is_stale(&self) -> bool {
        matches!(self.by, By::Failure(..))
    }
}
