use std::{
    any, fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
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
    cache::{Cache, Fresh},
    fetch::Miss,
    flight::{Entered, Flight, Follower, Leader},
    key::Key,
    policy::request::{Asked, Pass},
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

    fn hit<B>(&self, fresh: &Fresh, head: bool, now: Instant) -> Response<CacheBody<B>> {
        let Fresh { entry, ttl } = fresh;
        trace!(?ttl, "hit");
        self.cache.counters.hits.add_one();
        let body = if head {
            Bytes::new()
        } else {
            entry.body.clone()
        };
        let response = entry.head.respond(CacheBody::stored(body), now);
        self.cache.say(response, CacheStatus::hit(*ttl))
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
        let lookup = match self.cache.config.policy.look_up(&request) {
            Ok(lookup) => lookup,
            Err(reason) => return ResponseFuture::pass(self, request, reason),
        };
        // Nothing is sent in parts yet.
        if lookup.asked.range {
            return ResponseFuture::pass(self, request, Pass::Range);
        }
        let key = match Key::of(&request, &lookup, &self.cache.config.query) {
            Ok(key) => key,
            Err(reason) => return ResponseFuture::pass(self, request, reason),
        };
        let now = self.cache.instant();
        let why = match self.cache.get_fresh(&key, now) {
            Ok(fresh) => return ResponseFuture::answered(self.hit(&fresh, lookup.asked.head, now)),
            Err(why) => why,
        };
        // Whatever the response to these says, nobody else may have it.
        let unstored = match lookup.asked {
            Asked { wishes, .. } if wishes.no_store => Some("request-no-store"),
            Asked { head: true, .. } => Some("head"),
            _ => None,
        };
        if let Some(reason) = unstored {
            return ResponseFuture::unstored(self, request, why, reason);
        }
        let miss = Miss {
            cache: Arc::clone(&self.cache),
            key,
            why,
            asked: lookup.asked,
        };
        ResponseFuture::miss(self, request, miss, now)
    }
}

/// How a request goes on that was not answered at once. These are functions of
/// the future, because it has all the types that they need.
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
        debug!(reason = reason.as_str(), uri = %request.uri(), "pass");
        let cache = Arc::clone(&service.cache);
        cache.counters.passes.add_one();
        let status = CacheStatus::forward(reason.forward_reason());
        let status = match reason {
            // `fwd=method` says it already.
            Pass::Method => status,
            _ => status.because(reason.as_str()),
        };
        Self::passing(service.call_inner(request), cache, status)
    }

    fn unstored(
        service: &TurboCacheService<S>,
        request: Request<ReqB>,
        why: ForwardReason,
        reason: &'static str,
    ) -> Self {
        debug!(reason, uri = %request.uri(), "not stored");
        let cache = Arc::clone(&service.cache);
        cache.counters.misses.add_one();
        let status = CacheStatus::forward(why).because(reason);
        Self::passing(service.call_inner(request), cache, status)
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
        let entered = if miss.asked.conditional {
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
        if let Ok(fresh) = cache.get_fresh(&miss.key, now) {
            drop(vacancy);
            return Self::answered(service.hit(&fresh, false, now));
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
