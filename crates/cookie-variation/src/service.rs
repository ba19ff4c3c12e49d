use std::{
    any, fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use peregrine_core::Variant;
use pin_project_lite::pin_project;
use tower_service::Service;
use tracing::debug;

use crate::{
    accessors,
    downstream::Audience,
    rules::{Rules, drop_control_fields},
};

/// The outer half of a [`CookieVariation`](crate::CookieVariation): in front of
/// the cache, where clients are.
#[derive(Clone)]
pub struct CookieVariationService<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> CookieVariationService<S> {
    pub(crate) const fn new(inner: S, rules: Arc<Rules>) -> Self {
        Self { inner, rules }
    }
}

accessors!(CookieVariationService);

impl<S, ReqB, ResB> Service<Request<ReqB>> for CookieVariationService<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        drop_control_fields(&mut request);
        let asked = self.rules.ask(&request);
        if let Variant::Pass(reason) = asked.variant {
            debug!(reason, uri = %request.uri(), "pass");
        }
        request.extensions_mut().insert(asked.variant);
        request.extensions_mut().insert(asked.exchange);
        ResponseFuture {
            inner: self.inner.call(request),
            audience: asked.audience,
        }
    }
}

pin_project! {
    /// The response of a [`CookieVariationService`].
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        audience: Audience,
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        this.audience.declare(response.headers_mut());
        Poll::Ready(Ok(response))
    }
}

impl<S> fmt::Debug for CookieVariationService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieVariationService")
            .field("inner", &any::type_name::<S>())
            .field("rules", &self.rules)
            .finish()
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
