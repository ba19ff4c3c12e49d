use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::layer::Running;

pin_project! {
    /// Response body of [`RequestTrackingService`]: the request stays on the list
    /// until it has ended, failed, or is dropped.
    ///
    /// [`RequestTrackingService`]: super::RequestTrackingService
    pub struct TrackedBody<B> {
        #[pin]
        inner: B,
        // `None` once it is over.
        running: Option<Running>,
    }
}

impl<B: Body> TrackedBody<B> {
    pub(super) fn new(inner: B, running: Option<Running>) -> Self {
        // A server does not poll a body that says it has ended.
        let running = running.filter(|_| !inner.is_end_stream());
        Self { inner, running }
    }
}

impl<B: Body> Body for TrackedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(cx);
        // Looked at where it is: to move it costs more than to look.
        match (&polled, &this.running) {
            (Poll::Ready(Some(Ok(frame))), Some(running)) => {
                let bytes = frame.data_ref().map_or(0, Buf::remaining);
                running.send(bytes as u64);
            }
            (Poll::Ready(Some(Err(_)) | None), _) => *this.running = None,
            (Poll::Ready(Some(Ok(_))), None) | (Poll::Pending, _) => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: fmt::Debug> fmt::Debug for TrackedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackedBody")
            .field("inner", &self.inner)
            .field("over", &self.running.is_none())
            .finish()
    }
}
