use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use ipnet::IpNet;
use peregrine_request_accounting::RequestAccounting;
use peregrine_upstream_pool::{
    Error,
    forwarded::{BelieveLayer, InformLayer},
};
use tower::{BoxError, ServiceBuilder};
use tower_service::Service;
use turbocache::TurboCache;

use crate::ErrorPages;

/// What stands in front of an application, in the right order.
///
/// See the [crate's documentation](crate) for the order and an example. The
/// service that results is always ready: requests wait in the pool's queue.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Stack {
    accounting: RequestAccounting,
    trusted_proxies: Vec<IpNet>,
    error_pages: ErrorPages,
}

impl Stack {
    /// Trusts no proxy, and shows no details on error pages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Believes what these networks say about their clients in
    /// `X-Forwarded-*`. Default: nobody.
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted_proxies.extend(networks);
        self
    }

    /// How errors are shown. Default: [`ErrorPages::new`], fit for production.
    pub fn error_pages(mut self, pages: ErrorPages) -> Self {
        self.error_pages = pages;
        self
    }

    /// The numbers of all requests that come to this stack.
    pub fn accounting(&self) -> &RequestAccounting {
        &self.accounting
    }

    /// Puts the stack in front of `upstream`, with a cache.
    pub fn cached<U, ReqB, ResB>(
        self,
        cache: TurboCache,
        upstream: U,
    ) -> impl Service<
        Request<ReqB>,
        Response = Response<impl Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static
    where
        U: Service<Request<ReqB>, Response = Response<ResB>, Error = Error>
            + Clone
            + Send
            + 'static,
        U::Future: Send + 'static,
        ReqB: Body + Send + 'static,
        ResB: Body<Data = Bytes> + Send + 'static,
        ResB::Error: Into<BoxError>,
    {
        ServiceBuilder::new()
            .layer(self.accounting)
            .layer(BelieveLayer::new(self.trusted_proxies))
            .layer(cache)
            .layer(self.error_pages)
            .layer(InformLayer::new())
            .service(upstream)
    }

    /// Puts the stack in front of `upstream`, without a cache.
    pub fn uncached<U, ReqB, ResB>(
        self,
        upstream: U,
    ) -> impl Service<
        Request<ReqB>,
        Response = Response<impl Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static
    where
        U: Service<Request<ReqB>, Response = Response<ResB>, Error = Error>
            + Clone
            + Send
            + 'static,
        U::Future: Send + 'static,
        ReqB: Body + Send + 'static,
        ResB: Body<Data = Bytes> + Send + 'static,
        ResB::Error: Into<BoxError>,
    {
        ServiceBuilder::new()
            .layer(self.accounting)
            .layer(BelieveLayer::new(self.trusted_proxies))
            .layer(self.error_pages)
            .layer(InformLayer::new())
            .service(upstream)
    }
}
