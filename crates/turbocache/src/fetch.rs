//! One trip to the inner service, and what becomes of its response.

use std::{sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use http::{Response, header::DATE, response};
use http_body::Body;
use peregrine_core::{CacheStatus, ForwardReason};
use tracing::debug;

use crate::{
    cache::Cache,
    flight::Ticket,
    key::Key,
    policy::{
        request::Asked,
        storable::{Exchange, Kept, NotStored, Storable},
    },
    store::{Entry, Head, http_date},
};

/// A request that the cache could not answer.
pub(crate) struct Miss {
    pub(crate) cache: Arc<Cache>,
    pub(crate) key: Key,
    /// What the look-up found: nothing, or something stale.
    pub(crate) why: ForwardReason,
    /// If it has preconditions, what it gets says nothing of what others would
    /// get: a 304 is for who asked for it.
    pub(crate) asked: Asked,
}

/// A miss on its way to the inner service.
pub(crate) struct Fetch {
    miss: Miss,
    requested: Instant,
    generation: u64,
    /// The place in the table of flights, if others may join.
    ticket: Option<Ticket>,
}

/// What a [`Fetch`] brought.
pub(crate) enum Fetched<B> {
    /// A response to be stored, and shared while it comes.
    Storable(Box<Candidate>, response::Parts, B),
    /// A response for one request only.
    Refused(Response<B>, NotStored),
}

/// A response that is stored as soon as its body is complete.
pub(crate) struct Candidate {
    fetch: Fetch,
    pub(crate) head: Head,
    /// The length of the body, if known.
    pub(crate) length: Option<u64>,
}

impl Miss {
    pub(crate) const fn status(&self) -> CacheStatus {
        CacheStatus::forward(self.why)
    }

    /// Sets out at `now`; with a ticket, for others, too.
    pub(crate) fn fetch(self, now: Instant, ticket: Option<Ticket>) -> Fetch {
        self.cache.counters.misses.add_one();
        Fetch {
            requested: now,
            generation: self.cache.generation(),
            miss: self,
            ticket,
        }
    }
}

impl Fetch {
    pub(crate) const fn cache(&self) -> &Arc<Cache> {
        &self.miss.cache
    }

    pub(crate) const fn status(&self) -> CacheStatus {
        self.miss.status()
    }

    /// The inner service gave no response.
    pub(crate) fn failed(&self) {
        self.refuse(NotStored::NoResponse);
    }

    pub(crate) fn judge<B: Body>(self, response: Response<B>) -> Fetched<B> {
        let cache = &self.miss.cache;
        let (mut parts, body) = response.into_parts();
        let verdict = cache
            .config
            .policy
            .storable(&Exchange {
                asked: self.miss.asked,
                response: &parts,
                body: body.size_hint(),
                requested: self.requested,
                received: cache.now(),
                max_body: cache.config.max_entry_bytes,
            })
            .and_then(what_the_store_can_hold);
        match verdict {
            Ok(storable) => {
                let head = Head::new(&parts, &storable);
                if let Some(date) = storable.kept.date {
                    parts.headers.insert(DATE, http_date(date));
                }
                let length = storable.length;
                let candidate = Box::new(Candidate {
                    fetch: self,
                    head,
                    length,
                });
                Fetched::Storable(candidate, parts, body)
            }
            Err(reason) => {
                self.refuse(reason);
                Fetched::Refused(Response::from_parts(parts, body), reason)
            }
        }
    }

    /// Nothing is stored, and nothing shared. In this order: who no longer finds
    /// the flight is to find the key remembered.
    fn refuse(&self, reason: NotStored) {
        let Miss { cache, key, .. } = &self.miss;
        debug!(reason = reason.as_str(), %key, "not stored");
        cache.counters.not_stored.add_one();
        if !self.miss.asked.conditional {
            cache.unshareable.remember(key, cache.instant());
        }
        self.retire();
    }

    fn retire(&self) {
        if let Some(ticket) = &self.ticket {
            ticket.retire();
        }
    }
}

impl Candidate {
    /// How many bytes its body may have.
    pub(crate) fn max_body(&self) -> u64 {
        self.fetch.miss.cache.config.max_entry_bytes
    }

    /// Stores it with its complete body. In this order: who no longer finds the
    /// flight is to find the entry.
    pub(crate) fn store(&self, chunks: &[Bytes]) -> Option<Arc<Entry>> {
        let Miss { cache, key, .. } = &self.fetch.miss;
        let body = in_one_piece(chunks);
        let entry = Arc::new(Entry {
            head: self.head.with_length(body.len() as u64),
            body,
        });
        if !cache.insert(key, &entry, self.fetch.generation) {
            self.refuse(NotStored::Cleared);
            return None;
        }
        cache.counters.stored.add_one();
        cache.unshareable.forget(key);
        self.fetch.retire();
        Some(entry)
    }

    /// It is not stored after all.
    pub(crate) fn refuse(&self, reason: NotStored) {
        self.fetch.refuse(reason);
    }
}

/// The store keeps one response for a key, as it came, while it is fresh.
fn what_the_store_can_hold(storable: Storable) -> Result<Storable, NotStored> {
    let Kept {
        terms,
        vary,
        without,
        ..
    } = &storable.kept;
    if !vary.is_empty() {
        return Err(NotStored::Vary);
    }
    if terms.no_cache || !without.is_empty() {
        return Err(NotStored::NoCache);
    }
    if terms.freshness.is_stale_on_arrival() {
        return Err(NotStored::StaleOnArrival);
    }
    Ok(storable)
}

/// The body in memory of its own. The chunks are slices of read buffers that
/// may be much larger than what is in them, and are let go of here.
fn in_one_piece(chunks: &[Bytes]) -> Bytes {
    let mut body = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
    for chunk in chunks {
        body.extend_from_slice(chunk);
    }
    body.freeze()
}
