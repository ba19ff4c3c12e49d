use std::{
    collections::VecDeque,
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::Body;

use super::encode::{Framing, Mismatch};
use crate::{BoxError, Failure};

/// How many bytes wait to be written before the body is asked for more.
const ENOUGH: usize = 64 * 1024;

/// How many pieces are written at once.
const PIECES: usize = 16;

/// The body of a request on its way out: pieces of it that wait to be written, with
/// what frames them, and nothing copied.
pub(super) struct Upload<B> {
    body: B,
    encoder: Encoder,
    pieces: VecDeque<Bytes>,
    /// In all of the pieces.
    len: usize,
    /// The body has come to its end, and all of it is in the pieces.
    is_ended: bool,
}

enum Encoder {
    /// So many bytes are still to come.
    Length(u64),
    Chunked,
}

impl<B> Upload<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    /// `None` if there is nothing to be sent.
    pub(super) fn new(body: B, framing: Framing) -> Option<Self> {
        let encoder = match framing {
            Framing::Without => return None,
            Framing::Length(0) if body.is_end_stream() => return None,
            Framing::Length(octets) => Encoder::Length(octets),
            Framing::Chunked => Encoder::Chunked,
        };
        Some(Self {
            body,
            encoder,
            pieces: VecDeque::new(),
            len: 0,
            is_ended: false,
        })
    }

    /// Takes as much of the body as is there and has a place. Ready when that is enough,
    /// or all.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        // An end that is marked takes two pieces, a chunk three.
        while !self.is_ended && self.len < ENOUGH && self.pieces.len() + 3 <= PIECES {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
            match frame.transpose() {
                // Trailer fields of a request end here: nothing that a client may not say
                // in the head is to reach an application by way of the end.
                Ok(Some(frame)) => {
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        self.push(data)?;
                    }
                    // Whoever knows that this was all need not be asked again.
                    if self.body.is_end_stream() {
                        self.end()?;
                    }
                }
                Ok(None) => self.end()?,
                Err(error) => return Poll::Ready(Err(Failure::RequestBody(error.into()))),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn push(&mut self, data: Bytes) -> Result<(), Failure> {
        match &mut self.encoder {
            Encoder::Length(left) => {
                let after = left.checked_sub(data.len() as u64);
                *left = after.ok_or_else(|| Failure::RequestBody(Mismatch.into()))?;
                self.add(data);
            }
            Encoder::Chunked => {
                self.add(format!("{:x}\r\n", data.len()).into());
                self.add(data);
                self.add(Bytes::from_static(b"\r\n"));
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        match self.encoder {
            Encoder::Length(0) => {}
            Encoder::Length(_) => return Err(Failure::RequestBody(Mismatch.into())),
            Encoder::Chunked => self.add(Bytes::from_static(b"0\r\n\r\n")),
        }
        self.is_ended = true;
        Ok(())
    }

    fn add(&mut self, piece: Bytes) {
        self.len += piece.len();
        self.pieces.push_back(piece);
    }

    /// Whether all of the body has been written.
    pub(super) fn is_over(&self) -> bool {
        self.is_ended && self.pieces.is_empty()
    }

    /// Whether there is nothing to be written now.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// What is to be written behind `head`.
    pub(super) fn slices<'a>(&'a self, head: &'a [u8]) -> ([IoSlice<'a>; PIECES + 1], usize) {
        let mut slices = [IoSlice::new(&[]); PIECES + 1];
        slices[0] = IoSlice::new(head);
        let begin = usize::from(!head.is_empty());
        for (slice, piece) in slices[begin..].iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
        }
        (slices, begin + self.pieces.len())
    }

    /// So much has been written.
    pub(super) fn advance(&mut self, mut written: usize) {
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
}

impl<B> std::fmt::Debug for Upload<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload")
            .field("waiting", &self.len)
            .field("is_ended", &self.is_ended)
            .finish_non_exhaustive()
    }
}
