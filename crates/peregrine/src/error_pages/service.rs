use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use tower_service::Service;

use super::{
    ErrorPages,
    cause::Cause,
    future::{Asked, ResponseFuture},
    page::Format,
};

/// The body of an answer: the application's, or a page of our own.
pub type PageBody<B> = Either<B, Full<Bytes>>;

/// Service that [`ErrorPages`](super::ErrorPages) makes. It never fails.
#[derive(Clone, Copy, Debug)]
pub struct ErrorPagesService<S> {
    inner: S,
    pages: ErrorPages,
}

impl<S> ErrorPagesService<S> {
    pub(super) const fn new(inner: S, pages: ErrorPages) -> Self {
        Self { inner, pages }
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for ErrorPagesService<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>, Error: Cause>,
{
    type Response = Response<PageBody<ResB>>;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A service that is ready to fail is ready: `call` passes its error on
        // as a page.
        self.inner.poll_ready(cx).map(|_| Ok(()))
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let asked = Asked {
            method: request.method().clone(),
            path: request.uri().path_and_query().cloned(),
            format: Format::wanted_by(request.headers()),
        };
        ResponseFuture::new(self.inner.call(request), asked, self.pages)
    }
}
