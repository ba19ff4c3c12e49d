use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Method, Response, Uri};
use http_body_util::Either;
use pin_project_lite::pin_project;
use tracing::{info, warn};

use super::{
    ErrorPages, PageBody,
    cause::Cause,
    page::{Format, Page},
};

/// What is left of the request once it is on its way: enough to answer and to
/// log.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) format: Format,
}

pin_project! {
    /// Response future of [`ErrorPagesService`](super::ErrorPagesService).
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        asked: Asked,
        pages: ErrorPages,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) const fn new(inner: F, asked: Asked, pages: ErrorPages) -> Self {
        Self {
            inner,
            asked,
            pages,
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Cause,
{
    type Output = Result<Response<PageBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match ready!(this.inner.poll(cx)) {
            Ok(response) => response.map(Either::Left),
            Err(error) => {
                let mut page = error.page();
                if error.is_queue_full() {
                    page.status = this.pages.overflow;
                }
                log(this.asked, &page, &error.summary());
                let details = this.pages.details.then(|| error.details());
                page.into_response(this.asked.format, details.as_deref())
                    .map(Either::Right)
            }
        };
        Poll::Ready(Ok(response))
    }
}

fn log(asked: &Asked, page: &Page, cause: &str) {
    let Asked { method, uri, .. } = asked;
    let (path, status) = (uri.path(), page.status.as_u16());
    // An operator can't act on what clients do.
    if page.status.is_server_error() {
        warn!(%method, path, status, cause, "request not answered by the application");
    } else {
        info!(%method, path, status, cause, "bad request");
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}
