use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::{Either, Full};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::WorkRequest;

/// Answers 404 to the request for out-of-band work: it is none that a client
/// may send. Made by [`ProcessRest::hide`](super::ProcessRest::hide).
#[derive(Clone, Debug)]
pub struct HideLayer {
    request: Arc<WorkRequest>,
}

/// Service that [`HideLayer`] makes.
#[derive(Clone, Debug)]
pub struct Hidden<S> {
    inner: S,
    request: Arc<WorkRequest>,
}

pin_project! {
    /// Response future of [`Hidden`].
    pub struct ResponseFuture<F> {
        // `None`: the request goes no further.
        #[pin]
        inner: Option<F>,
    }
}

impl HideLayer {
    pub(super) const fn new(request: Arc<WorkRequest>) -> Self {
        Self { request }
    }
}

impl<S> Layer<S> for HideLayer {
    type Service = Hidden<S>;

    fn layer(&self, inner: S) -> Hidden<S> {
        Hidden {
            inner,
            request: Arc::clone(&self.request),
        }
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for Hidden<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
{
    type Response = Response<Either<ResB, Full<Bytes>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let inner = if self.request.reserves(request.method(), request.uri()) {
            tracing::info!(
                method = %request.method(),
                path = request.uri().path(),
                "a client asks for out-of-band work"
            );
            None
        } else {
            Some(self.inner.call(request))
        };
        ResponseFuture { inner }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Either<B, Full<Bytes>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().inner.as_pin_mut() {
            Some(inner) => {
                let response = ready!(inner.poll(cx))?;
                Poll::Ready(Ok(response.map(Either::Left)))
            }
            None => Poll::Ready(Ok(not_found().map(Either::Right))),
        }
    }
}

fn not_found() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from("There is no such page.\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let headers = response.headers_mut();
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, text);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("hidden", &self.inner.is_none())
            .finish_non_exhaustive()
    }
}
