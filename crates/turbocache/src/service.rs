use std::{
    any, fmt,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine_core::{CacheStatus, ForwardReason};
use tower::{BoxError, util::Oneshot};
use tower_service::Service;
use tracing::{debug, trace};

use crate::{
    CacheBody, ResponseFuture,
    cache::Cache,
    fetch::Miss,
    flight::{Entered, Flight, Follower, Leader},
    key::Key,
    policy::request::{Lookup, Pass, may_look_up},
    store::Entry,
};

/// A service that answers from memory what it may, and asks `S` for the rest.
///
/// Made by [`TurboCache`](crate::TurboCache). It is always ready: `S` is made
/// ready only for a request that is sent to it, on a clone, and that clone is
/// the one that is called.
#[derive(Clone)]
pub struct TurboCacheService<S> {
    inner: S,
    cache: Arc<Cache>,
}

impl<S> TurboCacheService<S> {
    pub(crate) const fn new(inner: S, cache: Arc<Cache>) -> Self {
        Self { inner, cache }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    #[cfg(test)]
    pub(crate) fn flights(&self) -> usize {
        self.cache.flights.len()
    }

    /// The inner service, without the cache.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> TurboCacheService<S> {
    /// A clone of the inner service that has yet to become ready, and its
    /// request.
    fn call_inner<ReqB>(&self, request: Request<ReqB>) -> Oneshot<S, Request<ReqB>>
    where
        S: Service<Request<ReqB>> + Clone,
    {
        Oneshot::new(self.inner.clone(), request)
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for TurboCacheService<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Body + Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    type Response = Response<CacheBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqB, ResB>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let found = may_look_up(&request).and_then(|lookup| {
            let key = Key::of(&request, &lookup)?;
            Ok((Asked::of(&lookup), key))
        });
        match found {
            Ok((asked, key)) => ResponseFuture::look_up(self, request, asked, key),
            Err(reason) => ResponseFuture::pass(self, request, reason),
        }
    }
}

/// What is kept of a [`Lookup`] when the request itself moves on.
#[derive(Clone, Copy)]
struct Asked {
    head: bool,
    no_store: bool,
    conditional: bool,
}

impl Asked {
    const fn of(lookup: &Lookup<'_>) -> Self {
        Self {
            head: lookup.head,
            no_store: lookup.no_store,
            conditional: lookup.conditional,
        }
    }
}

/// How a request is answered. These are functions of the future, because it has
/// all the types that they need.
impl<S, ReqB, ResB> ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    fn pass(service: &TurboCacheService<S>, request: Request<ReqB>, reason: Pass) -> Self {
        debug!(reason = reason.as_str(), "pass");
        service.cache.counters.passes.add_one();
        let status = CacheStatus::forward(reason.forward_reason());
        let status = match reason {
            // `fwd=method` says it already.
            Pass::Method => status,
            _ => status.because(reason.as_str()),
        };
        Self::passing(
            service.call_inner(request),
            Arc::clone(&service.cache),
            status,
        )
    }

    fn look_up(
        service: &TurboCacheService<S>,
        request: Request<ReqB>,
        asked: Asked,
        key: Key,
    ) -> Self {
        let cache = &service.cache;
        let now = cache.instant();
        let why = match cache.get(&key) {
            Some(entry) => match entry.head.ttl(now) {
                Some(ttl) => return Self::hit(cache, &entry, asked.head, now, ttl),
                None => ForwardReason::Stale,
            },
            None => ForwardReason::UriMiss,
        };
        let detail = match asked {
            Asked { no_store: true, .. } => "request-no-store",
            Asked { head: true, .. } => "head",
            Asked { conditional, .. } => {
                let cache = Arc::clone(cache);
                let miss = Miss {
                    cache,
                    key,
                    why,
                    conditional,
                };
                return Self::miss(service, request, miss, now);
            }
        };
        // Whatever the response says, nobody else may have it.
        debug!(reason = detail, "not stored");
        cache.counters.misses.add_one();
        let status = CacheStatus::forward(why).because(detail);
        Self::passing(service.call_inner(request), Arc::clone(cache), status)
    }

    fn hit(cache: &Cache, entry: &Entry, head: bool, now: Instant, ttl: Duration) -> Self {
        trace!(?ttl, "hit");
        cache.counters.hits.add_one();
        let body = if head {
            Bytes::new()
        } else {
            entry.body.clone()
        };
        let response = entry.head.respond(CacheBody::stored(body), now);
        Self::answered(cache.say(response, CacheStatus::hit(ttl)))
    }

    /// A miss whose response may be stored, and shared.
    fn miss(
        service: &TurboCacheService<S>,
        request: Request<ReqB>,
        miss: Miss,
        now: Instant,
    ) -> Self {
        let cache = Arc::clone(&service.cache);
        // Cloned before the table is locked, because it is foreign code.
        let call = service.call_inner(request);
        // To join is as good as a hit. To lead is not for a request with
        // preconditions: it may get a 304, which is of no use to others.
        let entered = if miss.conditional {
            cache.flights.find(&miss.key).map(Entered::Joined)
        } else if cache.unshareable.holds(&miss.key, now) {
            None
        } else {
            cache.flights.enter(&miss.key)
        };
        let vacancy = match entered {
            None => return Self::fetching(call, miss.fetch(now, None)),
            Some(Entered::Joined(flight)) => {
                return Self::following(Follower::new(flight, now), call, miss);
            }
            Some(Entered::Vacant(vacancy)) => vacancy,
        };
        // A flight stores its response before it leaves the table. So if one has
        // left since the look-up, this finds what it stored.
        let entry = cache.get(&miss.key);
        if let Some((entry, ttl)) = entry.and_then(|entry| {
            let ttl = entry.head.ttl(now)?;
            Some((entry, ttl))
        }) {
            drop(vacancy);
            return Self::hit(&cache, &entry, false, now, ttl);
        }
        let status = miss.status();
        let flight = vacancy.fill(|ticket| Flight::new(call, miss.fetch(now, Some(ticket))));
        Self::leading(Leader::new(flight), Arc::clone(&cache), status)
    }
}

impl<S> fmt::Debug for TurboCacheService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurboCacheService")
            .field("inner", &any::type_name::<S>())
            .field("name", &self.cache.config.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
