use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use peregrine_core::UpgradeOffer;
use tokio::{
    runtime,
    task::coop::unconstrained,
    time::{self, Instant, Sleep},
};

use super::{Signs, Stream};
use crate::{Error, RequestBody, body::Upload, error::ClientBodyError};

/// The largest response head, and the largest trailer section, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// One connection, and the state of HTTP on it.
pub(crate) struct Connection {
    sender: SendRequest<RequestBody>,
    /// Absent once the connection is over.
    driver: Option<http1::Connection<TokioIo<Stream>, RequestBody>>,
    signs: Signs,
    runtime: runtime::Id,
    /// Kept for the connection's life: to move a timer that is armed already
    /// is far cheaper than to arm a new one.
    timer: Option<Pin<Box<Sleep>>>,
}

/// What an answer is to keep to.
pub(super) struct Terms {
    limit: Option<Duration>,
    upload: Option<Arc<Upload>>,
    offer: Option<UpgradeOffer>,
}

/// What became of a request on one connection.
pub(crate) enum Outcome {
    Answered(Response<Incoming>),
    /// Not one byte of it was written: it can go anywhere.
    Unsent(Box<Request<RequestBody>>, hyper::Error),
    Failed(Error),
}

impl Terms {
    /// `limit` is for the head of the answer, and does not count the time that the
    /// client takes to send its body.
    pub(super) fn of(request: &Request<RequestBody>, limit: Option<Duration>) -> Self {
        Self {
            limit,
            upload: request.body().upload(),
            offer: request.extensions().get().cloned(),
        }
    }

    pub(super) const fn limit(&self) -> Option<Duration> {
        self.limit
    }
}

impl Connection {
    pub(crate) async fn new(stream: Stream) -> hyper::Result<Self> {
        let signs = stream.signs();
        let runtime = stream.runtime();
        let (sender, driver) = http1::Builder::new()
            .max_header_size(MAX_HEAD)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok(Self {
            sender,
            driver: Some(driver),
            signs,
            runtime,
            timer: None,
        })
    }

    /// The runtime whose driver watches it.
    pub(crate) const fn runtime(&self) -> runtime::Id {
        self.runtime
    }

    /// Reads and writes what can be read and written now.
    ///
    /// An error is not lost here: the request that it concerns, or the body of
    /// its response, gets it from hyper.
    pub(crate) fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && Pin::new(driver).poll(cx).is_ready()
        {
            self.driver = None;
        }
    }

    /// Whether the last exchange is over on both sides, and the connection
    /// takes another one.
    pub(crate) fn is_ready(&self) -> bool {
        self.driver.is_some() && self.sender.is_ready() && !self.signs.deaf()
    }

    /// Looks whether the other side has closed a connection that is not in
    /// use. hyper looks too, but sees only what the runtime has been told by
    /// the operating system so far: this asks the operating system itself.
    pub(crate) async fn verified(mut self: Box<Self>) -> Option<Box<Self>> {
        let stream = self.take_stream().filter(Stream::is_silent)?;
        Self::new(stream).await.ok().map(Box::new)
    }

    /// Makes a connection of another runtime one of this one. Verified on the
    /// way, since that costs little beside the rest.
    pub(crate) async fn moved(mut self: Box<Self>) -> Option<Box<Self>> {
        let stream = self.take_stream().filter(Stream::is_silent)?;
        let stream = stream.moved().ok()?;
        Self::new(stream).await.ok().map(Box::new)
    }

    /// The bytes without the HTTP, unless an answer has begun.
    pub(crate) fn take_stream(&mut self) -> Option<Stream> {
        let parts = self.driver.take()?.into_parts();
        parts.read_buf.is_empty().then(|| parts.io.into_inner())
    }

    /// The bytes without the HTTP, after an answer that has switched to
    /// something else, and those of it that have come already.
    pub(crate) fn take_upgraded(&mut self) -> Option<(Stream, Bytes)> {
        let parts = self.driver.take()?.into_parts();
        Some((parts.io.into_inner(), parts.read_buf))
    }

    /// Sends a request and waits for the head of its response.
    ///
    /// Dropped before it is done, the connection must be dropped too: an
    /// answer to nobody may be under way on it.
    pub(super) async fn exchange(
        &mut self,
        request: Request<RequestBody>,
        terms: &Terms,
    ) -> Outcome {
        let limit = terms.limit;
        self.signs.forget_what_was_heard();
        if let Some(limit) = limit {
            self.arm(Instant::now() + limit);
        }
        // Without a budget of its own: nobody would be told that it has run out.
        let mut answer = pin!(unconstrained(self.sender.try_send_request(request)));
        // An answer that switches to something else ends the HTTP, too.
        let mut over = false;
        let mut is_sent = false;
        let result = poll_fn(|cx| {
            let mut look = |cx: &mut Context<'_>| {
                // The answer can only come from driving.
                if let Some(driver) = &mut self.driver {
                    over = Pin::new(driver).poll(cx).is_ready();
                }
                let found = answer.as_mut().poll(&mut nobody());
                // The other side has closed a connection that was not in use, before
                // hyper looked at the request. It gives that back when it is dropped,
                // and no sooner.
                if found.is_pending() && over && self.driver.take().is_some() {
                    return answer.as_mut().poll(&mut nobody());
                }
                found
            };
            // Nobody is left to be woken on behalf of an answer that is whole:
            // hyper would have whoever drove it last look for more, now and when
            // the next request comes.
            if is_sent && let Poll::Ready(answer) = look(&mut nobody()) {
                return Poll::Ready(Some(answer));
            }
            is_sent = true;
            if let Poll::Ready(answer) = look(cx) {
                return Poll::Ready(Some(answer));
            }
            match (&mut self.timer, limit) {
                (Some(timer), Some(limit)) => {
                    poll_overdue(timer.as_mut(), cx, limit, terms.upload.as_deref()).map(|()| None)
                }
                _ => Poll::Pending,
            }
        })
        .await;
        if let Some(Ok(response)) = &result
            && response.status() == StatusCode::SWITCHING_PROTOCOLS
        {
            let agreed = terms.offer.as_ref();
            let agreed = agreed.is_some_and(|offer| offer.covers(response.headers()));
            if !agreed {
                let error = "101 to something that was not offered";
                return Outcome::Failed(Error::bad_response(error));
            }
        } else if over {
            self.driver = None;
        }
        match result {
            Some(Ok(response)) => Outcome::Answered(response),
            Some(Err(mut error)) => match error.take_message() {
                Some(request) => Outcome::Unsent(Box::new(request), error.into_error()),
                None => Outcome::Failed(classify(error.into_error(), &self.signs)),
            },
            None => Outcome::Failed(Error::timeout(limit.unwrap_or_default())),
        }
    }

    fn arm(&mut self, deadline: Instant) {
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(deadline),
            none => *none = Some(Box::pin(time::sleep_until(deadline))),
        }
    }
}

/// For what is looked at again in any case.
fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Ready when the answer is late, and it is not the client who is slow.
fn poll_overdue(
    mut timer: Pin<&mut Sleep>,
    cx: &mut Context<'_>,
    limit: Duration,
    upload: Option<&Upload>,
) -> Poll<()> {
    loop {
        ready!(timer.as_mut().poll(cx));
        match upload.and_then(|upload| upload.excuse(Instant::now(), limit)) {
            Some(later) => timer.as_mut().reset(later),
            None => return Poll::Ready(()),
        }
    }
}

/// Whose fault it is that there is no answer to a request that may have been
/// written.
pub(crate) fn classify(error: hyper::Error, signs: &Signs) -> Error {
    if is_client_body(&error) || error.is_body_write_aborted() {
        Error::request_body(error)
    } else if error.is_parse() || is_unexpected(&error) {
        Error::bad_response(error)
    } else {
        Error::closed_early(!signs.heard(), error)
    }
}

fn is_client_body(error: &hyper::Error) -> bool {
    error.is_user()
        && error
            .source()
            .is_some_and(<dyn StdError>::is::<ClientBodyError>)
}

/// Bytes on a connection on which nothing was asked. hyper has no question
/// for it; it is neither an I/O error nor the end of the connection.
fn is_unexpected(error: &hyper::Error) -> bool {
    !error.is_incomplete_message()
        && !error.is_canceled()
        && !error.is_closed()
        && !error.is_user()
        && error
            .source()
            .is_none_or(|source| !source.is::<io::Error>())
}
