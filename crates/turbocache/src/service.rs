#[cfg(feature = "hyper")]
mod for_hyper;

use std::{
    any,
    borrow::BorrowMut,
    fmt, mem,
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

#[cfg(feature = "hyper")]
pub use self::for_hyper::Outermost;
use crate::{
    CacheBody, ResponseFuture,
    cache::Cache,
    client::{Client, not_modified},
    future::Work,
    key::{Key, KeyParts},
    passing::{Passing, Room, Sight, Why, note},
    pending::Pending,
    policy::{
        ambiguity::is_ambiguous,
        request::{Asked, Eligible, Pass},
        reuse::Reuse,
        validation::Verdict::NotModified,
    },
    store::{Entry, LookUp, Variants},
    unsafe_request::UnsafeRequest,
};

/// A service that answers from memory what it may, and asks `S` for the rest.
///
/// Made by [`TurboCache`](crate::TurboCache). It is always ready: whether `S` is,
/// is asked only for a request that is sent to it. If it is not, the request waits
/// with the one that was asked, and a clone takes its place here.
///
/// So it may be called without being asked. With the feature `hyper` it is a service for
/// hyper as it is: `serve_connection(io, service)`, without a clone for each request; and
/// `service.outermost()` is one that takes less where there is no service around it.
/// Without the feature, one is best made by
/// `service_fn(move |request| service.clone().call(request))`: an adapter that asks when
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

    #[inline]
    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        respond(&self.cache, || &mut self.inner, request, Room::of)
    }
}

/// Answers `request` from memory if it may, and asks `inner` otherwise. If it passes, there
/// is `room` for the typed value that is said of it.
// Not inlined, and the two below neither, to which the request is given whole: as long as
// nothing that is called here may keep a reference to it, the compiler does not copy it
// before it is looked at. That would be 250 bytes.
#[inline(never)]
fn respond<S, I, ReqB, ResB>(
    cache: &Shared<Arc<Cache>>,
    inner: impl FnOnce() -> I,
    request: Request<ReqB>,
    room: impl FnOnce(&Request<ReqB>) -> Room,
) -> ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    I: BorrowMut<S>,
    ReqB: Body + Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    let room = room(&request);
    let reason = match Sight::of(cache, &request) {
        Sight::Passes(reason) => reason,
        Sight::Eligible(eligible) => {
            return answer(cache, inner().borrow_mut(), request, eligible, room);
        }
        Sight::Watched(eligible, watched) => {
            let why = Why::Watched(eligible, watched);
            return pass(cache, inner().borrow_mut(), request, why, room);
        }
    };
    let word = cache.config.name.word(&reason);
    // Nearly all that pass are one of these two.
    if UnsafeRequest::may_be(&request, reason) {
        if let Some(targets) = UnsafeRequest::plain(&request, reason) {
            note(&request, reason, cache);
            let passing = || Passing::plain(&targets, word, room, cache);
            return ResponseFuture::passing(inner().borrow_mut(), request, passing);
        }
    } else if let Some(word) = word {
        note(&request, reason, cache);
        let passing = || Passing::said(word, room);
        return ResponseFuture::passing(inner().borrow_mut(), request, passing);
    }
    let why = Why::Itself(reason);
    pass(cache, inner().borrow_mut(), request, why, room)
}

/// The same for one that may be looked up.
#[inline(never)]
fn answer<S, ReqB, ResB>(
    cache: &Shared<Arc<Cache>>,
    inner: &mut S,
    mut request: Request<ReqB>,
    eligible: Eligible,
    room: Room,
) -> ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Body + Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    let (asked, parts) = match admit(cache, &request, eligible) {
        Ok(admitted) => admitted,
        Err(reason) => return pass(cache, inner, request, Why::Itself(reason), room),
    };
    let now = cache.instant();
    let spot = cache.spot(&parts);
    let mut variants = None;
    if !asked.told
        && let Some(mut near) = cache.near(spot, &parts, now)
    {
        let copies = near.copies();
        if asked.is_for_the_page() {
            let make = |key: &Key, entry: &Entry| cache.ready(key, entry, now);
            if let Some(ready) = copies.ready(request.headers(), now, make) {
                trace!(status = %ready.status(), "hit");
                cache.counters.hits.add_one();
                let extensions = mem::take(request.extensions_mut());
                let response = ready.give(extensions);
                if asked.conditional && ready.verdict(request.headers()) == NotModified {
                    return ResponseFuture::answered(not_modified(response));
                }
                return ResponseFuture::answered(response);
            }
        }
        variants = Some(copies.variants());
    }
    let key = parts.key();
    if let Some(variants) = variants
        && let Some(response) = hit(cache, &mut request, asked, &key, &variants, now)
    {
        return ResponseFuture::answered(response);
    }
    let keys = cache.variances.keys(key);
    let settled = cache.journal.settled();
    let found = if asked.told {
        // Whatever is stored, nobody knows whether this client may see it.
        LookUp::Ready(None)
    } else {
        cache.look_up(&keys)
    };
    // Before anything is done for those who have to wait.
    if let LookUp::Ready(Some(variants)) = &found
        && let Some(response) = hit(cache, &mut request, asked, keys.exact(), variants, now)
    {
        cache.not_near(spot, keys.exact(), variants);
        return ResponseFuture::answered(response);
    }
    let asked = Asked {
        ambiguous: is_ambiguous(request.headers())
            || keys.exact().is_for_a_respelled_host(&request),
        ..asked
    };
    let (inner, cache) = (inner.clone(), Arc::clone(cache));
    let pending = Pending::new(inner, cache, request, keys, asked, now, settled);
    match found {
        LookUp::Ready(found) => pending.go_on(found),
        LookUp::Later(later) => Work::looking_up(later, pending),
    }
    .into()
}

/// The same for one that passes.
#[inline(never)]
fn pass<S, ReqB, ResB>(
    cache: &Shared<Arc<Cache>>,
    inner: &mut S,
    request: Request<ReqB>,
    why: Why,
    room: Room,
) -> ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Clone,
{
    let passing = Passing::of(&request, why, room, cache);
    ResponseFuture::passing(inner, request, || passing)
}

/// What `request` asks, and its key; or why it passes.
#[inline]
fn admit<'a, B>(
    cache: &Cache,
    request: &'a Request<B>,
    eligible: Eligible,
) -> Result<(Asked, KeyParts<'a>), Pass> {
    let asked = eligible.asked(&cache.config.policy, request);
    let lookup = eligible.look_up(asked, request)?;
    let parts = KeyParts::of(request, &lookup, &cache.config.query)?;
    Ok((lookup.asked, parts))
}

/// An answer that is fresh, and all there.
fn hit<ReqB, ResB>(
    cache: &Arc<Cache>,
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
        cache,
        key,
        asked,
        headers: request.headers(),
    };
    Some(client.hit(entry, CacheStatus::hit(ttl), now, extensions))
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
