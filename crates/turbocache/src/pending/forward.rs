//! A request that nothing stored can answer as it is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine_core::{CacheStatus, ForwardReason};
use tokio::runtime::Handle;
use tower::BoxError;
use tower_service::Service;
use tracing::debug;

use super::Pending;
use crate::{
    client::Asker,
    fetch::Candidate,
    flight::{Entered, Fit, Flight, FlightKey, Followed, Follower, Leader, Turn},
    future::Work,
    policy::{reuse::Reuse, validation, vary::Vary},
    store::{Entry, Generation, LookUp},
};

/// A request that goes forward, or waits for one that does.
pub(crate) struct Forward<S, ReqB> {
    pub(super) pending: Pending<S, ReqB>,
    pub(super) why: ForwardReason,
    /// The stored response that it selects, if that may still be of use.
    pub(super) stored: Option<Arc<Entry>>,
    pub(super) flight: FlightKey,
    /// That it is the one who does it, where one is enough.
    pub(super) turn: Option<Turn>,
}

/// How often a request waits for a response that turns out to be for others.
/// Each time it has learned by which fields the response is chosen, so more than
/// once is an application that cannot make up its mind.
const MAX_ROUNDS: u32 = 2;

/// For how long others join what has set out. What takes longer may never come to its end,
/// and whoever comes then does not wait for that: he makes another one to wait for.
const JOINED_FOR: Duration = Duration::from_secs(10);

impl<S, ReqB> Forward<S, ReqB> {
    /// Whether a response on its way with this head is for it.
    pub(crate) fn fit(&self, candidate: &Candidate) -> Fit {
        let (pending, head) = (&self.pending, &candidate.head);
        if !candidate.is_for(&pending.keys) {
            return Fit::NotForOthers;
        }
        if !head.matches(&pending.headers) {
            return Fit::OtherVariant;
        }
        match head.terms().reuse(pending.asked, pending.now) {
            Reuse::Fresh { .. } => Fit::Fits,
            _ => Fit::NotForOthers,
        }
    }

    /// Its client, which is answered with what came of another request.
    fn asker(self) -> Asker {
        let pending = self.pending;
        Asker {
            cache: pending.cache,
            key: pending.keys.exact().clone(),
            asked: pending.asked,
            headers: pending.headers,
            why: self.why,
            validating: false,
        }
    }

    /// It goes with the validators of what is stored, and without the client's
    /// own preconditions.
    fn is_validating(&self) -> bool {
        let asked = &self.pending.asked;
        let stored = self.stored.as_ref();
        !(asked.head || asked.keeps_nothing() || self.pending.expects_variant())
            && stored.is_some_and(|entry| validation::has_validator(&entry.head.headers()))
    }

    /// Whether others may wait for its response. Not if it may be for this client
    /// alone: a 304 to its own preconditions, a part, or one without a body.
    fn may_lead(&self) -> bool {
        let asked = &self.pending.asked;
        !(asked.head || asked.keeps_nothing() || asked.authorization || asked.told)
            && (!(asked.conditional || asked.range) || self.is_validating())
    }

    /// Only parts are stored of what it selects, so it goes for the others.
    fn is_completing(&self) -> bool {
        // Whoever may see another variant by now gets nothing of this one.
        !self.pending.expects_variant()
            && self.stored.as_ref().is_some_and(|entry| !entry.is_whole())
    }

    /// In the background it goes as a plain `GET`.
    pub(super) fn may_lead_in_background(&self) -> bool {
        let asked = &self.pending.asked;
        !(asked.keeps_nothing() || asked.authorization)
    }

    /// Whether it may wait for the response to another one. To join is as good as
    /// a hit.
    fn may_follow(&self) -> bool {
        let asked = &self.pending.asked;
        !(asked.head || asked.wishes.no_store || asked.authorization || asked.told)
            && (!asked.range || self.is_validating())
    }

    /// From now on it is known what is invalidated. What was, since it was looked up, is
    /// not asked about, and stands in for nothing.
    fn begin(&mut self) -> Generation {
        let Pending {
            cache,
            keys,
            headers,
            settled,
            ..
        } = &self.pending;
        // In this order.
        let generation = cache.generation(keys.exact());
        if let Some(entry) = self.stored.take() {
            self.stored = cache.left_of(*settled, keys, entry, headers);
        }
        generation
    }
}

impl<S, ReqB> Forward<S, ReqB>
where
    S: Service<Request<ReqB>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Send + 'static,
{
    /// Waits for a flight, makes one, or goes alone.
    pub(crate) fn go<ResB>(mut self) -> Work<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>, Response = Response<ResB>>,
        ResB: Body<Data = Bytes> + Send + 'static,
        ResB::Error: Into<BoxError>,
    {
        let cache = Arc::clone(&self.pending.cache);
        // It may be long since it was looked up.
        let now = cache.instant();
        self.pending.now = now;
        let generation = self.begin();
        if self.is_completing() && !self.pending.asked.range {
            self.turn = cache.completing.take(&self.flight);
            if self.turn.is_none() {
                self.stored = None;
            }
        }
        let is_current = |since, generation| {
            let key = self.pending.keys.primary();
            is_joined(since, now) && !cache.journal.overtook(generation, key, None)
        };
        let entered = if self.is_completing() || !self.may_follow() {
            None
        } else if !self.may_lead() {
            let found = cache.flights.find::<Flight<ResB>>(&self.flight, is_current);
            found.map(Entered::Joined)
        } else if cache.unshareable.holds(&self.flight, now) {
            None
        } else {
            cache.flights.enter(&self.flight, is_current)
        };
        let vacancy = match entered {
            Some(Entered::Joined(flight)) if !flight.is_polled_here() => {
                self.pending.list();
                return Work::following(Follower::new(flight), self);
            }
            Some(Entered::Vacant(vacancy)) => vacancy,
            None | Some(Entered::Joined(_)) => return self.fetch(generation, now),
        };
        // A flight stores its response before it leaves the table. So if one has
        // left since the look-up, this finds what it stored.
        let found = cache.peek(&self.pending.keys);
        if let Some(found) = found
            && let Some(entry) = found.select(&self.pending.headers)
            && entry.is_whole()
            && let Reuse::Fresh { ttl } = entry.head.terms().reuse(self.pending.asked, now)
        {
            drop(vacancy);
            return self.pending.answered(entry, CacheStatus::hit(ttl));
        }
        let flight = Flight::new();
        let ticket = vacancy.fill(now, generation, &flight);
        let (call, miss, asker) = self.set_out(generation, now, false);
        let fetch = miss.fetch(Some(ticket));
        Work::leading(Leader::new(flight, call, fetch), asker)
    }

    /// Goes on with what came of the flight that it waited for.
    pub(crate) fn followed<ResB>(mut self, followed: Followed<ResB>) -> Work<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>, Response = Response<ResB>>,
        ResB: Body<Data = Bytes> + Send + 'static,
        ResB::Error: Into<BoxError>,
    {
        let Pending { cache, asked, .. } = &self.pending;
        let now = cache.instant();
        let response = match followed {
            Followed::Alone => return self.alone(now),
            Followed::Again => return self.go(),
            Followed::OtherVariant(vary) => return self.go_round(vary, now),
            Followed::Reused(reused) => {
                if !reused.is_for(&self.pending.keys, *asked, &self.pending.headers, now) {
                    return self.alone(now);
                }
                self.asker().collapsed(&reused, now)
            }
            Followed::Shared(broadcast, reader) => {
                let head = &broadcast.candidate.head;
                let reader = reader.listed(self.pending.listed.take());
                let response = self.pending.client().shared(head, reader, now);
                self.collapsed(response)
            }
            Followed::Complete(entry) => {
                let response = self.pending.client().stored(&entry, now);
                self.collapsed(response)
            }
        };
        Work::answered(response)
    }

    fn collapsed<B>(&self, response: Response<B>) -> Response<B> {
        self.pending.cache.counters.collapsed.add_one();
        let status = CacheStatus::forward(self.why).collapsed();
        self.pending.client().say(response, status)
    }

    /// Goes forward for this client alone.
    fn alone<ResB>(mut self, now: Instant) -> Work<S, ReqB, ResB> {
        let generation = self.begin();
        self.fetch(generation, now)
    }

    fn fetch<ResB>(self, generation: Generation, now: Instant) -> Work<S, ReqB, ResB> {
        let (call, miss, asker) = self.set_out(generation, now, false);
        Work::fetching(call, miss.fetch(None), asker)
    }

    /// The response that it waited for is chosen by `vary`, and not for it.
    fn go_round<ResB>(self, vary: Vary, now: Instant) -> Work<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>, Response = Response<ResB>>,
        ResB: Body<Data = Bytes> + Send + 'static,
        ResB::Error: Into<BoxError>,
    {
        if self.pending.rounds == MAX_ROUNDS {
            return self.alone(now);
        }
        let mut pending = self.pending;
        pending.rounds += 1;
        pending.known = Some(vary);
        pending.settled = pending.cache.journal.settled();
        match pending.cache.look_up(&pending.keys) {
            LookUp::Ready(found) => pending.again(found),
            LookUp::Later(later) => Work::looking_up(later, pending),
        }
    }

    /// Goes forward although its client is answered already, unless another one
    /// is on its way.
    pub(super) fn validate_in_background<ResB>(mut self, runtime: &Handle)
    where
        S: Service<Request<ReqB>, Response = Response<ResB>>,
        ResB: Body<Data = Bytes> + Send + 'static,
        ResB::Error: Into<BoxError>,
    {
        let cache = Arc::clone(&self.pending.cache);
        let now = self.pending.now;
        // One that came to nothing is not tried again for a while: until then, what
        // is stored is given, as long as it may be.
        if cache.unshareable.holds(&self.flight, now) {
            return;
        }
        self.turn = cache.in_background.take(&self.flight);
        if self.turn.is_none() {
            return;
        }
        let generation = self.begin();
        // Whatever was invalidated since it set out: nobody is given the answer of the one
        // that is on its way, and what it stores is checked then.
        let entered: Option<Entered<'_, Flight<ResB>>> = cache
            .flights
            .enter(&self.flight, |since, _| is_joined(since, now));
        let Some(Entered::Vacant(vacancy)) = entered else {
            return;
        };
        // One that has just ended may have left something newer.
        if let LookUp::Ready(found) = cache.look_up(&self.pending.keys) {
            let found = found.unwrap_or_default();
            let selected = found.select(&self.pending.headers);
            let is_same = |(one, other)| Arc::ptr_eq(one, other);
            if !selected.zip(self.stored.as_ref()).is_some_and(is_same) {
                return;
            }
        }
        let flight = Flight::<ResB>::new();
        let ticket = vacancy.fill(now, generation, &flight);
        debug!(key = %self.flight, "validating in the background");
        let (call, miss, _) = self.set_out(generation, now, true);
        let leader = Leader::new(flight, call, miss.fetch(Some(ticket)));
        runtime.spawn(leader.finish());
    }
}

/// Whether what has set out at `since` is joined by who comes now.
fn is_joined(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) < JOINED_FOR
}
