use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::gather::gather;

/// Whether a client has said something that was not answered yet, has not taken all
/// of the answer, or was answered before it had said everything.
///
/// hyper reports an idle connection that has timed out and a request head that
/// never ended as the same error. The first is everyday life, the second is
/// worth a line in the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    heard: AtomicBool,
    stuck: AtomicBool,
    unread: AtomicBool,
}

impl Heard {
    pub(super) fn something(&self) -> bool {
        self.0.heard.load(Relaxed)
    }

    /// Nothing is on its way in either direction, as far as this can tell: the
    /// beginning of a request may have come together with the one before.
    pub(super) fn nothing(&self) -> bool {
        !(self.something() || self.0.stuck.load(Relaxed))
    }

    /// Part of a request body was not read.
    pub(super) fn left_unread(&self) {
        self.0.unread.store(true, Relaxed);
    }

    pub(super) fn has_left_something(&self) -> bool {
        self.0.unread.load(Relaxed)
    }

    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        self.0.heard.store(false, Relaxed);
        self.0.stuck.store(written.is_pending(), Relaxed);
    }
}

pin_project! {
    /// A client's socket that keeps a [`Heard`] up to date.
    ///
    /// Relaxed atomics are enough: one task does all reading and writing, and
    /// the same task looks at the flag when the connection has ended.
    pub(super) struct Listening<Io> {
        #[pin]
        io: Io,
        // Was read before.
        ahead: Bytes,
        heard: Heard,
    }
}

impl<Io> Listening<Io> {
    /// `ahead` has been read from `io` already.
    pub(super) const fn new(io: Io, ahead: Bytes, heard: Heard) -> Self {
        Self { io, ahead, heard }
    }

    pub(super) fn into_inner(self) -> Io {
        self.io
    }
}

impl<Io: AsyncRead> AsyncRead for Listening<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buf.filled().len();
        let read = if this.ahead.is_empty() {
            this.io.poll_read(cx, buf)
        } else {
            let len = this.ahead.len().min(buf.remaining());
            buf.put_slice(&this.ahead.split_to(len));
            Poll::Ready(Ok(()))
        };
        if buf.filled().len() > before {
            this.heard.0.heard.store(true, Relaxed);
        }
        read
    }
}

impl<Io: AsyncWrite> AsyncWrite for Listening<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let written = this.io.poll_write(cx, buf);
        this.heard.wrote(&written);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().io.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut this = self.project();
        let written = gather(bufs, |one| this.io.as_mut().poll_write(cx, one));
        let written = written.unwrap_or_else(|| this.io.poll_write_vectored(cx, bufs));
        this.heard.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Waker};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_was_answered_is_forgotten() {
        let heard = Heard::default();
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Listening::new(server, Bytes::new(), heard.clone());
        assert!(heard.nothing());

        client.write_all(b"GET /").await.unwrap();
        server.read_exact(&mut [0; 5]).await.unwrap();
        assert!(heard.something());

        server.write_all(b"HTTP/1.1 200 OK").await.unwrap();
        assert!(heard.nothing());
    }

    #[tokio::test]
    async fn a_client_that_does_not_take_its_answer_is_waited_for() {
        let heard = Heard::default();
        let (mut client, server) = tokio::io::duplex(4);
        let mut server = Listening::new(server, Bytes::new(), heard.clone());
        server.write_all(b"HTTP").await.unwrap();
        assert!(heard.nothing());
        let mut more = pin!(server.write_all(b"/1.1"));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(more.as_mut().poll(&mut cx).is_pending());
        assert!(!heard.nothing());

        client.read_exact(&mut [0; 4]).await.unwrap();
        more.await.unwrap();
        assert!(heard.nothing());
    }

    #[tokio::test]
    async fn what_was_read_before_comes_first() {
        let heard = Heard::default();
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(b" /").await.unwrap();
        let mut server = Listening::new(server, Bytes::from("GET"), heard.clone());
        let mut read = [0; 5];
        server.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"GET /");
        assert!(heard.something());
    }
}
