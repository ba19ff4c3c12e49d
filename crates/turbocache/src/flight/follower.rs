use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Body;
use tower::BoxError;

use super::{
    broadcast::Broadcast,
    call::{Flight, News},
    reader::{Reader, Waited, Waiter},
    seats::Seat,
};
use crate::{
    fetch::{Candidate, Reused},
    policy::vary::Vary,
    store::Entry,
};

/// One who came while the flight was on its way.
pub(crate) struct Follower<B>(Stage<B>);

enum Stage<B> {
    Call(Arc<Flight<B>>, Seat),
    /// Until the body is complete.
    Body(Waiter<B>),
}

/// What a follower is told.
pub(crate) enum Followed<B> {
    /// Read along.
    Shared(Arc<Broadcast<B>>, Reader<B>),
    /// It is complete.
    Complete(Arc<Entry>),
    /// A stored response was the answer. It may not be one for you.
    Reused(Reused),
    /// There will be a response to share, but it is chosen by these fields, and
    /// for a request that differs from yours in them.
    OtherVariant(Vary),
    /// There is nothing to share. Go on with your own request.
    Alone,
    /// There is nothing yet. Go on together with the others, by a request of one of you.
    Again,
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

impl<B> Follower<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(flight: Arc<Flight<B>>) -> Self {
        let seat = flight.seat();
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
                    // It may have been made somewhere else than it is polled.
                    if flight.is_polled_here() {
                        return Poll::Ready(Followed::Alone);
                    }
                    seat.register(cx);
                    let broadcast = match flight.news() {
                        News::None => return Poll::Pending,
                        News::Shared(broadcast) => broadcast,
                        News::Reused(reused) => return Poll::Ready(Followed::Reused(reused)),
                        News::Nothing => return Poll::Ready(Followed::Alone),
                        News::Left => return Poll::Ready(Followed::Again),
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
                        Waited::Complete(entry) => Followed::Complete(entry),
                        Waited::Alone => Followed::Alone,
                    });
                }
            }
        }
    }
}
