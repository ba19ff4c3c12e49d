use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Body;
use peregrine_core::Again;
use pin_project_lite::pin_project;
use tower::BoxError;

use super::{ResponseBody, layer::Config};

pin_project! {
    /// Response future of
    /// [`ResponseBufferingService`](super::ResponseBufferingService).
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        config: Again<Arc<Config>>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) const fn new(inner: F, config: Again<Arc<Config>>) -> Self {
        Self { inner, config }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Moved once, from where it is: responses are large.
        match this.inner.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => {
                let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
                Poll::Ready(Ok(response.map(|body| {
                    if upgraded {
                        ResponseBody::held(body)
                    } else {
                        ResponseBody::read_ahead(body, this.config, cx)
                    }
                })))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
