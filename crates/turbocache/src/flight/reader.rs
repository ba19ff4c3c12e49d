use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tower::BoxError;

use super::{
    body_error::BodyError,
    broadcast::{Broadcast, KeepAlive, Phase},
    collapsed::Listed,
    lock,
    seats::Seat,
};
use crate::store::{Entry, Head};

impl<B> Broadcast<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// The reader that gets all of it, even if it is too long to be kept.
    pub(crate) fn leader(self: Arc<Self>, flight: Option<KeepAlive>) -> Reader<B> {
        Reader::new(self, flight)
    }

    /// One more reader, of a body whose length is known.
    pub(crate) fn follower(self: &Arc<Self>, flight: KeepAlive) -> Reader<B> {
        Reader::new(Arc::clone(self), Some(flight))
    }

    /// Someone who waits until it is complete.
    pub(crate) fn waiter(self: Arc<Self>, flight: KeepAlive) -> Waiter<B> {
        Waiter {
            seat: self.wakers.seat(),
            broadcast: self,
            _flight: flight,
        }
    }
}

/// A place in a body that is shared while it comes. In memory of its own: what hits have
/// no part in is not to make their response larger.
pub(crate) struct Reader<B>(Box<Reading<B>>);

enum Reading<B> {
    Shared(Place<B>),
    /// What was too long to be kept, from here on: what is left of the chunks,
    /// then the inner body itself.
    Rest(vec::IntoIter<Bytes>, Pin<Box<B>>),
    Over,
}

struct Place<B> {
    broadcast: Arc<Broadcast<B>>,
    seat: Seat,
    /// How many chunks it has had, and how many bytes these were.
    position: usize,
    delivered: u64,
    /// That a follower reads along, for who looks.
    listed: Option<Listed>,
    _flight: Option<KeepAlive>,
}

impl<B> Reader<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    fn new(broadcast: Arc<Broadcast<B>>, flight: Option<KeepAlive>) -> Self {
        Self(Box::new(Reading::Shared(Place {
            seat: broadcast.wakers.seat(),
            broadcast,
            position: 0,
            delivered: 0,
            listed: None,
            _flight: flight,
        })))
    }

    /// Has it shown what is `listed`, until it is over.
    pub(crate) fn listed(mut self, listed: Option<Listed>) -> Self {
        if let Reading::Shared(place) = &mut *self.0 {
            if let Some(listed) = &listed {
                listed.answered();
            }
            place.listed = listed;
        }
        self
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let next = match &mut *self.0 {
                Reading::Over => return Poll::Ready(None),
                Reading::Rest(chunks, body) => {
                    return match chunks.next() {
                        Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
                        None => body.as_mut().poll_frame(cx).map_err(Into::into),
                    };
                }
                Reading::Shared(place) => {
                    place.seat.register(cx);
                    match place.next() {
                        Some(next) => next,
                        None if place.broadcast.drive(&place.seat).is_ready() => continue,
                        None => return Poll::Pending,
                    }
                }
            };
            let frame = match next {
                Next::Chunk(chunk) => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
                Next::Rest(chunks, body) => {
                    *self.0 = Reading::Rest(chunks.into_iter(), body);
                    continue;
                }
                Next::End(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
                Next::Failed(error) => Some(Err(error.into())),
            };
            // Nothing is needed of the others any more.
            *self.0 = Reading::Over;
            return Poll::Ready(frame);
        }
    }

    /// Reads all of it, for whoever needs it to be stored: as long as it may be.
    pub(crate) async fn finish(mut self) {
        while let Some(Ok(_)) = poll_fn(|cx| self.poll_frame(cx)).await {
            if matches!(*self.0, Reading::Rest(..)) {
                return;
            }
        }
    }

    /// The head that is stored with it, as long as it may be.
    pub(crate) fn head(&self) -> Option<&Head> {
        match &*self.0 {
            Reading::Shared(place) => Some(&place.broadcast.candidate.head),
            Reading::Rest(..) | Reading::Over => None,
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        match &*self.0 {
            Reading::Over => true,
            Reading::Rest(chunks, body) => chunks.len() == 0 && body.is_end_stream(),
            Reading::Shared(place) => {
                let state = lock(&place.broadcast.state);
                place.position == state.chunks.len()
                    && matches!(state.phase, Phase::Complete { trailers: None, .. })
            }
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match &*self.0 {
            Reading::Over => SizeHint::with_exact(0),
            Reading::Rest(chunks, body) => {
                let buffered = length(chunks.as_slice());
                let rest = body.size_hint();
                let mut hint = SizeHint::new();
                hint.set_lower(buffered.saturating_add(rest.lower()));
                if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(buffered)) {
                    hint.set_upper(upper);
                }
                hint
            }
            Reading::Shared(place) => place.size_hint(),
        }
    }
}

/// What a reader finds at its place.
enum Next<B> {
    Chunk(Bytes),
    Rest(Vec<Bytes>, Pin<Box<B>>),
    End(Option<HeaderMap>),
    Failed(BodyError),
}

impl<B> Place<B> {
    fn next(&mut self) -> Option<Next<B>> {
        let mut state = lock(&self.broadcast.state);
        // First what has come, even if it has broken since: everyone is to see
        // the same bytes before the same end.
        if let Some(chunk) = state.chunks.get(self.position)
            && !matches!(state.phase, Phase::Overflowed(_))
        {
            self.position += 1;
            self.delivered += chunk.len() as u64;
            if let Some(listed) = &self.listed {
                listed.sent(self.delivered);
            }
            return Some(Next::Chunk(chunk.clone()));
        }
        match &mut state.phase {
            Phase::Streaming(_) => None,
            Phase::Complete { trailers, .. } => Some(Next::End(trailers.clone())),
            Phase::Failed(error) => Some(Next::Failed(error.clone())),
            Phase::Overflowed(body) => Some(match body.take() {
                Some(body) => Next::Rest(state.chunks.split_off(self.position), body),
                None => Next::Failed(BodyError::TooLong),
            }),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let state = lock(&self.broadcast.state);
        let total = match (self.broadcast.candidate.length, &state.phase) {
            (Some(length), _) => Some(length),
            (None, Phase::Complete { .. }) => Some(length(&state.chunks)),
            (None, _) => None,
        };
        if let Some(total) = total {
            return SizeHint::with_exact(total.saturating_sub(self.delivered));
        }
        let mut hint = SizeHint::new();
        hint.set_lower(length(&state.chunks[self.position..]));
        hint
    }
}

fn length(chunks: &[Bytes]) -> u64 {
    chunks.iter().map(|chunk| chunk.len() as u64).sum()
}

/// One who may not read along, because the body may yet turn out to be too long
/// to be shared. While it waits it drives the body on, so that a leader whose
/// client is slow holds nobody up.
pub(crate) struct Waiter<B> {
    broadcast: Arc<Broadcast<B>>,
    seat: Seat,
    _flight: KeepAlive,
}

/// What a [`Waiter`] is told.
pub(crate) enum Waited {
    /// The body is complete.
    Complete(Arc<Entry>),
    /// There is nothing to share.
    Alone,
}

impl<B> Waiter<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Whether what is complete is stored, too.
    pub(crate) fn is_stored(&self) -> bool {
        self.broadcast.candidate.is_stored()
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Waited> {
        self.seat.register(cx);
        loop {
            match &lock(&self.broadcast.state).phase {
                Phase::Streaming(_) => {}
                Phase::Complete {
                    entry: Some(entry), ..
                } => return Poll::Ready(Waited::Complete(Arc::clone(entry))),
                Phase::Complete { entry: None, .. } | Phase::Overflowed(_) | Phase::Failed(_) => {
                    return Poll::Ready(Waited::Alone);
                }
            }
            if self.broadcast.drive(&self.seat).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
