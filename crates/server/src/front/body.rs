use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use peregrine_http1::server::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::BoxError;

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
///
/// Most requests have no body. They are moved from place to place all the same, and
/// are not to be larger for those that do.
pub(crate) struct ClientBody<B = Incoming>(Option<Box<Patient<B>>>);

/// A body that is there, and what a client may do with it.
struct Patient<B> {
    inner: B,
    patience: Patience,
}

struct Patience {
    most: Duration,
    /// What is left of it.
    left: Duration,
    /// Since when the client has kept us waiting, if it does.
    waiting: Option<Instant>,
    /// Armed while the client keeps us waiting; kept for the next wait.
    pause: Option<Pin<Box<Sleep>>>,
}

impl<B: Body> ClientBody<B> {
    /// Fails with [`io::ErrorKind::TimedOut`] when a client has used up
    /// `patience`.
    pub(super) fn new(inner: B, patience: Duration) -> Self {
        if inner.is_end_stream() {
            return Self(None);
        }
        Self(Some(Box::new(Patient {
            inner,
            patience: Patience::new(patience),
        })))
    }
}

impl Patience {
    const fn new(most: Duration) -> Self {
        Self {
            most,
            left: most,
            waiting: None,
            pause: None,
        }
    }

    /// Ready once there is none left.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
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
            Some(pause) => pause.as_mut().poll(cx).map(|()| self.most),
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
        self.left = self.left.saturating_add(earned).min(self.most);
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
        let Some(this) = &mut self.get_mut().0 else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            let data = frame
                .as_ref()
                .and_then(|frame| frame.as_ref().ok()?.data_ref());
            this.patience.settle(data.map_or(0, Bytes::len));
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        this.patience.poll(cx).map(|most| {
            Some(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("the client kept us waiting for its body for {most:?}"),
            )
            .into()))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|this| this.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let there = self.0.as_ref();
        there.map_or_else(|| SizeHint::with_exact(0), |this| this.inner.size_hint())
    }
}

impl<B: fmt::Debug> fmt::Debug for ClientBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let this = self.0.as_ref();
        f.debug_struct("ClientBody")
            .field("inner", &this.map(|this| &this.inner))
            .field("patience", &this.map(|this| this.patience.most))
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
        let empty = ClientBody::new(Full::<Bytes>::default(), PATIENCE);
        assert!(empty.is_end_stream());
        assert_eq!(empty.size_hint().exact(), Some(0));
    }
}
