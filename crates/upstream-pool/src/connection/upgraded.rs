use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time,
};

use super::Stream;
use crate::process::{Permit, UpgradedPermit};

/// The application's side of an upgraded connection.
///
/// It holds a place in the process, as the request did that it came from. When
/// the process is to leave, it fails after a while, so that whoever copies
/// closes the client's side, too.
///
/// The order of the fields is the order in which they are dropped: when the
/// next request finds the place free, this is closed.
pub(super) struct Application {
    stream: Stream,
    /// What came with the head of the response.
    read_ahead: Bytes,
    /// An upstream that we did not start has no places, and does not leave.
    stay: Option<Stay>,
}

struct Stay {
    /// Resolves when it is over; absent then.
    end: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _permit: UpgradedPermit,
}

impl Application {
    /// `limit` counts from when the process is to leave.
    pub(super) fn new(
        stream: Stream,
        read_ahead: Bytes,
        permit: Option<Permit>,
        limit: Duration,
    ) -> Self {
        Self {
            stream,
            read_ahead,
            stay: permit.map(|permit| Stay::new(permit.upgraded(), limit)),
        }
    }
}

impl Stay {
    fn new(permit: UpgradedPermit, limit: Duration) -> Self {
        let busyness = permit.busyness();
        Self {
            end: Some(Box::pin(async move {
                busyness.leaves().await;
                time::sleep(limit).await;
            })),
            _permit: permit,
        }
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(end) = &mut self.end
            && end.as_mut().poll(cx).is_ready()
        {
            self.end = None;
        }
        self.end.is_none()
    }
}

impl AsyncRead for Application {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read_ahead.has_remaining() {
            let len = this.read_ahead.len().min(buf.remaining());
            buf.put_slice(&this.read_ahead.split_to(len));
            return Poll::Ready(Ok(()));
        }
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        // One that always has something to say comes here as well, since tokio
        // makes even the most talkative pause.
        if read.is_pending()
            && let Some(stay) = &mut this.stay
            && stay.is_over(cx)
        {
            let error = io::Error::new(io::ErrorKind::ConnectionAborted, "its process is to leave");
            return Poll::Ready(Err(error));
        }
        read
    }
}

impl AsyncWrite for Application {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        // No answer is to be waited for any more.
        if this.stream.is_deaf() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("stream", &self.stream)
            .field("read_ahead", &self.read_ahead.len())
            .finish_non_exhaustive()
    }
}
