use std::{
    fmt,
    future::poll_fn,
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::coop::unconstrained,
};

use super::{
    encode,
    exchange::{Exchange, Rest, Sending},
    head::Head,
    incoming::Incoming,
    spare,
};
use crate::{BoxError, Failure, Malformed, buffer::Buffer, outgoing::Outgoing};

pin_project! {
    /// One connection to a client, and how far the exchange on it has come.
    ///
    /// `service` is called for each request in turn, when the one before is answered.
    /// Its answer is awaited, and sent as it comes. If the client leaves meanwhile, both
    /// are dropped.
    pub struct Connection<T, S, F, B> {
        stream: T,
        service: S,
        read: Buffer,
        head: Head,
        out: Outgoing,
        state: State,
        // How many requests have come.
        requests: u64,
        // No further one is to be taken.
        is_last: bool,
        // Not all that the client has sent was read.
        is_unread: bool,
        // The end of the connection would be taken for that of an answer that broke off.
        broke_off_unseen: bool,
        #[pin]
        answer: Option<F>,
        // What is still to come of the body of the answer.
        #[pin]
        body: Option<B>,
    }
}

/// How a connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All that was asked has been answered, and the client has been told that there is
    /// no more to come, or has said so itself.
    Over,
    /// The last answer was `101 Switching Protocols`: something else is spoken from here
    /// on. [`take_ahead`](Connection::take_ahead) has what has come of it.
    Upgraded,
}

#[derive(Debug)]
enum State {
    /// The head of a request is waited for.
    Head,
    Exchange(Exchange),
    /// What is left is to write, to say that this was all, and then this.
    Ending(Option<Result<End, Failure>>),
    Upgraded,
}

impl<T, S, F, B> Connection<T, S, F, B> {
    /// Speaks HTTP on `stream` from its first byte on.
    pub fn new(stream: T, service: S) -> Self {
        Self {
            stream,
            service,
            read: Buffer::new(),
            head: Head::default(),
            out: Outgoing::default(),
            state: State::Head,
            requests: 0,
            is_last: false,
            is_unread: false,
            broke_off_unseen: false,
            answer: None,
            body: None,
        }
    }

    /// Takes no request after the one that runs; a connection that waits for one ends.
    /// To be polled after that.
    pub fn graceful_shutdown(self: Pin<&mut Self>) {
        *self.project().is_last = true;
    }

    /// How many requests have come so far.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Whether a request, or the rest of its head, is waited for.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.state, State::Head)
    }

    /// Whether something has come that has not been understood yet. Empty lines in front
    /// of a request are nothing (RFC 9112 §2.2).
    pub fn has_heard(&self) -> bool {
        match &self.state {
            State::Head => self.head.has_begun(&self.read),
            _ => !self.read.is_empty(),
        }
    }

    /// Whether the client has been answered before all that it has to say was read. A
    /// stream that is closed then may take the answer with it (RFC 9112 §9.6).
    pub const fn has_left_unread(&self) -> bool {
        self.is_unread
    }

    /// Whether an answer has broken off that is ended by the close of its connection, so
    /// that a client can be told by a reset alone. RFC 9112 §8: "there is no way to
    /// distinguish a successfully completed, close-delimited response message from a
    /// partially received message interrupted by network failure".
    pub const fn has_broken_off_unseen(&self) -> bool {
        self.broke_off_unseen
    }

    /// What has come and was not used. Not to be polled after that.
    pub fn take_ahead(self: Pin<&mut Self>) -> Bytes {
        mem::replace(self.project().read, Buffer::new()).into_bytes()
    }
}

impl<T, S, F, B> Connection<T, S, F, B>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: FnMut(Request<Incoming>) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    /// Reads, answers and writes until the connection has ended. Not to be polled after
    /// that.
    ///
    /// # Errors
    ///
    /// - [`Failure::Malformed`] if what has come is not a request. The client has been
    ///   told.
    /// - [`Failure::Body`] if the body of an answer failed, or is not as long as its head
    ///   says. What there was of it has been written.
    /// - [`Failure::Closed`] if the client has left, or the connection broke.
    pub fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<End, Failure>> {
        if let State::Exchange(exchange) = &self.state {
            exchange.look();
        }
        loop {
            match &self.state {
                State::Head => ready!(self.as_mut().poll_request(cx))?,
                State::Exchange(_) => ready!(self.as_mut().poll_exchange(cx))?,
                State::Ending(_) => return self.poll_end(cx),
                State::Upgraded => return Poll::Ready(Ok(End::Upgraded)),
            }
        }
    }

    /// Waits for a request, and passes it on.
    fn poll_request(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let mut this = self.project();
        loop {
            if !this.read.is_empty() {
                let mut request = Request::new(Incoming::none());
                match Exchange::begin(this.head, this.read, &mut request) {
                    Ok(Some(exchange)) => {
                        *this.requests += 1;
                        this.answer.set(Some((this.service)(request)));
                        *this.state = State::Exchange(exchange);
                        return Poll::Ready(Ok(()));
                    }
                    Ok(None) => {}
                    Err(malformed) => {
                        *this.is_unread = true;
                        *this.state = refuse(malformed, this.out);
                        return Poll::Ready(Ok(()));
                    }
                }
            }
            let fill = poll_fn(|cx| this.read.poll_fill(this.stream, cx));
            let filled = if *this.is_last {
                // A budget that is used up says nothing about the client.
                pin!(unconstrained(fill)).poll(cx)
            } else {
                pin!(fill).poll(cx)
            };
            let has_begun = this.head.has_begun(this.read);
            match filled {
                Poll::Ready(Ok(0)) if !has_begun => break,
                Poll::Ready(Ok(0)) => {
                    let Err(malformed) = this.head.end(this.read) else {
                        return Poll::Ready(Err(Failure::cut_off()));
                    };
                    *this.state = refuse(malformed, this.out);
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Failure::Closed(error))),
                // Whoever has begun to ask may go on.
                Poll::Pending if *this.is_last && !has_begun => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        *this.state = State::Ending(Some(Ok(End::Over)));
        Poll::Ready(Ok(()))
    }

    /// Answers the request that runs.
    fn poll_exchange(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        loop {
            self.as_mut().poll_answer(cx);
            let sent = self.as_mut().poll_send(cx)?;
            let this = self.as_mut().project();
            if let State::Exchange(exchange) = this.state
                && exchange.pass_on(this.stream, this.read, this.out, cx)
            {
                // Whoever reads it is likely to be here.
                continue;
            }
            if sent.is_ready() && self.as_mut().is_over(cx)? {
                return Poll::Ready(Ok(()));
            }
            self.as_mut().listen(cx)?;
            return Poll::Pending;
        }
    }

    /// Looks whether there is an answer, and writes its head into memory.
    fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let mut this = self.project();
        let Some(answer) = this.answer.as_mut().as_pin_mut() else {
            return;
        };
        let Poll::Ready(response) = answer.poll(cx) else {
            return;
        };
        // What it still has of the request is given up by that.
        this.answer.set(None);
        let State::Exchange(exchange) = this.state else {
            return;
        };
        let (head, body) = response.into_parts();
        let size = body.size_hint();
        if exchange.answer(&head, &size, *this.is_last, this.read, this.out, cx) {
            this.body.set(Some(body));
        }
        spare::keep(head);
    }

    /// Writes what there is of the answer. Ready when that is all for now.
    fn poll_send(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let mut this = self.project();
        let State::Exchange(exchange) = this.state else {
            return Poll::Pending;
        };
        loop {
            let mut filled = Poll::Ready(());
            if let Sending::Body(encoder) = &mut exchange.sending
                && let Some(body) = this.body.as_mut().as_pin_mut()
            {
                let is_over = match encoder.poll_fill(body, this.out, cx) {
                    Poll::Ready(Ok(())) => encoder.is_over().then_some(Sending::Whole),
                    Poll::Ready(Err(failure)) => {
                        *this.broke_off_unseen = encoder.is_ended_by_close();
                        Some(Sending::Broken(Some(failure)))
                    }
                    Poll::Pending => {
                        filled = Poll::Pending;
                        None
                    }
                };
                if let Some(sending) = is_over {
                    this.body.set(None);
                    exchange.sending = sending;
                }
            }
            if !this.out.is_empty() {
                let written = this.out.poll_write(Pin::new(&mut *this.stream), cx);
                ready!(written).map_err(Failure::Closed)?;
            }
            // Otherwise there is room for more now.
            if filled.is_pending() || this.body.is_none() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Whether the exchange is over, of whose answer all that there is has been written;
    /// and what comes next, then.
    fn is_over(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let this = self.project();
        let State::Exchange(exchange) = this.state else {
            return Ok(true);
        };
        match &mut exchange.sending {
            Sending::Whole => {}
            Sending::Upgrade => {
                *this.state = State::Upgraded;
                return Ok(true);
            }
            Sending::Broken(failure) => {
                let failure = failure.take();
                // What is behind it is not taken, whoever asks.
                *this.state = State::Ending(None);
                return failure.map_or(Ok(true), Err);
            }
            Sending::Nothing | Sending::Body(_) => return Ok(false),
        }
        let persists = exchange.persists() && !*this.is_last;
        match exchange.rest(this.read, cx) {
            Rest::Nothing if persists => {
                this.read.rest();
                *this.state = State::Head;
                return Ok(true);
            }
            // What has come behind it is not for us.
            Rest::Nothing => *this.is_unread |= !this.read.is_empty(),
            Rest::InUse => return Ok(false),
            Rest::Left => *this.is_unread = true,
        }
        *this.state = State::Ending(Some(Ok(End::Over)));
        Ok(true)
    }

    /// Looks whether the client has left. What it asks next stays where it is.
    fn listen(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<(), Failure> {
        let this = self.project();
        let State::Exchange(exchange) = this.state else {
            return Ok(());
        };
        if !exchange.is_heard_out() || !this.read.is_empty() {
            return Ok(());
        }
        match this.read.poll_fill(this.stream, cx) {
            Poll::Ready(Ok(0)) => Err(Failure::cut_off()),
            Poll::Ready(Err(error)) => Err(Failure::Closed(error)),
            Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
        }
    }

    fn poll_end(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<End, Failure>> {
        let this = self.project();
        // If the client has left meanwhile, it has ended all the same.
        let written = ready!(this.out.poll_write(Pin::new(&mut *this.stream), cx));
        if written.is_ok() {
            let _ = ready!(Pin::new(&mut *this.stream).poll_shutdown(cx));
        }
        match this.state {
            State::Ending(end) => Poll::Ready(end.take().unwrap_or(Ok(End::Over))),
            _ => Poll::Pending,
        }
    }
}

fn refuse(malformed: Malformed, out: &mut Outgoing) -> State {
    encode::refusal(malformed, out.head());
    State::Ending(Some(Err(malformed.into())))
}

impl<T, S, F, B> fmt::Debug for Connection<T, S, F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.state)
            .field("requests", &self.requests)
            .field("is_last", &self.is_last)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
