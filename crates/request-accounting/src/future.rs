use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{AccountedBody, End, exchange::Exchange};

pin_project! {
    /// Response future of [`RequestAccountingService`].
    ///
    /// [`RequestAccountingService`]: crate::RequestAccountingService
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // Gone to the body, or over, once the inner future is ready.
        exchange: Exchange,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) const fn new(inner: F, exchange: Exchange) -> Self {
        Self { inner, exchange }
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
        // Moved once, from where it is: responses are large.
        match this.inner.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => {
                let exchange = this.exchange.answered(&response);
                Poll::Ready(Ok(response.map(|body| AccountedBody::new(body, exchange))))
            }
            Poll::Ready(Err(error)) => {
                this.exchange.end(End::Failed);
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("inner", &std::any::type_name::<F>())
            .finish_non_exhaustive()
    }
}
