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

use super::heard::Heard;

/// How many bytes of a body earn a second of patience. Slower than any link
/// that a person would wait for; Apache's `mod_reqtimeout` has the same.
const BYTES_PER_SECOND: f64 = 500.0;

/// A request body from a client, which must not keep us waiting for too long.
///
/// The client has some patience to use up, and earns it back with what it
/// sends. So neither one that falls silent nor one that sends a byte a second
/// holds a process for longer than that, while a slow link may take all day.
/// The clock runs only while somebody waits for the client: an application
/// that reads slowly costs its client nothing.
pub(crate) struct ClientBody<B = Incoming> {
    inner: B,
    patience: Duration,
    /// What is left of it.
    left: Duration,
    /// Since when the client has kept us waiting, if it does.
    waiting: Option<Instant>,
    /// Armed while the client keeps us waiting; kept for the next wait.
    pause: Option<Pin<Box<Sleep>>>,
    /// To be told if this is dropped before its end.
    unread: Option<Heard>,
}

impl<B> ClientBody<B> {
    /// Fails with [`io::ErrorKind::TimedOut`] when a client has used up
    /// `patience`.
    pub(super) fn new(inner: B, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            left: patience,
            waiting: None,
            pause: None,
            unread: None,
        }
    }

    /// Tells `heard` if it is dropped before it has been read to its end.
    pub(super) fn telling(mut self, heard: &Heard) -> Self
    where
        B: Body,
    {
        self.unread = (!self.inner.is_end_stream()).then(|| heard.clone());
        self
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting.is_none() {
            let now = Instant::now();
            self.waiting = Some(now);
            let deadline = now + self.left;
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

    /// The client has sent so many bytes.
    fn settle(&mut self, bytes: usize) {
        if let Some(since) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a body's piece is no 2^52 bytes"
        )]
        let earned = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND);
        self.left = self.left.saturating_add(earned).min(self.patience);
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
            let data = frame
                .as_ref()
                .and_then(|frame| frame.as_ref().ok()?.data_ref());
            this.settle(data.map_or(0, Bytes::len));
            if frame.is_none() || this.inner.is_end_stream() {
                this.unread = None;
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        this.poll_patience(cx).map(|()| {
            let patience = this.patience;
            Some(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the client kept us waiting for its body for {patience:?}"),
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

impl<B> Drop for ClientBody<B> {
    fn drop(&mut self) {
        if let Some(heard) = &self.unread {
            heard.left_unread();
        }
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
    use tokio::{
        sync::mpsc,
        time::{advance, sleep},
    };

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

    /// Sends `piece` every `seconds` until the body fails, or `times` often.
    async fn trickle(piece: &'static [u8], seconds: u64, times: u32) -> Option<u32> {
        let (client, mut body) = channel();
        for sent in 0..times {
            let (frame, ()) = tokio::join!(body.frame(), async {
                // Not `advance`, which would skip what happens in between.
                sleep(Duration::from_secs(seconds)).await;
                client.send(Bytes::from_static(piece)).unwrap();
            });
            if frame.unwrap().is_err() {
                return Some(sent);
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_trickles_uses_up_its_patience() {
        assert_eq!(trickle(b"x", 1, 1000).await, Some(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_on_a_slow_link_may_take_all_day() {
        assert_eq!(trickle(&[b'x'; 600], 1, 86_400).await, None);
        // Long pauses are earned back by a little more.
        assert_eq!(trickle(&[b'x'; 15_000], 29, 100).await, None);
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
