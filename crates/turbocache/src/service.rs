use std::{
    any, fmt, mem,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine_core::{CacheStatus, Shared};
use tower::BoxError;
use tower_service::Service;
use tracing::trace;

use crate::{
    CacheBody, ResponseFuture,
    admission::Glance,
    cache::Cache,
    client::{Client, not_modified},
    future::State,
    key::{Key, KeyParts},
    passing::Passing,
    pending::Pending,
    policy::{
        ambiguity::is_ambiguous, request::Asked, reuse::Reuse, validation::Verdict::NotModified,
    },
    prompt::Prompt,
    store::{Entry, LookUp, Variants},
};

/// A service that answers from memory what it may, and asks `S` for the rest.
///
/// Made by [`TurboCache`](crate::TurboCache). It is always ready: whether `S` is,
/// is asked only for a request that is sent to it. If it is not, the request waits
/// with the one that was asked, and a clone takes its place here.
///
/// So it may be called without being asked, and a service for hyper is best made so:
/// `service_fn(move |request| service.clone().call(request))`. An adapter that asks when
/// its future is polled keeps the request until then, and the connection meanwhile takes
/// another buffer to read into.
#[derive(Clone)]
pub struct TurboCacheService<S> {
    inner: S,
    cache: Shared<Arc<Cache>>,
}

impl<S> TurboCacheService<S> {
    pub(crate) fn new(inner: S, cache: Arc<Cache>) -> Self {
        let cache = Shared::new(cache);
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

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        let policy = &self.cache.config.policy;
        let eligible = match policy.may_look_up(&request) {
            Ok(eligible) => eligible,
            Err(reason) => return self.pass(Passing::of(&request, reason, &self.cache), request),
        };
        let now = self.cache.instant();
        if let Some(aside) = self
            .cache
            .admission
            .ask(&request, eligible.has_cookie(), now)
        {
            let glance = Glance::new(aside, || eligible.asked(policy, request.headers()), now);
            return self.pass(Passing::aside(&request, glance, &self.cache), request);
        }
        let lookup = eligible.look_up(policy, request.headers());
        let asked = lookup.asked;
        let parts = match KeyParts::of(&request, &lookup, &self.cache.config.query) {
            Ok(parts) => parts,
            Err(reason) => return self.pass(Passing::of(&request, reason, &self.cache), request),
        };
        let spot = self.cache.spot(&parts);
        let mut variants = None;
        if !asked.told
            && let Some(mut near) = self.cache.near(spot, &parts, now)
        {
            let copies = near.copies();
            if asked.is_for_the_page() {
                let make = |key: &Key, entry: &Entry| self.cache.ready(key, entry, now);
                if let Some(ready) = copies.ready(request.headers(), now, make) {
                    trace!(status = %ready.status(), "hit");
                    self.cache.counters.hits.add_one();
                    let extensions = mem::take(request.extensions_mut());
                    let response = ready.give(extensions);
                    if asked.conditional && ready.verdict(request.headers()) == NotModified {
                        return State::answered(not_modified(response)).into();
                    }
                    return State::answered(response).into();
                }
            }
            variants = Some(copies.variants());
        }
        let key = parts.key();
        if let Some(variants) = variants
            && let Some(response) = self.hit(&mut request, asked, &key, &variants, now)
        {
            return State::answered(response).into();
        }
        let keys = self.cache.variances.keys(key);
        let found = if asked.told {
            // Whatever is stored, nobody knows whether this client may see it.
            LookUp::Ready(None)
        } else {
            self.cache.look_up(&keys)
        };
        // Before anything is done for those who have to wait.
        if let LookUp::Ready(Some(variants)) = &found
            && let Some(response) = self.hit(&mut request, asked, keys.exact(), variants, now)
        {
            self.cache.not_near(spot, keys.exact(), variants);
            return State::answered(response).into();
        }
        let asked = Asked {
            ambiguous: is_ambiguous(request.headers()),
            ..asked
        };
        let route = self.cache.admission.route(&request);
        let (inner, cache) = (self.inner.clone(), Arc::clone(&self.cache));
        let pending = Pending::new(inner, cache, request, keys, asked, route, now);
        match found {
            LookUp::Ready(found) => pending.go_on(found),
            LookUp::Later(later) => State::looking_up(later, pending),
        }
        .into()
    }
}

impl<S> TurboCacheService<S> {
    /// An answer that is fresh, and all there.
    fn hit<ReqB, ResB>(
        &self,
        request: &mut Request<ReqB>,
        asked: Asked,
        key: &Key,
        variants: &Variants,
        now: Instant,
    ) -> Option<Response<CacheBody<ResB>>> {
        let entry = variants.select(request.headers())?;
        let Reuse::Fresh { ttl } = entry.head.terms().reuse(asked, now) else {
            return None;
        };
        if !entry.is_whole() {
            return None;
        }
        let extensions = mem::take(request.extensions_mut());
        let client = Client {
            cache: &self.cache,
            key,
            asked,
            headers: request.headers(),
        };
        Some(client.hit(entry, CacheStatus::hit(ttl), now, extensions))
    }

    /// Sends it on without having a part in it until it is answered.
    #[expect(
        clippy::inline_always,
        reason = "or the request is moved once more for nothing"
    )]
    #[inline(always)]
    fn pass<ReqB, ResB>(
        &mut self,
        passing: Passing,
        request: Request<ReqB>,
    ) -> ResponseFuture<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>> + Clone,
    {
        self.cache.counters.passes.add_one();
        let call = Prompt::new(&mut self.inner, request);
        State::passing(call, passing).into()
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
