use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{HeaderMap, Request};
use ipnet::IpNet;
use peregrine_upstream_pool::forwarded::{PeerAddr, TrustedProxies};
use tower_layer::Layer;
use tower_service::Service;
use tracing::{Instrument, Span, debug_span, instrument::Instrumented};

use super::traceparent::{Random, TRACEPARENT, TRACESTATE, TraceParent};

/// Makes [`TraceContext`]. See the [module's documentation](super).
#[derive(Clone, Debug, Default)]
pub struct TraceContextLayer {
    rules: Option<Arc<Rules>>,
}

/// Sees to it that each request belongs to a trace. See the [module's
/// documentation](super).
#[derive(Clone, Debug)]
pub struct TraceContext<S> {
    inner: S,
    rules: Option<Arc<Rules>>,
}

#[derive(Clone, Debug)]
struct Rules {
    share: f64,
    trusted: TrustedProxies,
}

impl TraceContextLayer {
    /// Begins a trace for each request that brings none, and samples a `share` of
    /// those, from 0 for none to 1 for all. Believes nobody.
    pub fn new(share: f64) -> Self {
        let rules = Rules {
            share,
            trusted: TrustedProxies::default(),
        };
        Self {
            rules: Some(Arc::new(rules)),
        }
    }

    /// Leaves requests as they are.
    pub const fn off() -> Self {
        Self { rules: None }
    }

    /// Believes peers in these networks what they say of a trace. No effect if this
    /// is [`off`](Self::off).
    #[must_use]
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        if let Some(rules) = &mut self.rules {
            Arc::make_mut(rules).trusted = networks.into_iter().collect();
        }
        self
    }
}

impl<S> Layer<S> for TraceContextLayer {
    type Service = TraceContext<S>;

    fn layer(&self, inner: S) -> TraceContext<S> {
        TraceContext {
            inner,
            rules: self.rules.clone(),
        }
    }
}

impl<S> TraceContext<S> {
    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, on its own.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B> Service<Request<B>> for TraceContext<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Instrumented<S::Future>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match &self.rules {
            None => Either::Left(self.inner.call(request)),
            Some(rules) => Either::Right(rules.trace(&mut self.inner, request)),
        }
    }
}

impl Rules {
    fn trace<S, B>(&self, service: &mut S, mut request: Request<B>) -> Instrumented<S::Future>
    where
        S: Service<Request<B>>,
    {
        let span = self.apply(&mut request);
        let future = span.in_scope(|| service.call(request));
        future.instrument(span)
    }

    /// Puts the request into a trace, and gives the span in which it is served.
    fn apply<B>(&self, request: &mut Request<B>) -> Span {
        let peer = request.extensions().get::<PeerAddr>();
        let is_trusted = peer.is_some_and(|PeerAddr(peer)| self.trusted.contains(peer.ip()));
        let came = TraceParent::of(request.headers()).filter(|_| is_trusted);
        let span = debug_span!(
            "request",
            method = %request.method(),
            path = request.uri().path(),
            trace_id = tracing::field::Empty,
            span_id = tracing::field::Empty,
            parent_id = tracing::field::Empty,
        );
        if came.is_none() {
            request.headers_mut().remove(TRACEPARENT);
            request.headers_mut().remove(TRACESTATE);
        }
        let told = match (came, Random::new()) {
            (None, Some(random)) => TraceParent::begin(random, self.share),
            (Some(came), Some(random)) if !span.is_disabled() => came.child(random),
            _ => return span,
        };
        tell(request.headers_mut(), told);
        span.record("trace_id", tracing::field::display(told.trace_id()));
        span.record("span_id", tracing::field::display(told.parent_id()));
        if let Some(came) = came {
            span.record("parent_id", tracing::field::display(came.parent_id()));
        }
        span
    }
}

fn tell(headers: &mut HeaderMap, parent: TraceParent) {
    if let Some(field) = parent.to_field() {
        headers.insert(TRACEPARENT, field);
    }
}

#[cfg(test)]
mod tests;
