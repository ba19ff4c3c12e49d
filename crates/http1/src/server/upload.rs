use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::AsyncRead;

use super::incoming::{Incoming, Pipe, Wish};
use crate::{
    Failure,
    buffer::Buffer,
    decode::{Decoder, Framing},
};

/// The body of a request, as the connection sees it.
///
/// Dropped before its end, whoever reads it hears that it was cut off.
#[derive(Debug)]
pub(super) struct Upload {
    pipe: Arc<Pipe>,
    decoder: Decoder,
    is_over: bool,
}

impl Upload {
    /// Both ends of a body.
    pub(super) fn new(framing: Framing) -> (Self, Incoming) {
        let (pipe, incoming) = Pipe::new(match framing {
            Framing::Length(octets) => Some(octets),
            Framing::Chunked | Framing::Close => None,
        });
        let upload = Self {
            pipe,
            decoder: Decoder::new(Some(framing)),
            is_over: false,
        };
        (upload, incoming)
    }

    /// Wishes are looked for after this: nobody need be woken for them.
    pub(super) fn look(&self) {
        self.pipe.look();
    }

    pub(super) fn wish(&self, cx: &Context<'_>) -> Wish {
        self.pipe.wish(cx)
    }

    /// Whether what does not come is not waited for, either.
    pub(super) fn is_abandoned(&self, cx: &Context<'_>) -> bool {
        self.pipe.is_abandoned(cx)
    }

    /// Whether all of it has been passed on.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Passes on the next piece of what is in `read`, or else comes on `stream`. If that
    /// fails, the reader has been told.
    pub(super) fn poll_pass<T>(
        &mut self,
        read: &mut Buffer,
        stream: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ()>>
    where
        T: AsyncRead + Unpin,
    {
        Poll::Ready(match ready!(self.poll_piece(read, stream, cx)) {
            Ok(()) => Ok(()),
            Err(failure) => {
                self.is_over = true;
                self.pipe.end(Err(failure));
                Err(())
            }
        })
    }

    fn poll_piece<T>(
        &mut self,
        read: &mut Buffer,
        stream: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>>
    where
        T: AsyncRead + Unpin,
    {
        loop {
            let frame = self.decoder.decode(read)?;
            self.is_over = self.decoder.is_over();
            if let Some(frame) = frame {
                self.pipe.give(frame, self.is_over);
                return Poll::Ready(Ok(()));
            }
            if self.is_over {
                self.pipe.end(Ok(()));
                return Poll::Ready(Ok(()));
            }
            if ready!(read.poll_fill(stream, cx)).map_err(Failure::Closed)? == 0 {
                return Poll::Ready(Err(Failure::cut_off()));
            }
        }
    }

    /// Drops what nobody reads, and says whether that is all that there was to come. No
    /// more is read for that.
    pub(super) fn skip(&mut self, read: &mut Buffer) -> bool {
        while let Ok(Some(_)) = self.decoder.decode(read) {}
        self.decoder.is_over()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_over {
            self.pipe.end(Err(Failure::cut_off()));
        }
    }
}

#[cfg(test)]
mod tests;
