use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream that fails if the other side takes nothing of what is written for too long.
///
/// There is a timer only while a write waits, which hardly any does: the operating system
/// has room for most answers.
///
/// What the other side takes is known when there is room for more again: of a full buffer
/// of the operating system, a third has to be empty for that.
pub(super) struct SendTimeout<T> {
    inner: T,
    patience: Duration,
    /// Rings when the other side has taken nothing for that long. Gone with whatever
    /// it takes.
    rings: Option<Pin<Box<Sleep>>>,
}

impl<T> SendTimeout<T> {
    /// Fails with [`io::ErrorKind::TimedOut`] when a write has waited for `patience`.
    pub(super) const fn new(inner: T, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            rings: None,
        }
    }

    /// What has come of a write.
    #[inline]
    fn written(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.rings = None;
            return written;
        }
        self.poll_patience(cx).map(Err)
    }

    #[cold]
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let patience = self.patience;
        let rings = self.rings.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(rings.as_mut().poll(cx));
        Poll::Ready(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("the client took nothing of the answer for {patience:?}"),
        ))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for SendTimeout<T> {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for SendTimeout<T> {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.written(written, cx)
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.written(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<T: fmt::Debug> fmt::Debug for SendTimeout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendTimeout")
            .field("inner", &self.inner)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::{Instant, advance},
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_write_that_nobody_takes_fails() {
        let (ours, _theirs) = duplex(4);
        let mut stream = SendTimeout::new(ours, PATIENCE);
        let begun = Instant::now();
        let error = stream.write_all(b"answer").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_a_byte_a_minute_may_take_all_day() {
        let (ours, mut theirs) = duplex(4);
        let mut stream = SendTimeout::new(ours, PATIENCE);
        let reader = async {
            for _ in 0..1_000 {
                advance(PATIENCE.mul_f32(0.9)).await;
                theirs.read_u8().await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(stream.write_all(&[b'x'; 1_000]), reader);
        written.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_only_read_has_no_clock() {
        let (ours, mut theirs) = duplex(4);
        let mut stream = SendTimeout::new(ours, PATIENCE);
        stream.write_all(b"ping").await.unwrap();
        advance(PATIENCE * 3).await;
        theirs.write_all(b"pong").await.unwrap();
        assert_eq!(
            stream.read_u32().await.unwrap(),
            u32::from_be_bytes(*b"pong")
        );
        assert!(stream.rings.is_none());
    }
}
