use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Method, Response, Uri};
use http_body_util::Either;
use peregrine_upstream_pool::Error;
use pin_project_lite::pin_project;
use tracing::{info, warn};

use super::{
    PageBody,
    chain::Chain,
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
        details: bool,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) const fn new(inner: F, asked: Asked, details: bool) -> Self {
        Self {
            inner,
            asked,
            details,
        }
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, Error>>,
{
    type Output = Result<Response<PageBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match ready!(this.inner.poll(cx)) {
            Ok(response) => response.map(Either::Left),
            Err(error) => {
                let page = Page::about(&error);
                log(this.asked, &page, &error);
                page.into_response(this.asked.format, this.details.then_some(&error))
                    .map(Either::Right)
            }
        };
        Poll::Ready(Ok(response))
    }
}

fn log(asked: &Asked, page: &Page, error: &Error) {
    let Asked { method, uri, .. } = asked;
    let (path, status) = (uri.path(), page.status.as_u16());
    // A start report is many lines, and in the log since the start failed.
    let cause = match error.start_report() {
        Some(_) => error.to_string(),
        None => Chain(error).to_string(),
    };
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
