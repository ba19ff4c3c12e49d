use std::{
    future::poll_fn,
    panic::resume_unwind,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{Response, response};
use http_body::Body;
use tokio::runtime::Handle;
use tower::BoxError;

use super::{
    call::{Call, Flight, Landed, News},
    reader::Reader,
    seats::Seat,
};
use crate::{
    CacheBody,
    fetch::{Fetch, Reused},
    policy::storable::NotStored,
};

/// The one whose request the flight carries, and who polls the call.
pub(crate) struct Leader<F, B> {
    /// `None` once it is over.
    call: Option<Call<F>>,
    flight: Arc<Flight<B>>,
    /// What becomes of the call if the leader leaves: [`go_on`]. To be able to drop one,
    /// nothing need be known of its types.
    leave: fn(Call<F>, &Arc<Flight<B>>),
}

/// What a leader is told.
pub(crate) enum Led<B> {
    Refused(Response<CacheBody<B>>, NotStored),
    Reused(Reused),
    Shared(response::Parts, Reader<B>),
}

impl<F, B> Leader<F, B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    /// Leads `flight` by a call that nobody has polled yet.
    pub(crate) fn new<E>(flight: Arc<Flight<B>>, future: F, fetch: Fetch) -> Self
    where
        F: Future<Output = (Instant, Result<Response<B>, E>)> + Send + 'static,
        E: Send + 'static,
    {
        Self {
            call: Some(Call::new(future, fetch)),
            flight,
            leave: go_on::<F, B, E>,
        }
    }

    pub(crate) fn poll<E>(&mut self, cx: &mut Context<'_>) -> Poll<Result<Led<B>, E>>
    where
        F: Future<Output = (Instant, Result<Response<B>, E>)>,
    {
        Call::poll(&self.flight, &mut self.call, cx).map(|landed| {
            self.flight.tell(landed.news());
            Ok(match landed {
                Landed::Shared(parts, broadcast) => {
                    let flight = Arc::clone(&self.flight) as _;
                    Led::Shared(parts, broadcast.leader(Some(flight)))
                }
                Landed::Reused(reused) => Led::Reused(reused),
                Landed::Refused(response, reason) => Led::Refused(response, reason),
                Landed::Failed(error) => return Err(error),
                Landed::Panicked(panic) => resume_unwind(panic),
            })
        })
    }

    /// Sees to it that the flight comes to its end, for whoever needs it. Nobody
    /// is told of an error; a panic is the one of the task that this is.
    pub(crate) async fn finish<E>(mut self)
    where
        F: Future<Output = (Instant, Result<Response<B>, E>)>,
    {
        match poll_fn(|cx| self.poll(cx)).await {
            Ok(Led::Shared(_, reader)) => reader.finish().await,
            Ok(Led::Reused(_) | Led::Refused(..)) | Err(_) => {}
        }
    }
}

impl<F, B> Drop for Leader<F, B> {
    fn drop(&mut self) {
        match self.call.take() {
            Some(call) => (self.leave)(call, &self.flight),
            // It has told them, unless the call has panicked when it was dropped.
            None => self.flight.tell(News::Nothing),
        }
    }
}

/// The client whose request it was has left. If the `call` may do without the task it was
/// polled in, it goes on in one of its own, for those who wait. If not, they are told.
///
/// Who comes from now on waits for another one in any case: nobody's patience bounds this.
fn go_on<F, B, E>(call: Call<F>, flight: &Arc<Flight<B>>)
where
    F: Future<Output = (Instant, Result<Response<B>, E>)> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    E: Send + 'static,
{
    call.fetch().retire();
    // However this goes, it tells them.
    let left = Left {
        seat: flight.seat(),
        flight: Arc::downgrade(flight),
    };
    let somebody_waits = Arc::strong_count(flight) > 1;
    if somebody_waits
        && call.fetch().may_be_finished_for_others()
        && let Ok(runtime) = Handle::try_current()
    {
        runtime.spawn(left.lead(call));
    }
}

/// A flight whose leader has left.
struct Left<B> {
    /// Those who wait keep it. When the last of them has left, it is gone.
    flight: Weak<Flight<B>>,
    /// To be woken then.
    seat: Seat,
}

impl<B> Left<B> {
    async fn lead<F, E>(self, call: Call<F>)
    where
        F: Future<Output = (Instant, Result<Response<B>, E>)>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut call = Some(call);
        let landing = poll_fn(|cx| {
            self.seat.register(cx);
            let Some(flight) = self.flight.upgrade() else {
                return Poll::Ready(());
            };
            Call::poll::<_, E>(&flight, &mut call, cx).map(|landed| flight.tell(landed.news()))
        });
        landing.await;
    }
}

/// It is over; or it was never begun, or its runtime has come to its end.
impl<B> Drop for Left<B> {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.upgrade() {
            flight.tell(News::Left);
        }
    }
}
