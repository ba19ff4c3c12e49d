//! The cache as a service for hyper, without an adapter.

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::service::Service;
use tower::BoxError;

use super::{TurboCacheService, respond};
use crate::{CacheBody, ResponseFuture, passing::Room};

/// A [`TurboCacheService`] around which there is no other service: hyper itself calls it.
///
/// hyper reads the extensions of no response. So this one puts no
/// [`CacheStatus`](peregrine_core::CacheStatus) into those of a response that passes the
/// cache by: to make one is two fifths of the instructions that the cache adds to such a
/// request. All else is as ever, and the field `Cache-Status` says it, too.
///
/// Made by [`TurboCacheService::outermost`].
///
/// ```
/// use std::io;
///
/// use http_body_util::Full;
/// use hyper::{Request, Response, body::{Bytes, Incoming}, server::conn::http1};
/// use hyper_util::rt::TokioIo;
/// use tokio::net::TcpListener;
/// use tower::{Layer, service_fn};
/// use turbocache::TurboCache;
///
/// async fn serve(listener: TcpListener) -> io::Result<()> {
///     let page = service_fn(async |_: Request<Incoming>| {
///         Response::builder()
///             .header("cache-control", "max-age=60")
///             .body(Full::<Bytes>::from("Hello"))
///     });
///     let cached = TurboCache::conservative().layer(page).outermost();
///     loop {
///         let (stream, _) = listener.accept().await?;
///         let stream = TokioIo::new(stream);
///         tokio::spawn(http1::Builder::new().serve_connection(stream, cached.clone()));
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Outermost<S>(TurboCacheService<S>);

impl<S> TurboCacheService<S> {
    /// The same for hyper alone, which takes less where a request passes.
    pub const fn outermost(self) -> Outermost<S> {
        Outermost(self)
    }
}

/// The inner service is cloned for each request that is sent to it, since hyper shares
/// a service among its requests.
impl<S, ReqB, ResB> Service<Request<ReqB>> for TurboCacheService<S>
where
    S: tower_service::Service<Request<ReqB>, Response = Response<ResB>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Body + Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    type Response = Response<CacheBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqB, ResB>;

    #[inline]
    fn call(&self, request: Request<ReqB>) -> Self::Future {
        respond(&self.cache, || self.inner.clone(), request, Room::of)
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for Outermost<S>
where
    S: tower_service::Service<Request<ReqB>, Response = Response<ResB>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Body + Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    type Response = Response<CacheBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqB, ResB>;

    #[inline]
    fn call(&self, request: Request<ReqB>) -> Self::Future {
        let TurboCacheService { inner, cache } = &self.0;
        respond(cache, || inner.clone(), request, |_| Room::Unread)
    }
}
