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
pub(super) struct Buffer {
    bytes: BytesMut,
    /// How much to ask for.
    size: usize,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: BytesMut::new(),
            size: FIRST,
        }
    }

    /// Reads once, and says how much has come; 0 is the end.
    pub(super) fn poll_fill<T>(
        &mut self,
        stream: &mut T,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>>
    where
        T: AsyncRead + Unpin,
    {
        let mut spare = self.bytes.capacity() - self.bytes.len();
        // Not for less than this: a small page can follow the other in the same memory.
        if spare < self.size / 4 {
            self.bytes.reserve(self.size);
            spare = self.bytes.capacity() - self.bytes.len();
        }
        let read = ready!(pin!(stream.read_buf(&mut self.bytes)).poll(cx))?;
        if read == spare && self.size < LARGEST {
            self.size *= 2;
        }
        Poll::Ready(Ok(read))
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }

    /// Gives up the memory that large answers took. For a connection that rests.
    pub(super) fn rest(&mut self) {
        if self.size > FIRST && self.bytes.is_empty() {
            *self = Self::new();
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
