use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::BoxError;
use tower_service::Service;

use super::{ResponseFuture, future::Offer, layer::Config};
use crate::{ResponseBody, file::Wish, macros::accessors};

/// Sends files that the service names. Made by [`SendFile`](super::SendFile).
///
/// As ready as its inner service, same errors. It must be called within a tokio
/// runtime.
#[derive(Clone, Debug)]
pub struct SendFileService<S> {
    inner: S,
    config: Arc<Config>,
}

impl<S> SendFileService<S> {
    pub(super) const fn new(inner: S, config: Arc<Config>) -> Self {
        Self { inner, config }
    }
}

accessors!(SendFileService);

impl<S, ReqB, B> Service<Request<ReqB>> for SendFileService<S>
where
    S: Service<Request<ReqB>, Response = Response<B>>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        self.config.tell(request.headers_mut());
        // Kept only where it may be needed, and out of what each layer moves on.
        let offer = (!self.config.is_empty()).then(|| {
            Box::new(Offer {
                wish: Wish::of(&request),
                config: Arc::clone(&self.config),
            })
        });
        ResponseFuture::new(self.inner.call(request), offer)
    }
}
