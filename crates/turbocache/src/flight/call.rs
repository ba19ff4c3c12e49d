use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Response, response};
use http_body::Body;
use tower::BoxError;

use super::{
    broadcast::Broadcast,
    lock,
    reader::{Reader, Waited, Waiter},
    wakers::{Seat, Wakers},
};
use crate::{
    CacheBody,
    fetch::{Candidate, Fetch, Fetched, Reused},
    policy::{storable::NotStored, vary::Vary},
    store::Entry,
};

/// The call of a flight: one inner future, and all who wait for its response.
pub(crate) struct Flight<F, B, E> {
    wakers: Arc<Wakers>,
    /// `wakers`, as the inner future sees them.
    waker: Waker,
    state: Mutex<State<F, B, E>>,
}

enum State<F, B, E> {
    /// The response is not here yet. `None` while someone polls.
    Calling(Option<Call<F>>),
    /// A response to share. Kept for those who have not fetched it yet, and for
    /// those who join while its body comes.
    Shared {
        /// The leader's own head, with all that the inner service put there.
        parts: Option<response::Parts>,
        broadcast: Arc<Broadcast<B>>,
    },
    /// A stored response is the answer, for whomever it suits.
    Reused(Reused),
    /// Only the leader can have what came, and only once.
    Refused(Option<LeadersOwn<B, E>>),
}

struct Call<F> {
    future: Pin<Box<F>>,
    fetch: Box<Fetch>,
}

/// What came of polling the call.
enum Driven<F, B, E> {
    NotYet(Call<F>),
    /// And the future, which has nothing more to give.
    There(State<F, B, E>, Pin<Box<F>>),
}

enum LeadersOwn<B, E> {
    Response(Response<CacheBody<B>>, NotStored),
    Error(E),
    /// What the inner future panicked with. It goes on where it would have
    /// happened without a cache: in the leader, whoever polled.
    Panic(Box<dyn Any + Send>),
}

/// What a leader is told.
pub(crate) enum Led<B> {
    Refused(Response<CacheBody<B>>, NotStored),
    Reused(Reused),
    Shared(response::Parts, Reader<B>),
}

/// What a follower is told.
pub(crate) enum Followed<B> {
    /// Read along.
    Shared(Arc<Broadcast<B>>, Reader<B>),
    /// It is complete, and stored.
    Stored(Arc<Entry>),
    /// A stored response was the answer. It may not be one for you.
    Reused(Reused),
    /// There will be a response to share, but it is chosen by these fields, and
    /// for a request that differs from yours in them.
    OtherVariant(Vary),
    /// There is nothing to share. Go on with your own request.
    Alone,
}

/// Whether a response that is on its way is one for a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Fits,
    /// It is for requests with other fields (RFC 9111 §4.1).
    OtherVariant,
    /// It may be used for one request only, or not any more.
    NotForOthers,
}

impl<F, B, E> Flight<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    E: Send + 'static,
{
    /// A call that nobody has polled yet.
    pub(crate) fn new(future: F, fetch: Fetch) -> Arc<Self> {
        let wakers = Wakers::new();
        Arc::new(Self {
            waker: Waker::from(Arc::clone(&wakers)),
            wakers,
            state: Mutex::new(State::Calling(Some(Call {
                future: Box::pin(future),
                fetch: Box::new(fetch),
            }))),
        })
    }

    /// Polls the inner future, if it is time and nobody else does.
    /// `Ready` if there is a response now.
    fn drive(&self, seat: &Seat) -> Poll<()> {
        let Some(mut call) = self.take_turn() else {
            return Poll::Pending;
        };
        // The call is out of reach for everyone else until there is something in
        // its place again. So nothing foreign that runs here may panic past that:
        // neither the inner future nor its body, which is asked for its length.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let mut cx = Context::from_waker(&self.waker);
            match call.future.as_mut().poll(&mut cx) {
                Poll::Pending => Driven::NotYet(call),
                Poll::Ready(result) => {
                    let outcome = match result {
                        Ok(response) => share(*call.fetch, response),
                        Err(error) => call.fetch.failed().map_or_else(
                            || State::Refused(Some(LeadersOwn::Error(error))),
                            State::Reused,
                        ),
                    };
                    Driven::There(outcome, call.future)
                }
            }
        }));
        let (outcome, leftover) = match polled {
            Ok(Driven::NotYet(call)) => {
                *lock(&self.state) = State::Calling(Some(call));
                if self.wakers.is_due() {
                    self.wakers.wake_others(None);
                }
                return Poll::Pending;
            }
            Ok(Driven::There(outcome, future)) => (outcome, Some(future)),
            Err(panic) => (State::Refused(Some(LeadersOwn::Panic(panic))), None),
        };
        // What is replaced is the empty place that the call was taken from.
        *lock(&self.state) = outcome;
        self.wakers.wake_others(Some(seat));
        drop(leftover);
        Poll::Ready(())
    }

    fn take_turn(&self) -> Option<Call<F>> {
        match &mut *lock(&self.state) {
            State::Calling(call @ Some(_)) if self.wakers.take_due() => call.take(),
            _ => None,
        }
    }
}

/// Decides whether others may have this response.
fn share<F, B, E>(fetch: Fetch, response: Response<B>) -> State<F, B, E>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    match fetch.judge(response) {
        Fetched::Storable(candidate, parts, body) => State::Shared {
            parts: Some(parts),
            broadcast: Broadcast::new(*candidate, body),
        },
        Fetched::Reused(reused) => State::Reused(reused),
        Fetched::Completing(..) => unreachable!("what asks for a part goes alone"),
        Fetched::Refused(response, reason) => {
            State::Refused(Some(LeadersOwn::Response(response, reason)))
        }
    }
}

/// The one whose request the flight carries.
pub(crate) struct Leader<F, B, E> {
    flight: Arc<Flight<F, B, E>>,
    seat: Seat,
}

impl<F, B, E> Leader<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    E: Send + 'static,
{
    pub(crate) fn new(flight: Arc<Flight<F, B, E>>) -> Self {
        let seat = flight.wakers.seat();
        Self { flight, seat }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Led<B>, E>> {
        self.seat.register(cx);
        loop {
            if let Some(led) = self.take() {
                return Poll::Ready(led);
            }
            if self.flight.drive(&self.seat).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Sees to it that the flight comes to its end, for whoever needs it. Nobody
    /// is told of an error; a panic is the one of the task that this is.
    pub(crate) async fn finish(mut self) {
        match poll_fn(|cx| self.poll(cx)).await {
            Ok(Led::Shared(_, reader)) => reader.finish().await,
            Ok(Led::Reused(_) | Led::Refused(..)) | Err(_) => {}
        }
    }

    fn take(&mut self) -> Option<Result<Led<B>, E>> {
        let mut state = lock(&self.flight.state);
        match &mut *state {
            State::Calling(_) => None,
            State::Shared { parts, broadcast } => {
                let parts = parts.take().expect("there is one leader, and it asks once");
                let broadcast = Arc::clone(broadcast);
                drop(state);
                let reader = broadcast.leader(Some(Arc::clone(&self.flight) as _));
                Some(Ok(Led::Shared(parts, reader)))
            }
            State::Reused(reused) => Some(Ok(Led::Reused(reused.clone()))),
            State::Refused(own) => {
                let own = own.take().expect("there is one leader, and it asks once");
                drop(state);
                Some(match own {
                    LeadersOwn::Response(response, reason) => Ok(Led::Refused(response, reason)),
                    LeadersOwn::Error(error) => Err(error),
                    LeadersOwn::Panic(panic) => resume_unwind(panic),
                })
            }
        }
    }
}

/// One who came while the flight was on its way.
pub(crate) struct Follower<F, B, E>(Stage<F, B, E>);

enum Stage<F, B, E> {
    Call(Arc<Flight<F, B, E>>, Seat),
    /// Until the body is complete.
    Body(Waiter<B>),
}

impl<F, B, E> Follower<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    E: Send + 'static,
{
    pub(crate) fn new(flight: Arc<Flight<F, B, E>>) -> Self {
        let seat = flight.wakers.seat();
        Self(Stage::Call(flight, seat))
    }

    /// `fit` says of a response whether it is for this follower.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        fit: impl Fn(&Candidate) -> Fit,
    ) -> Poll<Followed<B>> {
        loop {
            match &mut self.0 {
                Stage::Call(flight, seat) => {
                    seat.register(cx);
                    let broadcast = match &*lock(&flight.state) {
                        State::Calling(_) => None,
                        State::Shared { broadcast, .. } => Some(Arc::clone(broadcast)),
                        State::Reused(reused) => {
                            return Poll::Ready(Followed::Reused(reused.clone()));
                        }
                        State::Refused(_) => return Poll::Ready(Followed::Alone),
                    };
                    let Some(broadcast) = broadcast else {
                        if flight.drive(seat).is_pending() {
                            return Poll::Pending;
                        }
                        continue;
                    };
                    let candidate = &broadcast.candidate;
                    match fit(candidate) {
                        Fit::Fits => {}
                        Fit::OtherVariant => {
                            let vary = candidate.head.vary().clone();
                            return Poll::Ready(Followed::OtherVariant(vary));
                        }
                        Fit::NotForOthers => return Poll::Ready(Followed::Alone),
                    }
                    let flight = Arc::clone(flight) as _;
                    if broadcast.has_known_length() {
                        let reader = broadcast.follower(flight);
                        return Poll::Ready(Followed::Shared(broadcast, reader));
                    }
                    self.0 = Stage::Body(broadcast.waiter(flight));
                }
                Stage::Body(waiter) => {
                    return waiter.poll(cx).map(|waited| match waited {
                        Waited::Stored(entry) => Followed::Stored(entry),
                        Waited::Alone => Followed::Alone,
                    });
                }
            }
        }
    }
}
