use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Method, Response, uri::PathAndQuery};
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
    pub(super) path: Option<PathAndQuery>,
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
        // Moved once, from where it is: responses are large.
        match this.inner.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(response)) => Poll::Ready(Ok(response.map(Either::Left))),
            Poll::Ready(Err(error)) => {
                let mut page = error.page();
                if error.is_queue_full() {
                    page.status = this.pages.overflow;
                }
                log(this.asked, &page, &error.summary());
                let details = this.pages.details.then(|| error.details());
                let page = page.into_response(this.asked.format, details.as_deref());
                Poll::Ready(Ok(page.map(Either::Right)))
            }
        }
    }
}

fn log(asked: &Asked, page: &Page, cause: &str) {
    let Asked { method, path, .. } = asked;
    let path = path.as_ref().map_or("", PathAndQuery::path);
    let status = page.status.as_u16();
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
