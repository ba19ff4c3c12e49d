use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::Body;

use crate::{BoxError, Failure, fields::field, outgoing::Outgoing};

/// Marks off a body on its way out.
#[derive(Debug)]
pub(crate) struct Encoder {
    framing: Framing,
    /// The trailer fields that may follow.
    trailers: Vec<HeaderName>,
    /// All of the body has been taken.
    is_over: bool,
}

/// How a body is marked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    Chunked,
    /// It ends with the connection.
    Close,
}

/// A message whose fields and body disagree about the length of the body. Whoever
/// received it would wait for the rest, or take some of it for another message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("its Content-Length is not the length of the body")
    }
}

impl Error for Mismatch {}

impl From<Mismatch> for Failure {
    fn from(mismatch: Mismatch) -> Self {
        Self::Body(mismatch.into())
    }
}

impl Encoder {
    pub(crate) const fn new(framing: Framing) -> Self {
        Self {
            framing,
            trailers: Vec::new(),
            is_over: false,
        }
    }

    /// Lets `names` follow the body, if it is one in chunks. Without that, trailer fields
    /// end here.
    pub(crate) fn announce(&mut self, names: Vec<HeaderName>) {
        self.trailers = names;
    }

    /// Whether nothing but the end of the connection says where the body ends.
    pub(crate) const fn is_ended_by_close(&self) -> bool {
        matches!(self.framing, Framing::Close)
    }

    /// Whether all of the body has been taken.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes as much of `body` as is there and has a place in `out`. Ready when that is
    /// enough, or all.
    pub(crate) fn poll_fill<B>(
        &mut self,
        mut body: Pin<&mut B>,
        out: &mut Outgoing,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        while !self.is_over && out.has_room() {
            let Some(frame) = ready!(body.as_mut().poll_frame(cx)) else {
                self.end(None, out)?;
                break;
            };
            let frame = frame.map_err(|error| Failure::Body(error.into()))?;
            match frame.into_data() {
                Ok(data) => self.push(data, out)?,
                Err(frame) => {
                    let trailers = frame.into_trailers().ok();
                    self.end(trailers.as_ref(), out)?;
                    break;
                }
            }
            // Whoever knows that this was all need not be asked again.
            if body.is_end_stream() {
                self.end(None, out)?;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn push(&mut self, data: Bytes, out: &mut Outgoing) -> Result<(), Mismatch> {
        // An empty chunk would be the last one.
        if data.is_empty() {
            return Ok(());
        }
        match &mut self.framing {
            Framing::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(Mismatch)?;
                out.push(data);
            }
            Framing::Chunked => {
                out.push(format!("{:x}\r\n", data.len()).into());
                out.push(data);
                out.push_str("\r\n");
            }
            Framing::Close => out.push(data),
        }
        Ok(())
    }

    fn end(&mut self, trailers: Option<&HeaderMap>, out: &mut Outgoing) -> Result<(), Mismatch> {
        self.is_over = true;
        match self.framing {
            Framing::Length(0) | Framing::Close => {}
            Framing::Length(_) => return Err(Mismatch),
            Framing::Chunked => {
                out.push_str("0\r\n");
                for (name, value) in trailers.into_iter().flatten() {
                    if self.trailers.contains(name) {
                        let mut line = Vec::new();
                        field(name.as_str(), value.as_bytes(), &mut line);
                        out.push(line.into());
                    }
                }
                out.push_str("\r\n");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
