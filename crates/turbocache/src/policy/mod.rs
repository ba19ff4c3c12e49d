//! What RFC 9111 lets a shared cache do, as pure functions.
//!
//! Nothing here waits, locks or reads a clock: values go in, `now` among them,
//! and an answer comes out whose refusals have names. One file for each
//! question, each with its table of cases.
//!
//! | question | file | RFC 9111 |
//! |---|---|---|
//! | May this request be looked up? | [`request`] | §4, §5.2.1 |
//! | May the application read it in another way? | [`ambiguity`] | §4.1 |
//! | Does it select this stored response? | [`vary`] | §4.1 |
//! | May that be used, or must it be validated? | [`reuse`] | §4.2.4, RFC 5861 |
//! | Does the client have it already? What is the origin asked? | [`validation`] | §4.3 |
//! | What does the origin's answer change of what is stored? | [`validation`] | §3.2, §4.3.4 |
//! | May this response be stored? | [`storable`] | §3 |
//! | What does it tell caches? | [`directives`], [`targeted`] | §5.2, RFC 9213 |
//! | How old is it, and how old may it become? | [`freshness`] | §4.2 |
//! | What does this request make invalid? | [`invalidation`] | §4.4 |

use std::{sync::Arc, time::Duration};

use http::{HeaderName, header::CDN_CACHE_CONTROL};

pub(crate) mod ambiguity;
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
    /// RFC 9110 §15.5: store what says that the request was wrong, and for how long
    /// that is to be said to everybody. What was wrong may be no part of the key,
    /// such as a field that is too long.
    pub(crate) request_errors: bool,
    /// RFC 9110 §15.5, §15.6: for how long, at most, what says that something went
    /// wrong is fresh once it has come, if it says for how long at all. An application
    /// that gives whatever it answers a lifetime does not mean its failures.
    pub(crate) longest_failure: Duration,
    /// §4.1: take requests for the same that wish languages with the same weights,
    /// or most of all the one that the origin chose.
    pub(crate) languages_by_weight: bool,
    /// §5.2.1: let a client ask for a younger response than there is, for a stale
    /// one, or for none that is not stored.
    pub(crate) request_directives: bool,
    /// §4.2.4: for how long a stale response is given if the origin cannot be
    /// reached or fails, as if the response had this for its `stale-if-error`.
    /// Nothing is given that forbids it, or that says another time. Zero: never.
    pub(crate) grace: Duration,
    /// §4.2.4: the same, if the connection breaks: as long as it takes to start a
    /// process in the place of one that crashed.
    pub(crate) disconnected: Duration,
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
            request_errors: false,
            // A failing application is asked by one at a time, and when it has
            // recovered, it shows.
            longest_failure: Duration::from_secs(10),
            languages_by_weight: false,
            request_directives: false,
            grace: Duration::ZERO,
            disconnected: Duration::from_secs(10),
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
            request_errors: true,
            longest_failure: Duration::MAX,
            languages_by_weight: true,
            // As long as an application may take to be deployed, or its database
            // to come back.
            grace: Duration::from_secs(5 * 60),
            ..Self::conservative()
        }
    }
}
