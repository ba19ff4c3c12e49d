use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use peregrine_core::GuardedBody;
use pin_project_lite::pin_project;

use crate::member::Place;

pin_project! {
    /// Response body of [`OutOfBand`](crate::OutOfBand): the service does not
    /// rest before it has ended, failed, or is dropped.
    #[must_use = "dropping the body ends the exchange"]
    pub struct OutOfBandBody<B> {
        #[pin]
        inner: GuardedBody<B, Option<Place>>,
    }
}

impl<B> OutOfBandBody<B> {
    pub(crate) const fn new(inner: GuardedBody<B, Option<Place>>) -> Self {
        Self { inner }
    }
}

impl<B: Body> Body for OutOfBandBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: fmt::Debug> fmt::Debug for OutOfBandBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
