//! What an answer says of a stored response: RFC 9111 §4.3.3 to §4.3.5, and that
//! there is none: §4.2.4.

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode, response};
use peregrine_core::hop_by_hop;
use tracing::debug;

use super::{Fetch, Fetched, Miss, Reused, Trip, labels, reused::By};
use crate::{
    CacheBody,
    cache::Inserted,
    key::search_variance::SearchVariance,
    policy::{
        request::Asked,
        reuse::{Failure, Reuse},
        storable::NotStored,
        validation::{self, HeadEffect, Update},
    },
    store::{Content, Entry, Label, Labels, Variants},
    tags,
};

impl Fetch {
    /// RFC 9111 §4.3.3: "A 304 (Not Modified) response status code indicates that
    /// the stored response can be updated and reused".
    ///
    /// Not if it was `settled` that the answer is for one client: then it is his
    /// alone, and nothing is updated.
    pub(super) fn not_modified<B>(
        self,
        answer: HeaderMap,
        settled: Result<(), NotStored>,
        trip: Trip,
    ) -> Fetched<B> {
        let entry = self.miss.stored.as_ref();
        let entry = Arc::clone(entry.expect("it was asked about this one"));
        let keys = self.miss.keys.clone();
        let reused = |entry: Arc<Entry>, by| {
            Fetched::Reused(Reused {
                variance: SearchVariance::of(&entry.head.headers()),
                entry,
                answered: Some(StatusCode::NOT_MODIFIED),
                by,
                keys,
            })
        };
        if validation::selected(&answer, [&entry.head.headers()]).is_none() {
            // §4.3.4: it must not update what it is not about. But we asked about
            // this one only, and are told that there is nothing better. Once: an
            // application that went back to an older page may say so for ever, so
            // the next request goes without our validators.
            self.forget(&entry);
            self.refuse(NotStored::Validator);
            return reused(entry, By::Favour(NotStored::Validator));
        }
        match self.freshen(&entry, answer, trip) {
            Ok(entry) => {
                if let Err(reason) = settled {
                    self.refuse(reason);
                    return reused(entry, By::Favour(reason));
                }
                self.miss.cache.counters.validated.add_one();
                let variance = SearchVariance::of(&entry.head.headers());
                match self.insert(&entry, variance.as_ref()) {
                    Inserted::Stored(entry) => reused(entry, By::Validation),
                    Inserted::Superseded(newer) if self.is_for_all(&newer) => {
                        reused(newer, By::Another)
                    }
                    Inserted::Superseded(_) => reused(entry, By::Favour(NotStored::Superseded)),
                    Inserted::Overtaken | Inserted::Useless => {
                        reused(entry, By::Favour(NotStored::Cleared))
                    }
                }
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

    /// Whether `newer` is as good an answer to this request as to that for which it came.
    fn is_for_all(&self, newer: &Entry) -> bool {
        let now = self.miss.cache.instant();
        let reuse = newer.head.terms().reuse(Asked::default(), now);
        newer.is_whole() && matches!(reuse, Reuse::Fresh { .. })
    }

    /// `entry` with a head that the `answer` has updated; or the fields that it
    /// would have, and why it may not be stored any more.
    pub(super) fn freshen(
        &self,
        entry: &Entry,
        mut answer: HeaderMap,
        trip: Trip,
    ) -> Result<Arc<Entry>, (HeaderMap, NotStored)> {
        hop_by_hop::remove(&mut answer);
        let key = self.miss.keys.exact();
        // RFC 9111 §3.2 updates these like any other field; but some have been taken out of
        // what is stored.
        let (has_groups, has_tags) = tags::updated(&answer);
        let stored = entry.head.labels().iter();
        let left = stored.filter(|label| match label {
            Label::Group(..) => !has_groups,
            _ => !has_tags,
        });
        let labels =
            labels(&answer, key).map(|labels| left.cloned().chain(labels).collect::<Labels>());
        let freshened = self.miss.cache.config.policy.freshen(&Update {
            asked: self.miss.asked,
            status: entry.head.status(),
            stored: &entry.head.headers(),
            answer: &answer,
            requested: trip.requested,
            received: trip.received,
        });
        let mut headers = freshened.headers;
        match freshened.kept.and_then(|kept| Ok((kept, labels?))) {
            Ok((kept, labels)) => {
                let head = self
                    .head(entry.head.status(), headers, &kept, labels, trip)
                    .updating(&entry.head);
                let shapes = &self.miss.cache.shapes;
                let head = match &entry.content {
                    Content::Whole(body) => head.complete(body.len() as u64, shapes),
                    Content::Parts(_) => head.partial(shapes),
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
    pub(super) fn learn_from_head(&self, response: &response::Parts, trip: Trip) {
        let Miss {
            cache,
            stored,
            asked,
            ..
        } = &self.miss;
        // Of whose answer nothing may be kept changes nothing for others, either
        // (§5.2.1.5).
        let Some(entry) = stored.as_ref().filter(|_| !asked.keeps_nothing()) else {
            return;
        };
        let headers = &response.headers;
        let effect = validation::head_effect(response.status, headers, &entry.head.headers());
        debug!(?effect, key = %self.miss.flight, "a HEAD was answered");
        let freshened = match effect {
            HeadEffect::None => return,
            HeadEffect::Stale => None,
            HeadEffect::Update => self.freshen(entry, headers.clone(), trip).ok(),
        };
        let is_stored = freshened.is_some_and(|freshened| {
            let variance = SearchVariance::of(&freshened.head.headers());
            let key = self.miss.keys.stored_under(variance.as_ref(), false);
            let generation = self.miss.generation;
            let make = &mut |_: &Variants| Some(Arc::clone(&freshened));
            let (request, based_on) = (&self.miss.headers, self.miss.based_on());
            let inserted = cache.insert(&key, request, generation, based_on, make);
            matches!(inserted, Inserted::Stored(_))
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
    pub(super) fn instead_of(
        &self,
        failure: Failure,
        status: Option<StatusCode>,
    ) -> Option<Reused> {
        let cache = &self.miss.cache;
        let entry = self.left_of_stored()?;
        let now = cache.instant();
        let staleness = entry.head.terms().stale_instead_of(failure, now).ok()?;
        debug!(key = %self.miss.flight, ?status, ?staleness, "stale instead of an error");
        if self.miss.background {
            // Not again for each request that is answered with it.
            self.remember(now);
        }
        self.retire();
        Some(Reused {
            variance: SearchVariance::of(&entry.head.headers()),
            entry,
            answered: status,
            by: By::Failure(failure, staleness),
            keys: self.miss.keys.clone(),
        })
    }

    /// The stored response that the request selected; or what is left of it if that
    /// may have been purged meanwhile: nothing, the same as something to be
    /// validated, or what has come in its place. Whoever has purged it is not to see
    /// it again because the origin fails.
    fn left_of_stored(&self) -> Option<Arc<Entry>> {
        let Miss {
            cache,
            keys,
            stored,
            headers,
            ..
        } = &self.miss;
        let entry = stored.as_ref().filter(|entry| entry.is_whole())?;
        let labels = Some(&entry.head.labels()[..]);
        let is_purged = |key| cache.journal.overtook(self.miss.generation, key, labels);
        if !keys.each().any(is_purged) {
            return Some(Arc::clone(entry));
        }
        cache.in_place_of(entry, keys, headers)
    }
}
