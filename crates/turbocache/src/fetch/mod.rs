//! One trip to the inner service, and what becomes of its response.

mod part;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode, header::DATE, response};
use http_body::{Body, SizeHint};
use peregrine_core::{CacheStatus, ForwardReason, RenderedFor, Variant, hop_by_hop};
use tracing::debug;

use self::part::is_about_ranges;
use crate::{
    CacheBody,
    admission::Route,
    cache::Cache,
    clock::Now,
    flight::{FlightKey, Ticket},
    key::{Key, search_variance::SearchVariance, variances::Keys},
    policy::{
        request::Asked,
        reuse::{self, Reuse},
        storable::{Exchange, Kept, NotStored, Storable},
        validation::{self, HeadEffect, Update},
    },
    range::field::ContentRange,
    store::{Content, Decided, Entry, Head, Label, Labels, Variants, http_date},
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
    /// Nobody waits for it.
    pub(crate) background: bool,
    /// Where it is to be told of what comes of it.
    pub(crate) route: Route,
}

/// A miss on its way to the inner service.
pub(crate) struct Fetch {
    miss: Miss,
    requested: Instant,
    /// How many invalidations there had been before.
    generation: u64,
    /// The place in the table of flights, if others may join.
    ticket: Option<Ticket>,
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

/// A stored response that is the answer to a request that went forward.
#[derive(Clone)]
pub(crate) struct Reused {
    pub(crate) entry: Arc<Entry>,
    /// What the inner service answered, if it did.
    answered: Option<StatusCode>,
    by: By,
    /// Whose answer it is, and which differences between queries do not matter.
    keys: Keys,
    variance: Option<SearchVariance>,
}

/// Why a stored response is the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// It is still good, and stored anew.
    Validation,
    /// There is no better one, though it has been stale for so long.
    Failure(Duration),
    /// It is still good, but for the one who asked alone.
    Favour(NotStored),
}

/// A response that is stored as soon as its body is complete.
pub(crate) struct Candidate {
    fetch: Fetch,
    pub(crate) head: Head,
    /// The length of the body, if known.
    pub(crate) length: Option<u64>,
    /// Which part it is, if it is one.
    part: Option<ContentRange>,
    /// It is put together with what is stored for the one who asked, and not kept.
    transient: bool,
    variance: Option<SearchVariance>,
}

impl Miss {
    /// Sets out at `now`, after `generation` invalidations; with a ticket, for
    /// others, too.
    pub(crate) fn fetch(self, now: Instant, generation: u64, ticket: Option<Ticket>) -> Fetch {
        let counters = &self.cache.counters;
        if self.background {
            counters.background.add_one();
        } else {
            counters.misses.add_one();
        }
        Fetch {
            requested: now,
            generation,
            miss: self,
            ticket,
        }
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
        let reused = self.instead_of_failure(None);
        if reused.is_none() {
            self.refuse(NotStored::NoResponse);
        }
        reused
    }

    pub(crate) fn judge<B: Body>(mut self, response: Response<B>) -> Fetched<B> {
        let now = self.miss.cache.now();
        let (mut parts, body) = response.into_parts();
        let said = parts.extensions.remove();
        let settled = self.miss.settle_variant(said.as_ref());
        if self.miss.validating && parts.status == StatusCode::NOT_MODIFIED {
            return self.not_modified(parts.headers, settled, now);
        }
        // What is stored is not for who is said to be somebody else by now.
        let is_other = settled.is_err() && matches!(said, Some(RenderedFor::Variant(_)));
        if reuse::is_error(parts.status)
            && !is_other
            && let Some(reused) = self.instead_of_failure(Some(parts.status))
        {
            return Fetched::Reused(reused);
        }
        if self.miss.asked.head && settled.is_ok() {
            self.learn_from_head(&parts, now);
        }
        if self.miss.completing && is_about_ranges(parts.status) {
            return self.completed(&parts, body, settled, now);
        }
        let storable = settled.and_then(|()| self.storable(&parts, body.size_hint(), now));
        match storable {
            Ok((head, storable)) => {
                if let Some(date) = storable.kept.date {
                    parts.headers.insert(DATE, http_date(date));
                }
                tags::strip(&mut parts.headers);
                let candidate = Box::new(Candidate {
                    fetch: self,
                    variance: SearchVariance::of(&parts.headers),
                    head,
                    length: storable.length,
                    part: storable.part,
                    transient: false,
                });
                Fetched::Storable(candidate, parts, body)
            }
            Err(reason) => {
                self.refuse(reason);
                self.brought_nothing(parts.status, now.monotonic);
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
        received: Now,
    ) -> Result<(Head, Storable), NotStored> {
        let Miss { cache, asked, .. } = &self.miss;
        if asked.head {
            return Err(NotStored::Head);
        }
        let storable = cache.config.policy.storable(&Exchange {
            asked: *asked,
            response,
            body,
            requested: self.requested,
            received,
            max_body: cache.config.max_entry_bytes,
        })?;
        let labels = labels(&response.headers, self.miss.keys.exact())?;
        let head = self.head(
            response.status,
            response.headers.clone(),
            &storable.kept,
            labels,
            received,
        );
        Ok((head, storable))
    }

    fn head(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        kept: &Kept,
        labels: Labels,
        received: Now,
    ) -> Head {
        let decided = Decided {
            kept,
            request: &self.miss.headers,
            received: received.wall,
        };
        Head::new(status, headers, &decided, labels)
    }

    /// RFC 9111 §4.3.3: "A 304 (Not Modified) response status code indicates that
    /// the stored response can be updated and reused".
    ///
    /// Not if it was `settled` that the answer is for one client: then it is his
    /// alone, and nothing is updated.
    fn not_modified<B>(
        self,
        answer: HeaderMap,
        settled: Result<(), NotStored>,
        now: Now,
    ) -> Fetched<B> {
        let entry = self.miss.stored.as_ref();
        let entry = Arc::clone(entry.expect("it was asked about this one"));
        let keys = self.miss.keys.clone();
        let reused = |entry: Arc<Entry>, by| {
            Fetched::Reused(Reused {
                variance: SearchVariance::of(entry.head.headers()),
                entry,
                answered: Some(StatusCode::NOT_MODIFIED),
                by,
                keys,
            })
        };
        if validation::selected(&answer, [entry.head.headers()]).is_none() {
            // §4.3.4: it must not update what it is not about. But we asked about
            // this one only, and are told that there is nothing better. Once: an
            // application that went back to an older page may say so for ever, so
            // the next request goes without our validators.
            self.forget(&entry);
            self.refuse(NotStored::Validator);
            return reused(entry, By::Favour(NotStored::Validator));
        }
        match self.freshen(&entry, answer, now) {
            Ok(entry) => {
                let by = if let Err(reason) = settled {
                    self.refuse(reason);
                    By::Favour(reason)
                } else {
                    self.miss.cache.counters.validated.add_one();
                    if self.insert(&entry, SearchVariance::of(entry.head.headers()).as_ref()) {
                        By::Validation
                    } else {
                        By::Favour(NotStored::Cleared)
                    }
                };
                reused(entry, by)
            }
            Err((headers, reason)) => {
                // For this one request only, from now on.
                self.forget(&entry);
                self.refuse(reason);
                let Content::Whole(body) = &entry.content else {
                    unreachable!("parts are not validated");
                };
                let mut response = Response::new(CacheBody::stored(body.clone()));
                *response.status_mut() = entry.head.status();
                *response.headers_mut() = headers;
                Fetched::Refused(response, reason)
            }
        }
    }

    /// `entry` with a head that the `answer` has updated; or the fields that it
    /// would have, and why it may not be stored any more.
    fn freshen(
        &self,
        entry: &Entry,
        mut answer: HeaderMap,
        now: Now,
    ) -> Result<Arc<Entry>, (HeaderMap, NotStored)> {
        hop_by_hop::remove(&mut answer);
        let key = self.miss.keys.exact();
        // RFC 9111 §3.2 updates these like any other field; but they have been
        // taken out of what is stored.
        let labels = match labels(&answer, key) {
            Ok(labels) if labels.is_empty() => Ok(entry.head.labels().clone()),
            labels => labels,
        };
        let freshened = self.miss.cache.config.policy.freshen(&Update {
            asked: self.miss.asked,
            status: entry.head.status(),
            stored: &entry.head.received_headers(),
            answer: &answer,
            requested: self.requested,
            received: now,
        });
        let mut headers = freshened.headers;
        match freshened.kept.and_then(|kept| Ok((kept, labels?))) {
            Ok((kept, labels)) => {
                let head = self
                    .head(entry.head.status(), headers, &kept, labels, now)
                    .updating(&entry.head);
                let head = match &entry.content {
                    Content::Whole(body) => head.complete(body.len() as u64),
                    Content::Parts(_) => head.partial(),
                };
                Ok(Arc::new(Entry {
                    head,
                    content: entry.content.clone(),
                }))
            }
            Err(reason) => {
                tags::strip(&mut headers);
                Err((headers, reason))
            }
        }
    }

    /// RFC 9111 §4.3.5: "a response to a HEAD request […] can be used to update or
    /// invalidate a cached GET response".
    fn learn_from_head(&self, response: &response::Parts, now: Now) {
        let Miss {
            cache,
            stored,
            asked,
            ..
        } = &self.miss;
        // §5.2.1.5: no part of the answer to a `no-store` is kept, so it changes
        // nothing for others, either.
        let Some(entry) = stored.as_ref().filter(|_| !asked.wishes.no_store) else {
            return;
        };
        let headers = &response.headers;
        let effect = validation::head_effect(response.status, headers, entry.head.headers());
        debug!(?effect, key = %self.miss.flight, "a HEAD was answered");
        let freshened = match effect {
            HeadEffect::None => return,
            HeadEffect::Stale => None,
            HeadEffect::Update => self.freshen(entry, headers.clone(), now).ok(),
        };
        let is_stored = freshened.is_some_and(|freshened| {
            let variance = SearchVariance::of(freshened.head.headers());
            let key = self.miss.keys.stored_under(variance.as_ref());
            cache.insert(&key, &freshened, &self.miss.headers, self.generation)
        });
        if is_stored {
            cache.counters.validated.add_one();
        } else {
            // It is stale already, or must not be used any more.
            self.forget(entry);
        }
    }

    /// RFC 9111 §4.2.4: what is stored may be given where the origin cannot be
    /// reached, or fails, and nothing forbids it.
    fn instead_of_failure(&self, status: Option<StatusCode>) -> Option<Reused> {
        let Miss { cache, stored, .. } = &self.miss;
        let entry = stored.as_ref().filter(|entry| entry.is_whole())?;
        let now = cache.instant();
        let staleness = entry.head.terms().stale_if_error(now).ok()?;
        debug!(key = %self.miss.flight, ?status, ?staleness, "stale instead of an error");
        self.retire();
        Some(Reused {
            entry: Arc::clone(entry),
            answered: status,
            by: By::Failure(staleness),
            keys: self.miss.keys.clone(),
            variance: SearchVariance::of(entry.head.headers()),
        })
    }

    /// Stores it. In this order: who no longer finds the flight is to find the
    /// entry.
    fn insert(&self, entry: &Arc<Entry>, variance: Option<&SearchVariance>) -> bool {
        let make = &mut |_: &Variants| Some(Arc::clone(entry));
        self.insert_made(variance, make).is_some()
    }

    /// The same with what `make` makes of what is stored.
    fn insert_made(
        &self,
        variance: Option<&SearchVariance>,
        make: &mut dyn FnMut(&Variants) -> Option<Arc<Entry>>,
    ) -> Option<Arc<Entry>> {
        let Miss {
            cache,
            keys,
            flight,
            headers,
            ..
        } = &self.miss;
        cache.admission.stored(self.miss.route, keys.exact());
        let key = keys.stored_under(variance);
        let mut reason = NotStored::Partial;
        let entry = cache.insert_made(&key, headers, self.generation, &mut |variants| {
            let newest = make(variants)?;
            reason = NotStored::Cleared;
            Some(newest)
        });
        let Some(entry) = entry else {
            self.refuse(reason);
            return None;
        };
        if entry.head.status() == StatusCode::OK {
            cache.variances.learn(keys.exact(), variance.cloned());
        }
        if key != *keys.exact() {
            // It is older, and would be found first.
            cache.forget(keys.exact());
        }
        cache.counters.stored.add_one();
        // What must be validated by each who asks for it cannot be shared, though
        // it is stored.
        let now = cache.instant();
        match entry.head.terms().reuse(Asked::default(), now) {
            Reuse::Fresh { .. } => cache.unshareable.forget(flight),
            _ => cache.unshareable.remember(flight, now),
        }
        self.retire();
        Some(entry)
    }

    /// Nothing is stored, and nothing shared. In this order: who no longer finds
    /// the flight is to find the key remembered.
    fn refuse(&self, reason: NotStored) {
        let Miss { cache, flight, .. } = &self.miss;
        debug!(reason = reason.as_str(), key = %flight, "not stored");
        cache.counters.not_stored.add_one();
        if self.miss.asked.is_like_any_other() {
            cache.unshareable.remember(flight, cache.instant());
        }
        self.retire();
    }

    /// There was a response, and nothing of it to store. A failure says nothing of
    /// what comes next.
    fn brought_nothing(&self, status: StatusCode, now: Instant) {
        let Miss { cache, keys, .. } = &self.miss;
        if self.miss.asked.is_like_any_other() && !reuse::is_error(status) {
            cache
                .admission
                .not_stored(self.miss.route, keys.exact(), now);
        }
    }

    /// What was found is not to be used again, wherever it was.
    fn forget(&self, entry: &Arc<Entry>) {
        for key in self.miss.keys.each() {
            self.miss.cache.remove(key, entry);
        }
    }

    fn retire(&self) {
        if let Some(ticket) = &self.ticket {
            ticket.retire();
        }
    }
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
                By::Validation => matches!(head.terms().reuse(asked, now), Reuse::Fresh { .. }),
                By::Failure(_) => head.terms().stale_if_error(now).is_ok(),
                By::Favour(_) => false,
            }
    }

    /// What there is to say of it to one who went forward for `why`; and whether
    /// it was this request that it is `stored` for.
    pub(crate) fn status(&self, why: ForwardReason, leads: bool) -> CacheStatus {
        let status = CacheStatus::forward(why);
        let status = match self.answered {
            Some(answered) => status.answered(answered),
            None => status,
        };
        let status = match self.by {
            By::Validation if leads => status.stored(),
            By::Validation => status,
            By::Failure(staleness) => status.stale_for(staleness).because("stale-if-error"),
            By::Favour(reason) => status.because(reason.as_str()),
        };
        if leads { status } else { status.collapsed() }
    }

    /// Whether it is given although it is stale.
    pub(crate) const fn is_stale(&self) -> bool {
        matches!(self.by, By::Failure(_))
    }
}

impl Candidate {
    /// How many bytes its body may have.
    pub(crate) fn max_body(&self) -> u64 {
        self.fetch.miss.cache.config.max_entry_bytes
    }

    /// Whether a request with these keys may have it.
    pub(crate) fn is_for(&self, keys: &Keys) -> bool {
        keys.may_share(&self.fetch.miss.keys, self.variance.as_ref())
    }

    /// Stores it with its complete body.
    pub(crate) fn store(&self, chunks: &[Bytes]) -> Option<Arc<Entry>> {
        let body = in_one_piece(chunks);
        if let Some(part) = self.part {
            return self.store_part(part, &body);
        }
        let entry = Arc::new(Entry {
            head: self.head.clone().complete(body.len() as u64),
            content: Content::Whole(body),
        });
        self.fetch
            .insert(&entry, self.variance.as_ref())
            .then_some(entry)
    }

    /// It is not stored after all.
    pub(crate) fn refuse(&self, reason: NotStored) {
        self.fetch.refuse(reason);
    }
}

/// What a response with `headers` that is stored for `key` is called.
fn labels(headers: &HeaderMap, key: &Key) -> Result<Labels, NotStored> {
    let tags = tags::of(headers).map_err(NotStored::Untaggable)?;
    Ok(tags.into_iter().map(|tag| Label::new(tag, key)).collect())
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
