use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use peregrine_core::{Shared, moment};
use tower::load::Load;
use tower_service::Service;

use crate::{AccountedBody, RequestAccounting, ResponseFuture, content::Asked, exchange::Exchange};

/// Counts the requests that go through it. Made by [`RequestAccounting`].
///
/// As ready as its inner service, same requests, same errors; a clone counts
/// into the same numbers. Its [`Load`] is busyness, the requests in flight, of
/// all services that share these numbers. With the feature `hyper` it is a service for
/// hyper, too, if its inner service is one. See the
/// [crate's documentation](crate) for an example.
#[derive(Clone, Debug)]
pub struct RequestAccountingService<S> {
    inner: S,
    accounting: Shared<RequestAccounting>,
}

impl<S> RequestAccountingService<S> {
    pub(crate) fn new(inner: S, accounting: RequestAccounting) -> Self {
        let accounting = Shared::new(accounting);
        Self { inner, accounting }
    }

    /// The numbers that this service counts into.
    pub fn accounting(&self) -> &RequestAccounting {
        &self.accounting
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service. Requests that are sent to it directly aren't counted.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes the accounting off.
    pub fn into_inner(self) -> S {
        self.inner
    }

    #[inline]
    fn start<B>(&self, request: &Request<B>) -> Exchange {
        let asked = Asked::from(request.method());
        let observed = self.accounting.observe(request);
        Exchange::start(self.accounting.counters().local(), asked, observed)
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for RequestAccountingService<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    ResB: Body,
{
    type Response = Response<AccountedBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        moment::during(|| {
            // Before the call: what the inner service does in it takes time, too.
            let exchange = self.start(&request);
            ResponseFuture::new(self.inner.call(request), exchange)
        })
    }
}

/// Around a service for hyper, one for hyper.
#[cfg(feature = "hyper")]
impl<S, ReqB, ResB> hyper::service::Service<Request<ReqB>> for RequestAccountingService<S>
where
    S: hyper::service::Service<Request<ReqB>, Response = Response<ResB>>,
    ResB: Body,
{
    type Response = Response<AccountedBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    #[inline]
    fn call(&self, request: Request<ReqB>) -> Self::Future {
        moment::during(|| {
            let exchange = self.start(&request);
            ResponseFuture::new(self.inner.call(request), exchange)
        })
    }
}

impl<S> Load for RequestAccountingService<S> {
    type Metric = usize;

    fn load(&self) -> Self::Metric {
        self.accounting.in_flight()
    }
}
