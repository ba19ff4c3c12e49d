use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Whether a client has said something that was not answered yet.
///
/// hyper reports an idle connection that has timed out and a request head that
/// never ended as the same error. The first is everyday life, the second is
/// worth a line in the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<AtomicBool>);

impl Heard {
    pub(super) fn something(&self) -> bool {
        self.0.load(Relaxed)
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
        heard: Heard,
    }
}

impl<Io> Listening<Io> {
    pub(super) fn new(io: Io, heard: Heard) -> Self {
        Self { io, heard }
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
        let read = this.io.poll_read(cx, buf);
        if buf.filled().len() > before {
            this.heard.0.store(true, Relaxed);
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
        this.heard.0.store(false, Relaxed);
        this.io.poll_write(cx, buf)
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
        let this = self.project();
        this.heard.0.store(false, Relaxed);
        this.io.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_was_answered_is_forgotten() {
        let heard = Heard::default();
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Listening::new(server, heard.clone());
        assert!(!heard.something());

        client.write_all(b"GET /").await.unwrap();
        server.read_exact(&mut [0; 5]).await.unwrap();
        assert!(heard.something());

        server.write_all(b"HTTP/1.1 200 OK").await.unwrap();
        assert!(!heard.something());
    }
}
