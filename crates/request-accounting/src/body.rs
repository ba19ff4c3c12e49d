use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{End, exchange::Exchange};

pin_project! {
    /// Response body of [`RequestAccountingService`]: the request stays in
    /// flight until it has ended, failed, or is dropped.
    ///
    /// [`RequestAccountingService`]: crate::RequestAccountingService
    #[must_use = "dropping the body ends the exchange"]
    pub struct AccountedBody<B> {
        #[pin]
        inner: B,
        exchange: Exchange,
    }
}

impl<B> AccountedBody<B> {
    pub(crate) const fn new(inner: B, exchange: Exchange) -> Self {
        Self { inner, exchange }
    }
}

impl<B: Body> Body for AccountedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(cx);
        // Looked at where it is: to move it costs more than to look.
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    this.exchange.send(data.remaining() as u64);
                }
                // A server that has seen the last frame need not ask for another one.
                if this.inner.is_end_stream() {
                    this.exchange.end(End::Complete);
                }
            }
            Poll::Ready(Some(Err(_))) => this.exchange.end(End::Failed),
            Poll::Ready(None) => this.exchange.end(End::Complete),
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

impl<B: fmt::Debug> fmt::Debug for AccountedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountedBody")
            .field("inner", &self.inner)
            .field("over", &self.exchange.is_over())
            .finish()
    }
}
