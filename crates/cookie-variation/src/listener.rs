use std::{
    any, fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    accessors,
    rules::{Exchange, Rules},
};

/// The inner half of a [`CookieVariation`](crate::CookieVariation): behind the
/// cache, where each answer is the application's own, to the very request that
/// it was asked.
#[derive(Clone)]
pub struct Listener<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Listener<S> {
    pub(crate) const fn new(inner: S, rules: Arc<Rules>) -> Self {
        Self { inner, rules }
    }
}

accessors!(Listener);

impl<S, ReqB, ResB> Service<Request<ReqB>> for Listener<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = ListenerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        let exchange = request.extensions_mut().remove();
        ListenerFuture {
            inner: self.inner.call(request),
            unheard: Unheard {
                exchange,
                rules: Arc::clone(&self.rules),
            },
        }
    }
}

pin_project! {
    /// The response of a [`Listener`].
    ///
    /// If it is dropped, nobody hears what the application says. It may have ended
    /// the session all the same, so nothing is known of that any longer.
    pub struct ListenerFuture<F> {
        #[pin]
        inner: F,
        unheard: Unheard,
    }
}

/// An answer that was not heard yet.
struct Unheard {
    /// Absent if it was, or if nobody need listen.
    exchange: Option<Exchange>,
    rules: Arc<Rules>,
}

impl Drop for Unheard {
    fn drop(&mut self) {
        if let Some(exchange) = &self.exchange {
            self.rules.cannot_hear(exchange);
        }
    }
}

impl<F, B, E> Future for ListenerFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx));
        let exchange = this.unheard.exchange.take();
        // Before anybody else has it: whoever sees this answer finds the table
        // as the answer left it.
        match &mut answer {
            Ok(response) => this.unheard.rules.hear(exchange.as_ref(), response),
            Err(_) => this.unheard.rules.hear_failure(exchange.as_ref()),
        }
        Poll::Ready(answer)
    }
}

impl<S> fmt::Debug for Listener<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("inner", &any::type_name::<S>())
            .field("rules", &self.rules)
            .finish()
    }
}

impl<F> fmt::Debug for ListenerFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerFuture").finish_non_exhaustive()
    }
}
