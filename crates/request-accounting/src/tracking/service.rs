use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{RequestTracking, TrackedBody, layer::Running};

/// Tracks the requests that go through it. Made by [`RequestTracking`].
///
/// As ready as its inner service, same requests, same errors.
#[derive(Clone, Debug)]
pub struct RequestTrackingService<S> {
    inner: S,
    tracking: RequestTracking,
}

impl<S> RequestTrackingService<S> {
    pub(super) const fn new(inner: S, tracking: RequestTracking) -> Self {
        Self { inner, tracking }
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service. Requests that are sent to it directly aren't tracked.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes the tracking off.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for RequestTrackingService<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    ResB: Body,
{
    type Response = Response<TrackedBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        let running = self.tracking.enter(&mut request);
        ResponseFuture {
            inner: self.inner.call(request),
            running: Some(running),
        }
    }
}

pin_project! {
    /// Response future of [`RequestTrackingService`].
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // Gone to the body once the inner future is ready.
        running: Option<Running>,
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<TrackedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Moved once, from where it is: responses are large.
        match this.inner.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => {
                let running = this.running.take();
                if let Some(running) = &running {
                    running.responded();
                }
                Poll::Ready(Ok(response.map(|body| TrackedBody::new(body, running))))
            }
            Poll::Ready(Err(error)) => {
                *this.running = None;
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
