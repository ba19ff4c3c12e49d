use std::{
    cell::Cell,
    collections::VecDeque,
    fmt,
    io::{self, IoSlice},
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// What costs less to copy than to give to the operating system in pieces: heads, what
/// marks off a body, and most bodies. What is larger is written from where it is.
const GATHERED: usize = 8 * 1024;

/// How many bytes wait to be written before a body is asked for more.
const ENOUGH: usize = 64 * 1024;

/// How many pieces are written at once.
const PIECES: usize = 16;

thread_local! {
    /// Nearly everything is written as soon as it is gathered. So one piece of memory that
    /// stays warm does for all connections of a thread.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What waits to be written.
#[derive(Default)]
pub(crate) struct Outgoing {
    /// What is small, and of it, how much has been written.
    gathered: Vec<u8>,
    written: usize,
    /// What follows.
    pieces: VecDeque<Bytes>,
    /// In all of the pieces.
    len: usize,
}

impl Outgoing {
    /// Where to put a head, behind which its body will follow.
    pub(crate) fn head(&mut self) -> &mut Vec<u8> {
        debug_assert!(self.pieces.is_empty(), "the message before is not written");
        self.borrow();
        &mut self.gathered
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if self.is_small(piece.len()) {
            self.borrow();
            self.gathered.extend_from_slice(&piece);
        } else {
            self.len += piece.len();
            self.pieces.push_back(piece);
        }
    }

    pub(crate) fn push_str(&mut self, text: &'static str) {
        self.push(Bytes::from_static(text.as_bytes()));
    }

    /// Forgets what was to be written.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether there is nothing to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.written == self.gathered.len() && self.pieces.is_empty()
    }

    /// Whether it is of use to have more. A chunk is three pieces.
    pub(crate) fn has_room(&self) -> bool {
        self.gathered.len() - self.written + self.len < ENOUGH && self.pieces.len() + 3 <= PIECES
    }

    /// Writes all there is.
    pub(crate) fn poll_write<T>(
        &mut self,
        mut stream: Pin<&mut T>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        T: AsyncWrite,
    {
        while !self.is_empty() {
            let stream = stream.as_mut();
            let written = if self.pieces.is_empty() {
                stream.poll_write(cx, &self.gathered[self.written..])
            } else {
                let (slices, count) = self.slices();
                stream.poll_write_vectored(cx, &slices[..count])
            };
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.advance(written),
            }
        }
        self.give_back();
        Poll::Ready(Ok(()))
    }

    fn is_small(&self, len: usize) -> bool {
        self.pieces.is_empty() && self.gathered.len() + len <= GATHERED
    }

    fn slices(&self) -> ([IoSlice<'_>; PIECES], usize) {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let head = &self.gathered[self.written..];
        slices[0] = IoSlice::new(head);
        let begin = usize::from(!head.is_empty());
        let mut count = begin;
        for (slice, piece) in slices[begin..].iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
            count += 1;
        }
        (slices, count)
    }

    fn advance(&mut self, mut written: usize) {
        let of_gathered = written.min(self.gathered.len() - self.written);
        self.written += of_gathered;
        written -= of_gathered;
        self.len -= written;
        while let Some(piece) = self.pieces.front_mut() {
            if written < piece.len() {
                piece.advance(written);
                return;
            }
            written -= piece.len();
            self.pieces.pop_front();
        }
    }

    fn borrow(&mut self) {
        if self.gathered.capacity() == 0 {
            // In a thread that is ending there is none to be had.
            self.gathered = SPARE.try_with(Cell::take).unwrap_or_default();
        }
    }

    /// All of it has been written.
    fn give_back(&mut self) {
        self.written = 0;
        self.gathered.clear();
        let spare = mem::take(&mut self.gathered);
        // None is no gain, and one of a large head is not for all connections to come.
        if (1..=2 * GATHERED).contains(&spare.capacity()) {
            let _ = SPARE.try_with(|kept| kept.set(spare));
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gathered = self.gathered.len() - self.written;
        f.debug_struct("Outgoing")
            .field("waiting", &(gathered + self.len))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
