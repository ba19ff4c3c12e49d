use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine_core::Shared;
use tower::BoxError;
use tower_service::Service;

use super::{ResponseBody, ResponseFuture, layer::Config};
use crate::macros::accessors;

/// Reads responses ahead of their clients. Made by
/// [`ResponseBuffering`](super::ResponseBuffering).
///
/// As ready as its inner service, same requests, same errors. It must be
/// called within a tokio runtime.
#[derive(Clone, Debug)]
pub struct ResponseBufferingService<S> {
    inner: S,
    config: Shared<Arc<Config>>,
}

impl<S> ResponseBufferingService<S> {
    pub(super) fn new(inner: S, config: Arc<Config>) -> Self {
        let config = Shared::new(config);
        Self { inner, config }
    }
}

accessors!(ResponseBufferingService);

impl<S, ReqB, B> Service<Request<ReqB>> for ResponseBufferingService<S>
where
    S: Service<Request<ReqB>, Response = Response<B>>,
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        ResponseFuture::new(self.inner.call(request), self.config.again())
    }
}
