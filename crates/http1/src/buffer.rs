use std::{
    future::Future,
    io,
    ops::{Deref, DerefMut},
    pin::pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is asked for at first: nearly every page fits.
const FIRST: usize = 8 * 1024;

/// How much is asked for at most, of one who always has that much.
const LARGEST: usize = 128 * 1024;

/// What has come and is not yet understood.
///
/// Whoever takes a part of it holds the memory; the next bytes come into what is left
/// of that, and when it is used up into new memory, unless nobody holds the old one any
/// more.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: BytesMut,
    /// How much to ask for.
    size: usize,
    /// How much has come since it rested.
    taken: usize,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self {
            bytes: BytesMut::new(),
            size: FIRST,
            taken: 0,
        }
    }

    /// Reads once, and says how much has come; 0 is the end.
    pub(crate) fn poll_fill<T>(
        &mut self,
        stream: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>>
    where
        T: AsyncRead + Unpin,
    {
        let mut spare = self.bytes.capacity() - self.bytes.len();
        // Not for less than this: small pages can follow each other in the same memory.
        if spare < self.size / 2 {
            self.bytes.reserve(self.size);
            spare = self.bytes.capacity() - self.bytes.len();
        }
        let read = ready!(pin!(stream.read_buf(&mut self.bytes)).poll(cx))?;
        self.taken = self.taken.saturating_add(read);
        if read == spare && self.size < LARGEST {
            self.size *= 2;
        }
        Poll::Ready(Ok(read))
    }

    /// So much is going to come: it need not be found out bit by bit.
    pub(crate) fn expect(&mut self, len: u64) {
        let len = usize::try_from(len).unwrap_or(LARGEST);
        self.size = len.clamp(FIRST, LARGEST);
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }

    /// An answer is over. The next one is likely to be as long: it can have the same
    /// memory, but after some short ones not all of it.
    pub(crate) fn rest(&mut self) {
        let needed = self.taken.min(LARGEST).next_power_of_two();
        self.size = needed.max(self.size / 2).clamp(FIRST, LARGEST);
        self.taken = 0;
        if self.bytes.capacity() > 2 * self.size && self.bytes.is_empty() {
            self.bytes = BytesMut::new();
        }
    }
}

impl Deref for Buffer {
    type Target = BytesMut;

    fn deref(&self) -> &BytesMut {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests;
