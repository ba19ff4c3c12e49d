use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf;
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
    pub(crate) fn new(inner: B, mut exchange: Exchange) -> Self {
        // A server does not poll a body that says it has ended.
        let over = inner.is_end_stream();
        if over {
            exchange.complete();
        }
        let exchange = Some(exchange).filter(|_| !over);
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
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        if let Some(exchange) = this.exchange {
            let over = match &frame {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        exchange.send(data.remaining() as u64);
                    }
                    // A server that has seen the last frame need not ask for
                    // another one.
                    let last = this.inner.is_end_stream();
                    if last {
                        exchange.complete();
                    }
                    last
                }
                Some(Err(_)) => {
                    exchange.fail();
                    true
                }
                None => {
                    exchange.complete();
                    true
                }
            };
            if over {
                *this.exchange = None;
            }
        }
        Poll::Ready(frame)
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
