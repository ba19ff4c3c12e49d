use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};

use crate::{
    Failure,
    chunked::{Chunked, take},
};

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    /// With the connection.
    Close,
}

/// Takes a body out of the bytes that come.
#[derive(Debug)]
pub(crate) enum Decoder {
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Chunked),
    /// Whatever comes before the connection is closed.
    Close,
    /// It has been.
    Closed,
    Over,
}

impl Decoder {
    /// Without a framing, there is no body.
    pub(crate) const fn new(framing: Option<Framing>) -> Self {
        match framing {
            None | Some(Framing::Length(0)) => Self::Over,
            Some(Framing::Length(octets)) => Self::Length(octets),
            Some(Framing::Chunked) => Self::Chunked(Chunked::new()),
            Some(Framing::Close) => Self::Close,
        }
    }

    /// The next frame in `bytes`, never an empty one; `None` if more has to come first or
    /// nothing does.
    pub(crate) fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Frame<Bytes>>, Failure> {
        let frame = match self {
            Self::Length(left) => take(bytes, left).map(Frame::data),
            Self::Chunked(chunked) => chunked.decode(bytes)?,
            Self::Close => (!bytes.is_empty()).then(|| Frame::data(bytes.split().freeze())),
            Self::Closed | Self::Over => None,
        };
        let is_over = match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_over(),
            Self::Close | Self::Closed | Self::Over => false,
        };
        if is_over {
            *self = Self::Over;
        }
        Ok(frame)
    }

    /// Takes notice of the end of the connection.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        match self {
            Self::Close => *self = Self::Closed,
            Self::Closed | Self::Over => {}
            // RFC 9112 §8: "a message body that uses the chunked transfer coding is
            // incomplete if the zero-sized chunk that terminates the encoding has not been
            // received", and one "that uses a valid Content-Length is incomplete if the
            // size of the message body received (in octets) is less than the value given".
            Self::Length(_) | Self::Chunked(_) => return Err(Failure::cut_off()),
        }
        Ok(())
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self, Self::Closed | Self::Over)
    }

    /// Whether nothing but the end of the connection says that it is.
    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Of what is still to come.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Length(left) => SizeHint::with_exact(*left),
            Self::Chunked(_) | Self::Close => SizeHint::default(),
            Self::Closed | Self::Over => SizeHint::with_exact(0),
        }
    }
}

#[cfg(test)]
mod tests;
