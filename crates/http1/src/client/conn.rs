use std::{
    future::{Future, poll_fn},
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::coop::unconstrained,
};

use super::{encode, head::Head};
use crate::{
    BoxError, Failure, Malformed,
    buffer::Buffer,
    decode::{self, Decoder},
    encoder::Encoder,
    outgoing::Outgoing,
};

/// How many interim responses may come before the final one.
const MAX_INTERIM: usize = 100;

/// One connection to a server, and how far the exchange on it has come.
///
/// An exchange begins with [`begin`](Self::begin), goes on with
/// [`poll_head`](Self::poll_head) and [`poll_frame`](Self::poll_frame), and ends when it
/// [is answered](Self::is_answered). Whoever polls one of these is woken when there is
/// more to do: what is left of the request is written meanwhile.
#[derive(Debug)]
pub struct Conn<T, B> {
    stream: T,
    read: Buffer,
    /// What is to be written of the request.
    out: Outgoing,
    /// Absent once all of the request's body is there to be written.
    upload: Option<Upload<B>>,
    sending: Sending,
    head: Head,
    answer: Answer,
    /// Another exchange may follow, as far as is known.
    persists: bool,
}

/// The body of a request, and how it is sent.
#[derive(Debug)]
struct Upload<B> {
    body: B,
    encoder: Encoder,
}

#[derive(Debug)]
enum Sending {
    Whole,
    /// There is no way to send the rest of the request, and nobody has been told yet.
    /// Nothing of it is touched any more: after its body has failed, that may say that it
    /// has come to its end.
    Broken(Option<Failure>),
}

#[derive(Debug)]
enum Answer {
    /// Its head is still to come, or was not asked for.
    Head {
        /// So many interim ones have come.
        interim: usize,
    },
    Body(Decoder),
}

impl<B> Upload<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    fn poll_fill(&mut self, out: &mut Outgoing, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.encoder.poll_fill(Pin::new(&mut self.body), out, cx)
    }
}

impl<T, B> Conn<T, B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Default + Unpin,
{
    /// Speaks HTTP on `stream` from its first byte on.
    pub fn new(stream: T) -> Self {
        Self {
            stream,
            read: Buffer::new(),
            out: Outgoing::default(),
            upload: None,
            sending: Sending::Whole,
            head: Head::default(),
            answer: Answer::Body(Decoder::new(None)),
            persists: true,
        }
    }

    /// What it speaks on.
    pub const fn stream(&self) -> &T {
        &self.stream
    }

    /// The same, to be told something. To read from it or to write is to lose count.
    pub const fn stream_mut(&mut self) -> &mut T {
        &mut self.stream
    }

    /// The stream, and what has come on it and was not used.
    pub fn into_parts(self) -> (T, Bytes) {
        (self.stream, self.read.into_bytes())
    }

    /// Whether the answer has come as a whole.
    pub const fn is_answered(&self) -> bool {
        matches!(&self.answer, Answer::Body(decoder) if decoder.is_over())
    }

    /// Whether nothing but the end of the connection says that the answer has come as a
    /// whole.
    pub const fn is_closed(&self) -> bool {
        matches!(&self.answer, Answer::Body(decoder) if decoder.is_closed())
    }

    /// Whether the last exchange is over on both sides, and may be followed by another
    /// one.
    ///
    /// Bytes behind the answer are those of somebody who has lost count.
    pub fn is_reusable(&self) -> bool {
        self.persists && self.is_answered() && self.is_sent() && self.read.is_empty()
    }

    /// Whether all of the request has been written.
    fn is_sent(&self) -> bool {
        self.upload.is_none() && self.out.is_empty()
    }

    /// What else there is to be done while the answer does not come.
    fn poll_failure(&mut self) -> Poll<Failure> {
        match &mut self.sending {
            Sending::Whole => Poll::Pending,
            Sending::Broken(failure) => failure.take().map_or(Poll::Pending, Poll::Ready),
        }
    }

    /// Gives up memory that is not needed before the next exchange.
    pub fn rest(&mut self) {
        self.read.rest();
    }

    /// Writes the head of `request` into memory, and takes its body. If that fails,
    /// nothing has been or will be written.
    ///
    /// # Errors
    ///
    /// [`Failure::Body`] if the fields and the body disagree about its length.
    pub fn begin(&mut self, request: &mut Request<B>) -> Result<(), Failure> {
        let framing = encode::framing(request)?;
        encode::head(request, framing, self.out.head());
        let body = mem::take(request.body_mut());
        let encoder = framing.map(Encoder::new);
        self.upload = encoder.map(|encoder| Upload { body, encoder });
        self.answer = Answer::Head { interim: 0 };
        Ok(())
    }

    /// What is here of the body of the answer, without waiting for more.
    ///
    /// # Errors
    ///
    /// [`Failure::Malformed`] if there cannot be more.
    pub fn ready_frame(&mut self) -> Result<Option<Frame<Bytes>>, Failure> {
        match &mut self.answer {
            Answer::Head { .. } => Ok(None),
            Answer::Body(decoder) => decoder.decode(&mut self.read),
        }
    }

    /// Of what is still to come of the body of the answer.
    pub fn size_hint(&self) -> SizeHint {
        match &self.answer {
            Answer::Head { .. } => SizeHint::default(),
            Answer::Body(decoder) => decoder.size_hint(),
        }
    }
}

impl<T, B> Conn<T, B>
where
    T: AsyncRead + AsyncWrite + Unpin,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Default + Unpin,
{
    /// Ready if the connection is of no use any more: the server has closed it, or says
    /// what nobody has asked for. Before [`begin`](Self::begin).
    ///
    /// Looks also when the task has used up its budget: whatever is there would be taken
    /// for the answer.
    pub fn poll_unasked(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        let look = poll_fn(|cx| self.read.poll_fill(&mut self.stream, cx));
        Poll::Ready(match ready!(pin!(unconstrained(look)).poll(cx)) {
            Ok(0) => Failure::cut_off(),
            Ok(_) => Malformed::Unasked.into(),
            Err(error) => Failure::Closed(error),
        })
    }

    /// Writes what there is of the request. If that fails, the answer may have come
    /// nevertheless: it is said when that is waited for.
    ///
    /// Says whether it is of use to wait for the answer.
    pub fn send(&mut self, cx: &mut Context<'_>) -> bool {
        if matches!(self.sending, Sending::Whole)
            && let Poll::Ready(Err(failure)) = self.poll_send(cx)
        {
            self.sending = Sending::Broken(Some(failure));
        }
        matches!(self.sending, Sending::Whole)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        while !self.is_sent() {
            let filled = match &mut self.upload {
                None => Poll::Ready(Ok(())),
                Some(upload) => upload.poll_fill(&mut self.out, cx),
            };
            // What is there is written, whether there will be more or not.
            let written = match &filled {
                Poll::Ready(Err(_)) => Poll::Pending,
                _ => self.out.poll_write(Pin::new(&mut self.stream), cx),
            };
            ready!(filled)?;
            self.upload.take_if(|upload| upload.encoder.is_over());
            ready!(written).map_err(Failure::Closed)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for the head of the final answer to `request`.
    ///
    /// The memory of the request's fields and extensions becomes that of the answer's: as
    /// soon as any of that has been understood, the request is not to be sent again.
    ///
    /// `covers` says of the fields of a head with status 101 whether the server may switch
    /// to what it has switched to. After that, [`into_parts`](Self::into_parts) has the
    /// rest.
    pub fn poll_head(
        &mut self,
        request: &mut Request<B>,
        covers: impl Fn(&HeaderMap) -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, Failure>> {
        self.send(cx);
        let Answer::Head { interim } = &mut self.answer else {
            return Poll::Pending;
        };
        let said = loop {
            if !self.read.is_empty()
                && let Some(said) = self.head.parse(&mut self.read, request.headers_mut())?
            {
                if said.status == StatusCode::SWITCHING_PROTOCOLS {
                    if !covers(request.headers()) {
                        return Poll::Ready(Err(Malformed::NotOffered.into()));
                    }
                } else if said.status.is_informational() {
                    // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx
                    // responses received prior to a final response, even if the client does
                    // not expect one."
                    *interim += 1;
                    if *interim > MAX_INTERIM {
                        return Poll::Ready(Err(Malformed::TooManyInterim.into()));
                    }
                    continue;
                }
                break said;
            }
            let Poll::Ready(read) = self.read.poll_fill(&mut self.stream, cx) else {
                return self.poll_failure().map(Err);
            };
            if read.map_err(Failure::Closed)? == 0 {
                return Poll::Ready(Err(Head::end(&self.read)));
            }
        };
        let framing = said
            .fields
            .framing(request.method(), said.status, said.version)?;
        self.persists = said.fields.persists(said.version)
            && framing != Some(decode::Framing::Close)
            && said.status != StatusCode::SWITCHING_PROTOCOLS;
        if let Some(decode::Framing::Length(octets)) = framing {
            self.read
                .expect(octets.saturating_sub(self.read.len() as u64));
        }
        self.answer = Answer::Body(Decoder::new(framing));
        let mut response = Response::new(());
        *response.status_mut() = said.status;
        *response.version_mut() = said.version;
        // There is nothing in them that would have to be dropped.
        mem::swap(response.headers_mut(), request.headers_mut());
        mem::swap(response.extensions_mut(), request.extensions_mut());
        // What rides on a request is not for those who see the answer.
        response.extensions_mut().clear();
        if let Some(reason) = said.reason {
            response.extensions_mut().insert(reason);
        }
        Poll::Ready(Ok(response))
    }

    /// The next frame of the body of the answer; `None` at its end.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.send(cx);
        loop {
            if let Some(frame) = self.ready_frame()? {
                return Poll::Ready(Some(Ok(frame)));
            }
            if self.is_answered() {
                return Poll::Ready(None);
            }
            let Poll::Ready(read) = self.read.poll_fill(&mut self.stream, cx) else {
                return self.poll_failure().map(|failure| Some(Err(failure)));
            };
            if read.map_err(Failure::Closed)? == 0
                && let Answer::Body(decoder) = &mut self.answer
            {
                decoder.end()?;
            }
        }
    }
}

#[cfg(test)]
mod tests;
