use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use peregrine_core::{LeaveNotice, Upgraded};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Stream;
use crate::process::{Permit, UpgradedPermit};

/// The application's side of an upgraded connection.
///
/// It holds a place in the process, as the request did that it came from. The
/// order of the fields is the order in which they are dropped: when the next
/// request finds the place free, this is closed.
pub(super) struct Application {
    stream: Stream,
    /// What came with the head of the response.
    read_ahead: Bytes,
    /// An upstream that we did not start has no places.
    _permit: Option<UpgradedPermit>,
}

/// What takes the place of an exchange on `stream`.
pub(super) fn upgraded(stream: Stream, read_ahead: Bytes, permit: Option<Permit>) -> Upgraded {
    let permit = permit.map(Permit::upgraded);
    let leave = permit.as_ref().map_or_else(LeaveNotice::never, |permit| {
        let busyness = permit.busyness();
        LeaveNotice::new(async move { busyness.leaves().await })
    });
    let application = Application {
        stream,
        read_ahead,
        _permit: permit,
    };
    Upgraded::new(application, leave)
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
        Pin::new(&mut this.stream).poll_read(cx, buf)
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
