use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{AccountedBody, exchange::Exchange};

pin_project! {
    /// Response future of [`RequestAccountingService`].
    ///
    /// [`RequestAccountingService`]: crate::RequestAccountingService
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // Gone to the body, or over, once the inner future is ready.
        exchange: Option<Exchange>,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) const fn new(inner: F, exchange: Exchange) -> Self {
        Self {
            inner,
            exchange: Some(exchange),
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<AccountedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        let mut exchange = this
            .exchange
            .take()
            .expect("a future is not polled after it was ready");
        Poll::Ready(match result {
            Ok(response) => {
                exchange.respond(&response);
                Ok(response.map(|body| AccountedBody::new(body, exchange)))
            }
            Err(error) => {
                exchange.fail();
                Err(error)
            }
        })
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("inner", &std::any::type_name::<F>())
            .finish_non_exhaustive()
    }
}
