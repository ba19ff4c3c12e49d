use std::{
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use peregrine_core::{UpgradeOffer, moment};
use peregrine_http1::{Failure, client::Conn};
use tokio::{runtime, time::Instant};

use super::{Stream, alarm::Alarm};
use crate::{Error, RequestBody, body::Upload};

/// One connection, and the state of HTTP on it.
pub(crate) struct Connection {
    /// Absent once it is over.
    conn: Option<Conn<Stream, RequestBody>>,
    runtime: runtime::Id,
    /// Rings when an answer is late.
    alarm: Alarm,
}

/// What an answer is to keep to.
pub(super) struct Terms {
    limit: Option<Duration>,
    upload: Option<Arc<Upload>>,
    offer: Option<UpgradeOffer>,
}

/// What became of a request on one connection.
pub(super) enum Outcome {
    Answered(Response<()>),
    /// Not one byte of it was written: it can go anywhere.
    Unsent(Error),
    Failed(Error),
}

impl Terms {
    /// `limit` is for the head of the answer, and does not count the time that the
    /// client takes to send its body.
    pub(super) fn new(
        request: &Request<RequestBody>,
        limit: Option<Duration>,
        offer: Option<UpgradeOffer>,
    ) -> Self {
        Self {
            limit,
            upload: request.body().upload(),
            offer,
        }
    }

    pub(super) const fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Whether the server may switch to what it says in `fields`.
    fn cover(&self, fields: &HeaderMap) -> bool {
        let offer = self.offer.as_ref();
        offer.is_some_and(|offer| offer.covers(fields))
    }
}

impl Connection {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            runtime: stream.runtime(),
            conn: Some(Conn::new(stream)),
            alarm: Alarm::default(),
        }
    }

    /// The runtime whose driver watches it.
    pub(crate) const fn runtime(&self) -> runtime::Id {
        self.runtime
    }

    /// Whether the last exchange is over on both sides, and the connection
    /// takes another one.
    pub(crate) fn is_ready(&self) -> bool {
        let conn = self.conn.as_ref();
        conn.is_some_and(|conn| conn.is_reusable() && !conn.stream().is_deaf())
    }

    /// Whether the answer has come as a whole.
    pub(super) fn is_answered(&self) -> bool {
        self.conn.as_ref().is_none_or(Conn::is_answered)
    }

    /// Whether nothing but the end of the connection says so.
    pub(super) fn is_closed(&self) -> bool {
        self.conn.as_ref().is_some_and(Conn::is_closed)
    }

    /// Gives up memory that is not needed before the next exchange.
    pub(super) fn rest(&mut self) {
        if let Some(conn) = &mut self.conn {
            conn.rest();
        }
    }

    /// Looks whether the other side has closed a connection that is not in
    /// use. An exchange looks, too, but sees only what the runtime has been told by
    /// the operating system so far: this asks the operating system itself.
    pub(crate) fn verified(self: Box<Self>) -> Option<Box<Self>> {
        let is_silent = |conn: &Conn<Stream, RequestBody>| conn.stream().is_silent();
        self.conn.as_ref().is_some_and(is_silent).then_some(self)
    }

    /// Makes a connection of another runtime one of this one. Verified on the
    /// way, since that costs little beside the rest.
    pub(crate) fn moved(mut self: Box<Self>) -> Option<Box<Self>> {
        let stream = self.take_stream().filter(Stream::is_silent)?;
        // With a timer of this runtime, too.
        *self = Self::new(stream.moved().ok()?);
        Some(self)
    }

    /// The bytes without the HTTP, unless an answer has begun.
    pub(crate) fn take_stream(&mut self) -> Option<Stream> {
        let (stream, read_ahead) = self.take_upgraded()?;
        read_ahead.is_empty().then_some(stream)
    }

    /// The bytes without the HTTP, after an answer that has switched to
    /// something else, and those of it that have come already.
    pub(crate) fn take_upgraded(&mut self) -> Option<(Stream, Bytes)> {
        self.conn.take().map(Conn::into_parts)
    }

    /// Sends a request and waits for the head of its response. The request stays with
    /// the caller, but for its body, and that, too, unless it was begun.
    ///
    /// Dropped before it is done, the connection must be dropped too: an
    /// answer to nobody may be under way on it.
    pub(super) async fn exchange(
        &mut self,
        request: &mut Request<RequestBody>,
        terms: &Terms,
    ) -> Outcome {
        let Some(conn) = &mut self.conn else {
            return Outcome::Unsent(Error::closed_early(true, "it is closed"));
        };
        conn.stream_mut().forget_what_was_heard();
        if let Some(limit) = terms.limit {
            self.alarm.set(moment::now() + limit);
        }
        let alarm = &mut self.alarm;
        let mut is_begun = false;
        poll_fn(|cx| {
            if !mem::replace(&mut is_begun, true) {
                if let Poll::Ready(failure) = conn.poll_unasked(cx) {
                    return Poll::Ready(Outcome::Unsent(classify(failure, true)));
                }
                if let Err(failure) = conn.begin(request) {
                    return Poll::Ready(Outcome::Failed(classify(failure, true)));
                }
                // The first look has seen to it that an answer wakes us, and there is
                // none before the request is out.
                if conn.send(cx) {
                    return poll_overdue(alarm, cx, terms);
                }
            }
            match conn.poll_head(request, |fields| terms.cover(fields), cx) {
                Poll::Ready(Ok(response)) => Poll::Ready(Outcome::Answered(response)),
                Poll::Ready(Err(failure)) => {
                    let is_silent = !conn.stream().heard();
                    Poll::Ready(Outcome::Failed(classify(failure, is_silent)))
                }
                Poll::Pending => poll_overdue(alarm, cx, terms),
            }
        })
        .await
    }

    /// What is here of the body of the response, without waiting for more.
    pub(super) fn ready_frame(&mut self) -> Result<Option<Frame<Bytes>>, Error> {
        let conn = self.conn.as_mut();
        let frame = conn.map_or(Ok(None), Conn::ready_frame);
        frame.map_err(|failure| classify(failure, false))
    }

    /// The next frame of the body of the response; `None` at its end.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(conn) = &mut self.conn else {
            return Poll::Ready(None);
        };
        conn.poll_frame(cx)
            .map_err(|failure| classify(failure, false))
    }

    /// Of what is still to come of the body of the response.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.conn
            .as_ref()
            .map_or_else(SizeHint::default, Conn::size_hint)
    }
}

/// Ready when the answer is late, and it is not the client who is slow.
fn poll_overdue(alarm: &mut Alarm, cx: &mut Context<'_>, terms: &Terms) -> Poll<Outcome> {
    let Some(limit) = terms.limit else {
        return Poll::Pending;
    };
    loop {
        ready!(alarm.poll(cx));
        let upload = terms.upload.as_ref();
        match upload.and_then(|upload| upload.excuse(Instant::now(), limit)) {
            Some(later) => alarm.set(later),
            None => return Poll::Ready(Outcome::Failed(Error::timeout(limit))),
        }
    }
}

/// Whose fault it is that there is no answer, or no end of one.
fn classify(failure: Failure, is_silent: bool) -> Error {
    match failure {
        Failure::Malformed(why) => Error::bad_response(why),
        Failure::Body(why) => Error::request_body(why),
        Failure::Closed(why) => Error::closed_early(is_silent, why),
    }
}
