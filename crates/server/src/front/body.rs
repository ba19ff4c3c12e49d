use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::BoxError;

/// A request body from a client, which must not pause for too long.
///
/// The clock runs only while somebody waits for the client: an application
/// that reads slowly costs its client nothing.
pub(crate) struct ClientBody<B = Incoming> {
    inner: B,
    patience: Duration,
    /// Armed while the client keeps us waiting; kept for the next wait.
    pause: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl<B> ClientBody<B> {
    /// Fails with [`io::ErrorKind::TimedOut`] when a client pauses for longer
    /// than `patience`.
    pub(super) fn new(inner: B, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            pause: None,
            waiting: false,
        }
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.waiting {
            self.waiting = true;
            let deadline = Instant::now() + self.patience;
            match &mut self.pause {
                Some(pause) => pause.as_mut().reset(deadline),
                None => self.pause = Some(Box::pin(sleep_until(deadline))),
            }
        }
        match &mut self.pause {
            Some(pause) => pause.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<B> Body for ClientBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            this.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        this.poll_patience(cx).map(|()| {
            let pause = this.patience.as_secs();
            Some(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the client sent nothing of its body for {pause} s"),
            )
            .into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: fmt::Debug> fmt::Debug for ClientBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBody")
            .field("inner", &self.inner)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full, StreamBody};
    use tokio::{sync::mpsc, time::advance};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn channel() -> (
        mpsc::UnboundedSender<Bytes>,
        ClientBody<impl Body<Data = Bytes, Error = io::Error> + Unpin>,
    ) {
        let (tx, mut rx) = mpsc::unbounded_channel();
        let frames = futures_util::stream::poll_fn(move |cx| {
            rx.poll_recv(cx)
                .map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
        });
        (tx, ClientBody::new(StreamBody::new(frames), PATIENCE))
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_pauses_too_long_times_out() {
        let (_client, mut body) = channel();
        let error = body.frame().await.unwrap().unwrap_err();
        let error = error.downcast_ref::<io::Error>().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn each_byte_buys_new_patience() {
        let (client, mut body) = channel();
        for _ in 0..5 {
            let (frame, ()) = tokio::join!(body.frame(), async {
                advance(PATIENCE * 9 / 10).await;
                client.send(Bytes::from_static(b"x")).unwrap();
            });
            frame.unwrap().unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_stands_still_while_nobody_reads() {
        let (client, mut body) = channel();
        client.send(Bytes::from_static(b"x")).unwrap();
        advance(PATIENCE * 3).await;
        body.frame().await.unwrap().unwrap();
    }

    #[test]
    fn the_length_is_still_known() {
        let body = ClientBody::new(Full::<Bytes>::from("page"), PATIENCE);
        assert_eq!(body.size_hint().exact(), Some(4));
        assert!(!body.is_end_stream());
        assert!(ClientBody::new(Full::<Bytes>::default(), PATIENCE).is_end_stream());
    }
}
