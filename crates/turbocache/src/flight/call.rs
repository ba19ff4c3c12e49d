use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{Response, response};
use http_body::Body;
use tower::BoxError;

use super::{
    broadcast::Broadcast,
    lock,
    polled_here::{Number, PolledHere},
    seats::{Seat, Seats},
};
use crate::{
    CacheBody,
    fetch::{Fetch, Fetched, Reused},
    policy::storable::NotStored,
};

/// What all who wait for one response of the inner service know of it.
pub(crate) struct Flight<B> {
    number: Number,
    seats: Arc<Seats>,
    news: Mutex<News<B>>,
}

/// What they are told: first nothing, and then once.
pub(super) enum News<B> {
    None,
    /// A response to share. Also for those who join while its body comes.
    Shared(Arc<Broadcast<B>>),
    /// A stored response is the answer, for whomever it suits.
    Reused(Reused),
    /// There is nothing for anybody but who asked.
    Nothing,
    /// Who asked has left, and there will be nothing.
    Left,
}

impl<B> Flight<B> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            number: Number::next(),
            seats: Arc::default(),
            news: Mutex::new(News::None),
        })
    }

    /// Whether who asks this must not wait for it: see [`PolledHere`].
    pub(crate) fn is_polled_here(&self) -> bool {
        self.number.is_polled_here()
    }

    pub(super) fn seat(&self) -> Seat {
        self.seats.seat()
    }

    /// For who has registered before.
    pub(super) fn news(&self) -> News<B> {
        lock(&self.news).clone()
    }

    pub(super) fn tell(&self, told: News<B>) {
        {
            let mut news = lock(&self.news);
            if !matches!(*news, News::None) {
                return;
            }
            // What is replaced is nothing that could run when it is dropped.
            *news = told;
        }
        self.seats.wake_others(None);
    }
}

/// Everyone has left. If the call goes on, its task is to learn that nobody waits.
impl<B> Drop for Flight<B> {
    fn drop(&mut self) {
        self.seats.wake_others(None);
    }
}

impl<B> Clone for News<B> {
    fn clone(&self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Shared(broadcast) => Self::Shared(Arc::clone(broadcast)),
            Self::Reused(reused) => Self::Reused(reused.clone()),
            Self::Nothing => Self::Nothing,
            Self::Left => Self::Left,
        }
    }
}

/// A call of the inner service.
pub(super) struct Call<F> {
    future: Pin<Box<F>>,
    fetch: Box<Fetch>,
}

/// What came of it.
pub(super) enum Landed<B, E> {
    /// A response to share. The head is the leader's own, with all that the inner
    /// service put there.
    Shared(response::Parts, Arc<Broadcast<B>>),
    Reused(Reused),
    /// Only the leader can have what came.
    Refused(Response<CacheBody<B>>, NotStored),
    Failed(E),
    /// What the inner service panicked with. It goes on where it would have happened
    /// without a cache: in the leader.
    Panicked(Box<dyn Any + Send>),
}

impl<F> Call<F> {
    pub(super) fn new(future: F, fetch: Fetch) -> Self {
        Self {
            future: Box::pin(future),
            fetch: Box::new(fetch),
        }
    }

    pub(super) const fn fetch(&self) -> &Fetch {
        &self.fetch
    }

    /// Polls the call of `flight`. Takes it `from` where it is, and puts it back if it is
    /// not over.
    pub(super) fn poll<B, E>(
        flight: &Flight<B>,
        from: &mut Option<Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Landed<B, E>>
    where
        F: Future<Output = (Instant, Result<Response<B>, E>)>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut call = from.take().expect("it is polled until it is over");
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let _mark = PolledHere::mark(flight.number);
            call.future.as_mut().poll(cx)
        }));
        let landed = match polled {
            Ok(Poll::Pending) => {
                *from = Some(call);
                return Poll::Pending;
            }
            // A body may panic, too, when it is asked for its length.
            Ok(Poll::Ready((requested, result))) => {
                let fetch = call.fetch;
                catch_unwind(AssertUnwindSafe(|| land(*fetch, requested, result)))
                    .unwrap_or_else(Landed::Panicked)
            }
            Err(panic) => {
                call.fetch.panicked();
                Landed::Panicked(panic)
            }
        };
        Poll::Ready(landed)
    }
}

fn land<B, E>(fetch: Fetch, requested: Instant, result: Result<Response<B>, E>) -> Landed<B, E>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let response = match result {
        Ok(response) => response,
        Err(error) => return fetch.failed().map_or(Landed::Failed(error), Landed::Reused),
    };
    match fetch.judge(requested, response) {
        Fetched::Storable(candidate, parts, body) => {
            Landed::Shared(parts, Broadcast::new(*candidate, body))
        }
        Fetched::Reused(reused) => Landed::Reused(reused),
        Fetched::Completing(..) => unreachable!("what asks for a part goes alone"),
        Fetched::Refused(response, reason) => Landed::Refused(response, reason),
    }
}

impl<B, E> Landed<B, E> {
    /// What of it is for those who wait.
    pub(super) fn news(&self) -> News<B> {
        match self {
            Self::Shared(_, broadcast) => News::Shared(Arc::clone(broadcast)),
            Self::Reused(reused) => News::Reused(reused.clone()),
            Self::Refused(..) | Self::Failed(_) | Self::Panicked(_) => News::Nothing,
        }
    }
}
