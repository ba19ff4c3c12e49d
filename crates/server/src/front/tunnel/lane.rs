use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::front::websocket::Frames;

/// How much is read at a time.
pub(super) const PIECE: usize = 64 * 1024;

/// How many pieces are discarded at a time.
const MOST_DISCARDED: usize = 16;

thread_local! {
    /// What is read is nearly always written at once, so nobody needs a buffer
    /// of his own, and a thousand silent tunnels cost none.
    static DESK: RefCell<Box<[u8]>> = RefCell::new(vec![0; PIECE].into_boxed_slice());
}

/// One direction.
pub(super) struct Lane {
    /// Was read, and is still to be written.
    pub(super) left: Bytes,
    /// Nothing more comes.
    pub(super) is_last: bool,
    /// Its end was passed on.
    pub(super) is_over: bool,
    carried: u64,
    /// What was passed on; known of a WebSocket alone.
    pub(super) frames: Option<Frames>,
}

/// What a lane could not go on with.
#[derive(Debug)]
pub(super) enum Failure {
    Reading(io::Error),
    Writing(io::Error),
}

impl Lane {
    pub(super) const fn new(left: Bytes, frames: Option<Frames>) -> Self {
        Self {
            left,
            is_last: false,
            is_over: false,
            carried: 0,
            frames,
        }
    }

    pub(super) const fn carried(&self) -> u64 {
        self.carried
    }

    /// Ready when the end was passed on.
    pub(super) fn poll_carry<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
    ) -> Poll<Result<(), Failure>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        while !self.is_over {
            ready!(self.poll_write_left(cx, to)).map_err(Failure::Writing)?;
            if self.is_last {
                ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(Failure::Writing)?;
                self.is_over = true;
            } else {
                // Nothing that is asked for in here can come back here.
                ready!(DESK.with_borrow_mut(|desk| self.poll_piece(cx, from, to, desk)))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads a piece, and keeps what of it cannot be written at once.
    fn poll_piece<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        desk: &mut [u8],
    ) -> Poll<Result<(), Failure>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let piece = ready!(self.poll_read(cx, from, desk)).map_err(Failure::Reading)?;
        if self.is_last {
            return Poll::Ready(Ok(()));
        }
        let written = match Pin::new(to).poll_write(cx, piece) {
            Poll::Ready(written) => {
                let written = written.map_err(Failure::Writing)?;
                self.wrote(&piece[..written]).map_err(Failure::Writing)?;
                written
            }
            Poll::Pending => 0,
        };
        self.left = Bytes::copy_from_slice(&piece[written..]);
        Poll::Ready(Ok(()))
    }

    /// Reads a piece, and keeps it.
    pub(super) fn poll_read_left<R>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
    {
        DESK.with_borrow_mut(|desk| {
            let piece = ready!(self.poll_read(cx, from, desk))?;
            self.left = Bytes::copy_from_slice(piece);
            Poll::Ready(Ok(()))
        })
    }

    /// Writes what was read.
    pub(super) fn poll_write_left<W>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
    ) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        while !self.left.is_empty() {
            ready!(self.poll_write_some(cx, to, self.left.len()))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes some of what was read, up to `end` of it.
    pub(super) fn poll_write_some<W>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        end: usize,
    ) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        let written = ready!(Pin::new(to).poll_write(cx, &self.left[..end]))?;
        let written = self.left.split_to(written);
        Poll::Ready(self.wrote(&written))
    }

    /// Reads whatever comes, and passes none of it on. One who never pauses does not
    /// keep the other direction from its turn.
    pub(super) fn discard<R>(&mut self, cx: &mut Context<'_>, from: &mut R)
    where
        R: AsyncRead + Unpin,
    {
        for _ in 0..MOST_DISCARDED {
            if self.is_last {
                return;
            }
            let discarded = DESK.with_borrow_mut(|desk| {
                let piece = ready!(self.poll_read(cx, from, desk))?;
                self.follow(piece);
                Poll::Ready(io::Result::Ok(()))
            });
            match discarded {
                Poll::Ready(Ok(())) => {}
                // One who is gone says nothing more, either.
                Poll::Ready(Err(_)) => self.is_last = true,
                Poll::Pending => return,
            }
        }
        cx.waker().wake_by_ref();
    }

    fn poll_read<'a, R>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        desk: &'a mut [u8],
    ) -> Poll<io::Result<&'a [u8]>>
    where
        R: AsyncRead + Unpin,
    {
        let mut piece = ReadBuf::new(desk);
        ready!(Pin::new(from).poll_read(cx, &mut piece))?;
        let read = piece.filled().len();
        self.is_last = read == 0;
        Poll::Ready(Ok(&desk[..read]))
    }

    fn wrote(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.carried += bytes.len() as u64;
        self.follow(bytes);
        if bytes.is_empty() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }

    /// These bytes were said, whether the other side has got them or not.
    pub(super) fn follow(&mut self, bytes: &[u8]) {
        if let Some(frames) = &mut self.frames {
            frames.pass(bytes);
        }
    }

    /// Whether whoever speaks here has ended, or said that he does.
    pub(super) fn has_said_close(&self) -> bool {
        self.is_last || self.frames.as_ref().is_some_and(Frames::is_closed)
    }
}
