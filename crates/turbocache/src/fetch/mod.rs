//! One trip to the inner service, and what becomes of its response.

mod candidate;
mod part;
mod reused;
mod sending;
mod validation;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use http::{
    HeaderMap, Response, StatusCode,
    header::{DATE, IF_RANGE},
    response,
};
use http_body::{Body, SizeHint};
use peregrine_core::{RenderedFor, Variant};
use tracing::debug;

use self::part::is_about_ranges;
pub(crate) use self::{candidate::Candidate, reused::Reused, sending::Sending};
use crate::{
    CacheBody,
    admission::Route,
    cache::{Cache, Inserted},
    clock::Now,
    flight::{FlightKey, Ticket, Turn},
    key::{Key, search_variance::SearchVariance, variances::Keys},
    policy::{
        request::Asked,
        reuse::{self, Failure, Reuse},
        storable::{Exchange, Kept, NotStored, Storable},
    },
    store::{Decided, Entry, Generation, Head, Label, Labels, Variants, http_date},
    tags,
};

/// A request that the cache could not answer.
pub(crate) struct Miss {
    pub(crate) cache: Arc<Cache>,
    pub(crate) keys: Keys,
    pub(crate) flight: FlightKey,
    /// Which variant of the page it is for.
    pub(crate) variant: Option<Variant>,
    /// What the request says that the inner service gets.
    pub(crate) asked: Asked,
    /// What the client sent, whatever of it the inner service gets.
    pub(crate) headers: Arc<HeaderMap>,
    /// The stored response that it selects, if that may still be of use.
    pub(crate) stored: Option<Arc<Entry>>,
    /// It goes with the validators of what is stored, instead of the client's own
    /// preconditions: the answer is to us (RFC 9111 §4.3.1).
    pub(crate) validating: bool,
    /// It goes for what is missing of what is stored.
    pub(crate) completing: bool,
    /// That nobody else does the same, where one is enough.
    pub(crate) turn: Option<Turn>,
    /// Nobody waits for it.
    pub(crate) background: bool,
    /// Where it is to be told of what comes of it.
    pub(crate) route: Route,
    /// How far the journal had come when it set out.
    pub(crate) generation: Generation,
}

/// A miss on its way to the inner service.
pub(crate) struct Fetch {
    miss: Miss,
    /// The place in the table of flights, if others may join.
    ticket: Option<Ticket>,
}

/// When a request was sent, and when its response came.
#[derive(Clone, Copy)]
struct Trip {
    requested: Instant,
    received: Now,
}

/// What a [`Fetch`] brought.
pub(crate) enum Fetched<B> {
    /// A response to be stored, and shared while it comes.
    Storable(Box<Candidate>, response::Parts, B),
    /// A stored response is the answer.
    Reused(Reused),
    /// It will be, with what is missing of it.
    Completing(Box<Candidate>, B),
    /// A response for one request only.
    Refused(Response<CacheBody<B>>, NotStored),
}

impl Miss {
    /// Sets out; with a ticket, for others, too.
    pub(crate) fn fetch(self, ticket: Option<Ticket>) -> Fetch {
        let counters = &self.cache.counters;
        if self.background {
            counters.background.add_one();
        } else {
            counters.misses.add_one();
        }
        Fetch { miss: self, ticket }
    }

    /// What its answer may make anew, if that is what it is about.
    fn based_on(&self) -> Option<&Arc<Entry>> {
        let is_about = self.validating || self.completing || self.asked.head;
        self.stored.as_ref().filter(|_| is_about)
    }

    /// The response has come, and says for whom it was rendered. Settles for which
    /// variant it is, if it is one that others may have.
    fn settle_variant(&mut self, said: Option<&RenderedFor>) -> Result<(), NotStored> {
        let Some(variant) = &self.variant else {
            // Said to somebody else than us, or by mistake.
            return said.map_or(Ok(()), |_| Err(NotStored::Variant));
        };
        let name = variant.stored_under(said).ok_or(NotStored::Variant)?;
        if self.asked.told {
            let key = self.keys.exact().of_variant(name);
            self.keys = self.cache.variances.keys(key);
        }
        Ok(())
    }
}

impl Fetch {
    /// The inner service gave no response.
    pub(crate) fn failed(&self) -> Option<Reused> {
        let reused = self.instead_of(Failure::Disconnected, None);
        if reused.is_none() {
            self.refuse(NotStored::NoResponse);
        }
        reused
    }

    /// It panicked.
    pub(crate) fn panicked(&self) {
        self.refuse(NotStored::NoResponse);
    }

    /// What becomes of the response to what was `requested` then.
    pub(crate) fn judge<B: Body>(
        mut self,
        requested: Instant,
        response: Response<B>,
    ) -> Fetched<B> {
        let trip = Trip {
            requested,
            received: self.miss.cache.now(),
        };
        let (mut parts, body) = response.into_parts();
        let said = parts.extensions.remove();
        let settled = self.miss.settle_variant(said.as_ref());
        if self.miss.validating && parts.status == StatusCode::NOT_MODIFIED {
            return self.not_modified(parts.headers, settled, trip);
        }
        // What is stored is not for who is said to be somebody else by now.
        let is_other = settled.is_err() && matches!(said, Some(RenderedFor::Variant(_)));
        if let Some(failure) = Failure::of(Some(parts.status))
            && !is_other
            && let Some(reused) = self.instead_of(failure, Some(parts.status))
        {
            return Fetched::Reused(reused);
        }
        if self.miss.asked.head && settled.is_ok() {
            self.learn_from_head(&parts, trip);
        }
        if self.miss.completing && is_about_ranges(parts.status) {
            return self.completed(&parts, body, settled, trip);
        }
        let storable = settled.and_then(|()| self.storable(&parts, body.size_hint(), trip));
        match storable {
            Ok((head, storable)) => {
                if let Some(date) = storable.kept.date {
                    parts.headers.insert(DATE, http_date(date));
                }
                tags::strip(&mut parts.headers);
                // At once: who waits goes on by himself from here, and its body may never
                // come to its end.
                let now = trip.received.monotonic;
                if !is_to_share(&head, now) {
                    self.remember(now);
                }
                let candidate = Box::new(Candidate {
                    fetch: self,
                    variance: SearchVariance::of(&parts.headers),
                    head,
                    length: storable.length,
                    part: storable.part,
                    transient: false,
                    is_stored: AtomicBool::new(false),
                });
                Fetched::Storable(candidate, parts, body)
            }
            Err(reason) => {
                self.refuse_at(reason, trip.received.monotonic);
                self.brought_nothing(parts.status);
                tags::strip(&mut parts.headers);
                let response = Response::from_parts(parts, CacheBody::passed(body));
                Fetched::Refused(response, reason)
            }
        }
    }

    /// The head to be stored of `response`, and what was decided about it.
    fn storable(
        &self,
        response: &response::Parts,
        body: SizeHint,
        trip: Trip,
    ) -> Result<(Head, Storable), NotStored> {
        let Miss {
            cache,
            asked,
            headers,
            completing,
            ..
        } = &self.miss;
        if asked.head {
            return Err(NotStored::Head);
        }
        let storable = cache.config.policy.storable(&Exchange {
            asked: *asked,
            response,
            body,
            requested: trip.requested,
            received: trip.received,
            max_body: cache.config.max_entry_bytes,
            if_range: !completing && headers.contains_key(IF_RANGE),
        })?;
        let labels = labels(&response.headers, self.miss.keys.exact())?;
        let head = self.head(
            response.status,
            response.headers.clone(),
            &storable.kept,
            labels,
            trip,
        );
        Ok((head, storable))
    }

    fn head(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        kept: &Kept,
        labels: Labels,
        trip: Trip,
    ) -> Head {
        let decided = Decided {
            kept,
            request: &self.miss.headers,
            requested: trip.requested,
            received: trip.received.wall,
            shapes: &self.miss.cache.shapes,
        };
        Head::new(status, headers, &decided, labels)
    }

    /// Stores it. In this order: who no longer finds the flight is to find the
    /// entry.
    fn insert(&self, entry: &Arc<Entry>, variance: Option<&SearchVariance>) -> Inserted {
        let make = &mut |_: &Variants| Some(Arc::clone(entry));
        self.insert_made(entry.head.status(), variance, make)
    }

    /// The same with what `make` makes of what is stored, and of a response with this
    /// status.
    fn insert_made(
        &self,
        status: StatusCode,
        variance: Option<&SearchVariance>,
        make: &mut dyn FnMut(&Variants) -> Option<Arc<Entry>>,
    ) -> Inserted {
        let Miss {
            cache,
            keys,
            flight,
            headers,
            ..
        } = &self.miss;
        cache.admission.stored(self.miss.route, keys.exact());
        let key = keys.stored_under(variance, teaches(status));
        let generation = self.miss.generation;
        let inserted = cache.insert(&key, headers, generation, self.miss.based_on(), make);
        let entry = match &inserted {
            Inserted::Stored(entry) => entry,
            Inserted::Superseded(_) => {
                self.refuse(NotStored::Superseded);
                return inserted;
            }
            Inserted::Overtaken => {
                self.refuse(NotStored::Cleared);
                return inserted;
            }
            Inserted::Useless => {
                self.refuse(NotStored::Partial);
                return inserted;
            }
        };
        if teaches(entry.head.status()) {
            cache.learn(keys.exact(), variance.cloned());
        }
        if key != *keys.exact() {
            // It is older, and would be found first.
            cache.forget(keys.exact());
        }
        cache.counters.stored.add_one();
        let now = cache.instant();
        if is_to_share(&entry.head, now) {
            cache.unshareable.forget(flight);
        } else {
            self.remember(now);
        }
        self.retire();
        inserted
    }

    /// Nothing is stored, and nothing shared. In this order: who no longer finds
    /// the flight is to find the key remembered.
    fn refuse(&self, reason: NotStored) {
        self.refuse_at(reason, self.miss.cache.instant());
    }

    fn refuse_at(&self, reason: NotStored, now: Instant) {
        let Miss { cache, flight, .. } = &self.miss;
        debug!(reason = reason.as_str(), key = %flight, "not stored");
        cache.counters.not_stored.add_one();
        // What was overtaken was one to share. So will the next be, which is likely to be
        // asked for by all who had the one before.
        let is_overtaken = matches!(reason, NotStored::Cleared | NotStored::Superseded);
        if self.miss.asked.is_like_any_other() && !is_overtaken {
            self.remember(now);
        }
        self.retire();
    }

    /// Nothing came of it that is to be shared.
    fn remember(&self, now: Instant) {
        let Miss {
            cache,
            flight,
            background,
            ..
        } = &self.miss;
        if *background {
            cache.unshareable.remember_briefly(flight, now);
        } else {
            cache.unshareable.remember(flight, now);
        }
    }

    /// There was a response, and nothing of it to store. A failure says nothing of
    /// what comes next.
    fn brought_nothing(&self, status: StatusCode) {
        let Miss { cache, keys, .. } = &self.miss;
        if self.miss.asked.is_plain() && !reuse::is_error(status) {
            cache.admission.not_stored(self.miss.route, keys.exact());
        }
    }

    /// What was found is not to be used again, wherever it was.
    fn forget(&self, entry: &Arc<Entry>) {
        for key in self.miss.keys.each() {
            self.miss.cache.remove(key, entry);
        }
    }

    /// Whether it may go on in another task than that of the client whose request it is.
    pub(crate) fn may_be_finished_for_others(&self) -> bool {
        self.miss.cache.config.finish_abandoned
    }

    /// Nobody joins any more.
    pub(crate) fn retire(&self) {
        // In this order: who no longer finds the flight finds nobody who keeps him from
        // making another one.
        if let Some(turn) = &self.miss.turn {
            turn.end();
        }
        if let Some(ticket) = &self.ticket {
            ticket.retire();
        }
    }
}

/// What must be validated by each who asks for it cannot be shared, though it may be
/// stored.
fn is_to_share(head: &Head, now: Instant) -> bool {
    let reuse = head.terms().reuse(Asked::default(), now);
    matches!(reuse, Reuse::Fresh { .. })
}

/// Whether later requests for the same path go by the `No-Vary-Search` of a
/// response with this status. An error page knows little of what a path's queries
/// mean, and a redirect little more.
fn teaches(status: StatusCode) -> bool {
    status == StatusCode::OK
}

/// What a response with `headers` that is stored for `key` is called.
fn labels(headers: &HeaderMap, key: &Key) -> Result<Labels, NotStored> {
    let tags = tags::of(headers).map_err(NotStored::Untaggable)?;
    Ok(tags.into_iter().map(|tag| Label::new(tag, key)).collect())
}
