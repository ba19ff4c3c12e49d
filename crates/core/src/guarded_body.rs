use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A body that holds a guard until the exchange is over.
    ///
    /// The guard is dropped as soon as the body has ended or failed, and with
    /// the body if nobody reads that far: a client that vanishes frees what
    /// its request held.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use http_body_util::{BodyExt, Full};
    /// use peregrine_core::GuardedBody;
    ///
    /// let slot = Arc::new(());
    /// let body = GuardedBody::new(Full::<bytes::Bytes>::from("page"), Arc::clone(&slot));
    /// assert_eq!(Arc::strong_count(&slot), 2);
    ///
    /// drop(body.boxed());
    /// assert_eq!(Arc::strong_count(&slot), 1);
    /// ```
    #[must_use = "dropping the body ends the exchange"]
    pub struct GuardedBody<B, G> {
        #[pin]
        inner: B,
        guard: Option<G>,
    }
}

impl<B, G> GuardedBody<B, G> {
    /// Keeps `guard` until `inner` has ended.
    pub const fn new(inner: B, guard: G) -> Self {
        Self {
            inner,
            guard: Some(guard),
        }
    }
}

impl<B: Body, G> Body for GuardedBody<B, G> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        // A server that has seen the last frame does not ask for another one,
        // and may hold the body until its client has taken everything.
        if !matches!(frame, Some(Ok(_))) || this.inner.is_end_stream() {
            *this.guard = None;
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

impl<B: fmt::Debug, G> fmt::Debug for GuardedBody<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("inner", &self.inner)
            .field("over", &self.guard.is_none())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Weak};

    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    fn guarded<B>(body: B) -> (GuardedBody<B, Arc<()>>, Weak<()>) {
        let guard = Arc::new(());
        let held = Arc::downgrade(&guard);
        (GuardedBody::new(body, guard), held)
    }

    fn poll_once<B: Body + Unpin>(body: &mut B) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
    }

    #[test]
    fn the_last_frame_of_a_known_length_ends_the_exchange() {
        let (mut body, held) = guarded(Full::<Bytes>::from("page"));
        assert!(held.upgrade().is_some());
        assert!(poll_once(&mut body).is_ready());
        assert!(held.upgrade().is_none(), "no second poll is needed");
    }

    #[test]
    fn an_error_ends_the_exchange() {
        let frames = [Ok(Frame::data(Bytes::from("pa"))), Err("broken")];
        let (mut body, held) = guarded(StreamBody::new(stream::iter(frames)));
        assert!(matches!(poll_once(&mut body), Poll::Ready(Some(Ok(_)))));
        assert!(held.upgrade().is_some());
        assert!(matches!(
            poll_once(&mut body),
            Poll::Ready(Some(Err("broken")))
        ));
        assert!(held.upgrade().is_none());
    }

    #[test]
    fn dropping_an_unread_body_ends_the_exchange() {
        let (body, held) = guarded(Full::<Bytes>::from("page"));
        drop(body.boxed());
        assert!(held.upgrade().is_none());
    }
}
