use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Request;
use http_body::Body;
use tower::{BoxError, ServiceExt};
use tower_service::Service;

use super::{
    BufferError, RequestBody, RequestError, ResponseFuture, layer::Config, spool::collect,
};
use crate::macros::accessors;

/// Passes requests on when their bodies are whole. Made by
/// [`RequestBuffering`](super::RequestBuffering).
///
/// As ready as its inner service. A request with a body is passed on to a
/// clone, which is made ready when the body is whole.
#[derive(Clone, Debug)]
pub struct RequestBufferingService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> RequestBufferingService<S> {
    pub(super) const fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }
}

accessors!(RequestBufferingService);

/// What to do with a request's body.
enum Verdict {
    Pass,
    Buffer,
    Refuse(BufferError),
}

impl Config {
    fn judge<B: Body>(&self, request: &Request<B>) -> Verdict {
        let body = request.body();
        if body.is_end_stream() || self.streams(request.uri().path()) {
            Verdict::Pass
        } else if body.size_hint().lower() > self.max_body_size {
            Verdict::Refuse(BufferError::too_large(self.max_body_size))
        } else if self.is_overloaded() {
            Verdict::Refuse(BufferError::overloaded())
        } else {
            Verdict::Buffer
        }
    }
}

impl<S, B> Service<Request<B>> for RequestBufferingService<S>
where
    S: Service<Request<RequestBody<B>>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = RequestError<S::Error>;
    type Future = ResponseFuture<S::Future, S::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(RequestError::Service)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.config.judge(&request) {
            Verdict::Pass => {
                ResponseFuture::passed(self.inner.call(request.map(RequestBody::passed)))
            }
            Verdict::Refuse(error) => ResponseFuture::refused(error),
            Verdict::Buffer => {
                let inner = self.inner.clone();
                // Drops what the inner service has reserved for this request:
                // a clone has nothing reserved.
                self.inner = inner.clone();
                ResponseFuture::buffered(Box::pin(buffer(inner, request, Arc::clone(&self.config))))
            }
        }
    }
}

async fn buffer<S, B>(
    inner: S,
    request: Request<B>,
    config: Arc<Config>,
) -> Result<S::Response, RequestError<S::Error>>
where
    S: Service<Request<RequestBody<B>>>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (mut head, body) = request.into_parts();
    let body = collect(body, &config).await.map_err(RequestError::Body)?;
    body.declare_length(&mut head.headers);
    // For whoever may send it again (RFC 9110 §9.2.2); nobody may do so with
    // another method.
    if head.method.is_idempotent() {
        head.extensions.insert(body.replay());
    }
    let request = Request::from_parts(head, RequestBody::spooled(body));
    inner.oneshot(request).await.map_err(RequestError::Service)
}
