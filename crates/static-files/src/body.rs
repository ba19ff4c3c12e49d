use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower::BoxError;

use crate::file::FileBody;

pin_project! {
    /// The body of a response: the service's own, or a file.
    pub struct ResponseBody<B> {
        #[pin]
        inner: Inner<B>,
    }
}

pin_project! {
    #[project = InnerProj]
    enum Inner<B> {
        Service { #[pin] body: B },
        File { #[pin] body: FileBody },
        Text { #[pin] body: Full<Bytes> },
    }
}

impl<B> ResponseBody<B> {
    pub(crate) const fn service(body: B) -> Self {
        let inner = Inner::Service { body };
        Self { inner }
    }

    pub(crate) const fn file(body: FileBody) -> Self {
        let inner = Inner::File { body };
        Self { inner }
    }

    /// For whoever asks for a file that there is not.
    pub(crate) fn not_found() -> Response<Self> {
        let body = Full::from("There is no such file.\n");
        let inner = Inner::Text { body };
        let mut response = Response::new(Self { inner });
        *response.status_mut() = StatusCode::NOT_FOUND;
        let headers = response.headers_mut();
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(CONTENT_TYPE, text);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().inner.project() {
            InnerProj::Service { body } => body.poll_frame(cx).map_err(Into::into),
            InnerProj::File { body } => body.poll_frame(cx).map_err(Into::into),
            InnerProj::Text { body } => body.poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Service { body } => body.is_end_stream(),
            Inner::File { body } => body.is_end_stream(),
            Inner::Text { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Service { body } => body.size_hint(),
            Inner::File { body } => body.size_hint(),
            Inner::Text { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match &self.inner {
            Inner::Service { .. } => "the service's",
            Inner::File { .. } => "a file",
            Inner::Text { .. } => "a text",
        };
        f.debug_tuple("ResponseBody").field(&whose).finish()
    }
}
