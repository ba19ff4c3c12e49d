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

use std::time::Duration;

pub(crate) mod directives;
pub(crate) mod freshness;
pub(crate) mod invalidation;
pub(crate) mod request;
pub(crate) mod reuse;
pub(crate) mod storable;
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
    /// §3.5: look requests with `Authorization` up, and store what comes.
    pub(crate) authorization: bool,
    /// §5.2.2.4, §5.2.2.7: store what `no-cache` and `private` with field names
    /// leave of a response.
    pub(crate) qualified: bool,
    /// §3.3, §3.4: store parts of a response, and put them together.
    pub(crate) partial: bool,
    /// §5.2.1: let a client ask for a younger response, or for none at all.
    pub(crate) request_directives: bool,
    /// §4.2.4: for how long a stale response is given if the origin cannot be
    /// reached, and nothing forbids it. Zero: only where the origin allows it.
    pub(crate) grace: Duration,
}

impl Policy {
    /// Stores what says that it may be stored, and nothing on a guess.
    pub(crate) const fn conservative() -> Self {
        Self {
            heuristic_freshness: false,
            authorization: false,
            qualified: false,
            partial: false,
            request_directives: false,
            grace: Duration::ZERO,
        }
    }

    /// Stores whatever RFC 9111 permits and is safe to give to anyone.
    pub(crate) const fn standard() -> Self {
        Self {
            heuristic_freshness: true,
            authorization: true,
            qualified: true,
            partial: true,
            request_directives: false,
            grace: Duration::ZERO,
        }
    }
}
