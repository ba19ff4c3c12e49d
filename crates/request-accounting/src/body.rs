use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Buf;
use http::response::Parts;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::exchange::Exchange;

pin_project! {
    /// Response body of [`RequestAccountingService`]: the request stays in
    /// flight until it has ended, failed, or is dropped.
    ///
    /// [`RequestAccountingService`]: crate::RequestAccountingService
    #[must_use = "dropping the body ends the exchange"]
    pub struct AccountedBody<B> {
        #[pin]
        inner: B,
        // `None` once the exchange is over.
        exchange: Option<Exchange>,
    }
}

impl<B: Body> AccountedBody<B> {
    /// The body of a response with this `head`. `exchange` is what its future has not
    /// given away yet.
    pub(crate) fn new(head: &Parts, inner: B, mut exchange: Option<Exchange>) -> Self {
        if let Some(exchange) = &mut exchange {
            exchange.respond(head, &inner);
        }
        // A server does not poll a body that says it has ended.
        if inner.is_end_stream() {
            end(&mut exchange, Exchange::complete);
        }
        Self { inner, exchange }
    }
}

fn end(exchange: &mut Option<Exchange>, how: impl FnOnce(&mut Exchange)) {
    exchange.as_mut().map(how);
    *exchange = None;
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
                if let (Some(exchange), Some(data)) = (&mut *this.exchange, frame.data_ref()) {
                    exchange.send(data.remaining() as u64);
                }
                // A server that has seen the last frame need not ask for another one.
                if this.inner.is_end_stream() {
                    end(this.exchange, Exchange::complete);
                }
            }
            Poll::Ready(Some(Err(_))) => end(this.exchange, Exchange::fail),
            Poll::Ready(None) => end(this.exchange, Exchange::complete),
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
            .field("over", &self.exchange.is_none())
            .finish()
    }
}
