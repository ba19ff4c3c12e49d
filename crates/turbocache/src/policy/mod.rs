//! What RFC 9111 lets a shared cache do, as pure functions.
//!
//! Nothing here waits, locks or reads a clock: values go in, `now` among them,
//! and an answer comes out whose refusals have names. One file for each
//! question, each with its table of cases.
//!
//! | question | asked | file | RFC 9111 |
//! |---|---|---|---|
//! | May this request be looked up? | of each request | [`request`] | §4, §5.2.1 |
//! | Is this stored response the one that it selects? | of each variant | [`vary`] | §4.1 |
//! | May it be used as it is, or must it be validated? | of the selected one | [`reuse`] | §4.2, §4.2.4 |
//! | Does the client have it already? | before it is sent | [`validation`] | §4.3.2 |
//! | How is it validated, and what does a 304 change? | when it is stale | [`validation`] | §4.3 |
//! | May this response be stored? | of each answer | [`storable`] | §3 |
//! | What does this request make invalid? | of each unsafe one | [`invalidation`] | §4.4 |

use std::{sync::Arc, time::Duration};

use http::{HeaderName, header::CDN_CACHE_CONTROL};

pub(crate) mod directives;
pub(crate) mod freshness;
pub(crate) mod invalidation;
pub(crate) mod list;
pub(crate) mod request;
pub(crate) mod reuse;
pub(crate) mod storable;
pub(crate) mod targeted;
pub(crate) mod validation;
pub(crate) mod vary;

/// What one cache does where RFC 9111 leaves the choice.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each choice is made or not, independent of the others"
)]
pub(crate) struct Policy {
    /// §4.2.2: give a lifetime to what has none.
    pub(crate) heuristic_freshness: bool,
    /// §3.5: look requests with `Authorization` up, and store what comes if it
    /// says that it is for everybody.
    pub(crate) authorization: bool,
    /// §5.2.2.4, §5.2.2.7: store what `no-cache` and `private` with field names
    /// leave of a response. Otherwise, they count as if they named none.
    pub(crate) qualified: bool,
    /// §3.3, §3.4: store parts of a response, and put them together.
    pub(crate) partial: bool,
    /// §5.2.1: let a client ask for a younger response than there is, for a stale
    /// one, or for none that is not stored.
    pub(crate) request_directives: bool,
    /// §4.2.4: for how long a stale response is given if the origin cannot be
    /// reached, and the response says nothing about it. Zero: never.
    pub(crate) grace: Duration,
    /// RFC 9213 §2.2: the fields that are for this cache, the first one first.
    pub(crate) target_list: Arc<[HeaderName]>,
}

impl Policy {
    /// Stores what says that it may be stored, and nothing on a guess.
    pub(crate) fn conservative() -> Self {
        Self {
            heuristic_freshness: false,
            authorization: false,
            qualified: false,
            partial: false,
            request_directives: false,
            grace: Duration::ZERO,
            target_list: Arc::new([CDN_CACHE_CONTROL]),
        }
    }

    /// Stores whatever RFC 9111 permits and is safe to give to anyone.
    pub(crate) fn standard() -> Self {
        Self {
            heuristic_freshness: true,
            authorization: true,
            qualified: true,
            partial: true,
            ..Self::conservative()
        }
    }
}
