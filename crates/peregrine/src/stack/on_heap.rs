use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

/// Keeps the futures and bodies of a service on the heap.
///
/// A future is as large as the largest thing that it may have to wait for, and each
/// layer around it moves it once more. So what only requests meet that go on to the
/// application is not to be a part of what every hit moves about.
#[derive(Clone, Debug)]
pub struct OnHeap<S> {
    inner: S,
}

impl<S> OnHeap<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for OnHeap<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
{
    type Response = Response<Pin<Box<ResB>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        ResponseFuture {
            inner: Box::pin(self.inner.call(request)),
        }
    }
}

/// The response of an [`OnHeap`].
#[derive(Debug)]
pub struct ResponseFuture<F> {
    inner: Pin<Box<F>>,
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Pin<Box<B>>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Moved once, from where it is: responses are large.
        match self.inner.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => Poll::Ready(Ok(response.map(Box::pin))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}
