use std::{
    cell::Cell,
    fmt,
    future::poll_fn,
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::coop::unconstrained,
};

use super::{
    encode::{self, Asked, Method, Said},
    head::Head,
    incoming::{Incoming, Wish},
    upload::Upload,
};
use crate::{BoxError, Failure, Malformed, buffer::Buffer, encoder::Encoder, outgoing::Outgoing};

thread_local! {
    /// The memory of the fields of the last answer, for those of the next request: it
    /// stays warm from one connection to the other.
    static SPARE: Cell<Option<HeaderMap>> = const { Cell::new(None) };
}

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

#[derive(Debug)]
struct Exchange {
    asked: Asked,
    /// Absent once all of the request's body has been passed on.
    upload: Option<Upload>,
    /// The client waits to be told to send its body.
    waits: bool,
    /// The client will not say anything more that could be understood.
    is_deaf: bool,
    sending: Sending,
}

#[derive(Debug)]
enum Sending {
    /// There is no answer yet.
    Nothing,
    Body(Encoder),
    /// All is there to be written.
    Whole,
    /// Something else is spoken after it.
    Upgrade,
    /// There will be no more of it.
    Broken(Failure),
}

/// What is left of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Nothing,
    /// Somebody reads it.
    InUse,
    /// Nobody will, and where it ends is not known.
    Left,
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
        if let State::Exchange(Exchange {
            upload: Some(upload),
            ..
        }) = &self.state
        {
            upload.look();
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
                match understand(this.head, this.read, &mut request) {
                    Ok(Some((asked, upload, waits))) => {
                        *this.requests += 1;
                        this.answer.set(Some((this.service)(request)));
                        *this.state = State::Exchange(Exchange {
                            asked,
                            upload,
                            waits,
                            is_deaf: false,
                            sending: Sending::Nothing,
                        });
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
            if self.as_mut().pass_on(cx) {
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
        let rest = exchange.rest(this.read, cx);
        exchange.asked.persists &= !*this.is_last && rest != Rest::Left;
        exchange.asked.is_whole = rest == Rest::Nothing;
        let (mut head, body) = response.into_parts();
        let size = body.size_hint();
        exchange.sending = match encode::head(&head, &size, exchange.asked, this.out.head()) {
            Ok(Said { encoder, persists }) => {
                exchange.asked.persists = persists;
                match encoder {
                    Some(encoder) => {
                        this.body.set(Some(body));
                        Sending::Body(encoder)
                    }
                    None if head.status == StatusCode::SWITCHING_PROTOCOLS => Sending::Upgrade,
                    None => Sending::Whole,
                }
            }
            Err(unfit) => {
                this.out.clear();
                Sending::Broken(unfit.into())
            }
        };
        keep(mem::take(&mut head.headers));
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
                    Poll::Ready(Err(failure)) => Some(Sending::Broken(failure)),
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

    /// Passes on what somebody wants of the request's body, and says whether that was
    /// something.
    fn pass_on(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let this = self.project();
        let State::Exchange(exchange) = this.state else {
            return false;
        };
        let Some(upload) = &mut exchange.upload else {
            return false;
        };
        if upload.wish(cx) != Wish::More {
            return false;
        }
        // RFC 9110 §10.1.1: "A server MAY omit sending a 100 (Continue) response if it has
        // already received some or all of the content for the corresponding request".
        if mem::take(&mut exchange.waits)
            && this.read.is_empty()
            && matches!(exchange.sending, Sending::Nothing)
        {
            this.out.push_str("HTTP/1.1 100 Continue\r\n\r\n");
            // What cannot be written now is with the next poll, as is why it cannot.
            let _ = this.out.poll_write(Pin::new(&mut *this.stream), cx);
        }
        match upload.poll_pass(this.read, this.stream, cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(())) => {
                exchange.is_deaf = true;
                exchange.asked.persists = false;
                *this.is_unread = true;
            }
            Poll::Pending => return upload.is_abandoned(cx),
        }
        exchange.upload.take_if(|upload| upload.is_over());
        true
    }

    /// Whether the exchange is over, of whose answer all that there is has been written;
    /// and what comes next, then.
    fn is_over(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<bool, Failure> {
        let this = self.project();
        let State::Exchange(exchange) = this.state else {
            return Ok(true);
        };
        match mem::replace(&mut exchange.sending, Sending::Whole) {
            Sending::Whole => {}
            Sending::Upgrade => {
                *this.state = State::Upgraded;
                return Ok(true);
            }
            Sending::Broken(failure) => {
                // What is behind it is not taken, whoever asks.
                *this.state = State::Ending(None);
                return Err(failure);
            }
            unfinished => {
                exchange.sending = unfinished;
                return Ok(false);
            }
        }
        let persists = exchange.asked.persists && !*this.is_last;
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
        if exchange.upload.is_some() || exchange.is_deaf || !this.read.is_empty() {
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

impl Exchange {
    /// What stands between this exchange and the next one.
    fn rest(&mut self, read: &mut Buffer, cx: &Context<'_>) -> Rest {
        let Some(upload) = &mut self.upload else {
            return if self.is_deaf {
                Rest::Left
            } else {
                Rest::Nothing
            };
        };
        if upload.wish(cx) != Wish::Peace {
            // Who has not been told to send its body may or may not do so.
            return if self.waits { Rest::Left } else { Rest::InUse };
        }
        if upload.skip(read) {
            self.upload = None;
            return Rest::Nothing;
        }
        Rest::Left
    }
}

/// Takes the head of `request` out of what has come, with all that the exchange is to
/// know of it: what its answer goes by, its body, and whether the client waits to be told
/// to send that.
fn understand(
    head: &mut Head,
    read: &mut Buffer,
    request: &mut Request<Incoming>,
) -> Result<Option<(Asked, Option<Upload>, bool)>, Malformed> {
    let Some(fields) = head.parse(read, request, spare)? else {
        return Ok(None);
    };
    let version = request.version();
    let upload = fields.framing(version)?.map(|framing| {
        let (upload, incoming) = Upload::new(framing);
        *request.body_mut() = incoming;
        upload
    });
    let asked = Asked {
        version,
        method: Method::from(request.method()),
        persists: fields.persists(version),
        takes_trailers: fields.takes_trailers(),
        is_whole: upload.is_none(),
    };
    let waits = upload.is_some() && fields.expects_continue(version);
    Ok(Some((asked, upload, waits)))
}

fn refuse(malformed: Malformed, out: &mut Outgoing) -> State {
    encode::refusal(malformed, out.head());
    State::Ending(Some(Err(malformed.into())))
}

fn spare() -> HeaderMap {
    // In a thread that is ending there is none to be had.
    let spare = SPARE.try_with(Cell::take).ok().flatten();
    spare.unwrap_or_default()
}

fn keep(mut headers: HeaderMap) {
    // Whoever comes next is somebody else.
    headers.clear();
    let _ = SPARE.try_with(|spare| spare.set(Some(headers)));
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
