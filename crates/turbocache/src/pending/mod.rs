//! A request that is not answered at once, and how it goes on.

mod forward;
mod sent;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response};
use http_body::Body;
use peregrine_core::{CacheStatus, ForwardReason, Variant};
use tokio::runtime::Handle;
use tower::BoxError;
use tower_service::Service;
use tracing::debug;

pub(crate) use self::forward::Forward;
use crate::{
    admission::Route,
    cache::Cache,
    client::Client,
    flight::{FlightKey, Listed},
    future::Work,
    key::variances::Keys,
    policy::{request::Asked, reuse::Reuse, vary::Vary},
    store::{Entry, Settled, Variants},
};

/// A request, and all that it takes to send it on.
pub(crate) struct Pending<S, ReqB> {
    /// Not ready yet.
    inner: S,
    cache: Arc<Cache>,
    request: Request<ReqB>,
    /// The fields of the request as the client sent them.
    headers: Arc<HeaderMap>,
    keys: Keys,
    asked: Asked,
    route: Route,
    /// When it was looked up.
    now: Instant,
    /// How far the journal was settled before that.
    settled: Settled,
    /// By which fields a response was chosen that it waited for in vain.
    known: Option<Vary>,
    /// How often that was.
    rounds: u32,
    /// That it waits, from the first time on.
    listed: Option<Listed>,
}

impl<S, ReqB> Pending<S, ReqB> {
    pub(crate) fn new(
        inner: S,
        cache: Arc<Cache>,
        request: Request<ReqB>,
        keys: Keys,
        asked: Asked,
        now: Instant,
        settled: Settled,
    ) -> Self {
        Self {
            route: cache.admission.route(&request),
            inner,
            cache,
            headers: Arc::new(request.headers().clone()),
            request,
            keys,
            asked,
            now,
            settled,
            known: None,
            rounds: 0,
            listed: None,
        }
    }

    pub(crate) fn client(&self) -> Client<'_> {
        Client {
            cache: &self.cache,
            key: self.keys.exact(),
            asked: self.asked,
            headers: &self.headers,
        }
    }

    /// Has it shown among those that wait for another one.
    fn list(&mut self) {
        let Self { cache, request, .. } = &*self;
        if self.listed.is_none() {
            self.listed = Some(cache.collapsed.enter(request, self.now));
        }
    }

    /// The client may see another variant by now, of which the application could
    /// say "not modified" as well. So it is not asked for validation.
    fn expects_variant(&self) -> bool {
        matches!(self.request.extensions().get(), Some(Variant::Expected(_)))
    }
}

impl<S, ReqB> Pending<S, ReqB>
where
    S: Service<Request<ReqB>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Send + 'static,
{
    /// Goes on with what was found.
    pub(crate) fn go_on<ResB>(self, found: Option<Arc<Variants>>) -> Work<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>, Response = Response<ResB>>,
        ResB: Body<Data = Bytes> + Send + 'static,
        ResB::Error: Into<BoxError>,
    {
        let found = found.unwrap_or_default();
        let vary = self.known.as_ref();
        let vary = vary.or_else(|| found.newest().map(|newest| newest.head.vary()));
        let flight = FlightKey::new(self.keys.primary(), vary, &self.headers);
        let selected = found.select(&self.headers);
        let reuse = selected.map(|entry| (entry, entry.head.terms().reuse(self.asked, self.now)));
        let (why, stored) = match reuse {
            // Of parts, only what is fresh is of use, and only if it is enough, or
            // what is missing can be fetched.
            Some((entry, reuse)) if !entry.is_whole() => {
                let missing = entry.missing(self.asked, &self.headers);
                match (reuse, missing) {
                    (Reuse::Fresh { ttl }, None) => {
                        return self.answered(entry, CacheStatus::hit(ttl));
                    }
                    (Reuse::Fresh { .. }, Some(_)) => {
                        (ForwardReason::Partial, Some(Arc::clone(entry)))
                    }
                    _ => (ForwardReason::Stale, None),
                }
            }
            Some((entry, Reuse::Fresh { ttl })) => {
                return self.answered(entry, CacheStatus::hit(ttl));
            }
            Some((entry, Reuse::Stale { staleness })) => {
                self.cache.counters.stale_hits.add_one();
                return self.answered(entry, CacheStatus::stale_hit(staleness));
            }
            Some((entry, Reuse::StaleWhileRevalidate { staleness })) => {
                let entry = Arc::clone(entry);
                let forward = self.forward(ForwardReason::Stale, Some(Arc::clone(&entry)), flight);
                // Who cannot go on in the background does so in the foreground.
                return match Handle::try_current() {
                    Ok(runtime) if forward.may_lead_in_background() => {
                        let pending = &forward.pending;
                        pending.cache.counters.stale_hits.add_one();
                        let status = CacheStatus::stale_hit(staleness);
                        let state = pending.answered(&entry, status);
                        forward.validate_in_background(&runtime);
                        state
                    }
                    _ => Work::forwarding(forward),
                };
            }
            Some((entry, Reuse::Validate(why))) => {
                debug!(?why, key = %flight, "not reused");
                (why.forward_reason(), Some(Arc::clone(entry)))
            }
            Some((_, Reuse::Forward(why))) => {
                debug!(?why, key = %flight, "not reused");
                (why.forward_reason(), None)
            }
            None if found.is_empty() => (ForwardReason::UriMiss, None),
            None => (ForwardReason::VaryMiss, None),
        };
        if self.asked.wishes.only_if_cached {
            return Work::answered(self.client().not_cached());
        }
        Work::forwarding(self.forward(why, stored, flight))
    }

    /// Goes on with what was found at last.
    pub(crate) fn again<ResB>(mut self, found: Option<Arc<Variants>>) -> Work<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>, Response = Response<ResB>>,
        ResB: Body<Data = Bytes> + Send + 'static,
        ResB::Error: Into<BoxError>,
    {
        self.now = self.cache.instant();
        self.go_on(found)
    }

    fn answered<ResB>(&self, entry: &Entry, status: CacheStatus) -> Work<S, ReqB, ResB> {
        let response = self
            .client()
            .hit(entry, status, self.now, Extensions::new());
        Work::answered(response)
    }

    fn forward(
        self,
        why: ForwardReason,
        stored: Option<Arc<Entry>>,
        flight: FlightKey,
    ) -> Forward<S, ReqB> {
        Forward {
            pending: self,
            why,
            stored,
            flight,
            turn: None,
        }
    }
}
