use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tower::BoxError;

use super::{
    lock,
    wakers::{Seat, Wakers},
};
use crate::{fetch::Candidate, policy::storable::NotStored, store::Entry};

/// The body of a flight: one inner body, and all who read it.
pub(crate) struct Broadcast<B> {
    pub(crate) candidate: Candidate,
    wakers: Arc<Wakers>,
    /// `wakers`, as the inner body sees them.
    waker: Waker,
    state: Mutex<State<B>>,
}

struct State<B> {
    /// What has come so far. Bounded by the greatest length of an entry.
    chunks: Vec<Bytes>,
    phase: Phase<B>,
}

enum Phase<B> {
    /// More is to come. `None` while someone polls.
    Streaming(Option<Source<B>>),
    /// All of it has come.
    Complete {
        /// As stored; `None` if it was not, in the end.
        entry: Option<Arc<Entry>>,
        trailers: Option<HeaderMap>,
    },
    /// It is too long to be kept. The rest is for the leader, who is the only
    /// reader: the length was not known.
    Overflowed(Option<Pin<Box<B>>>),
    /// It broke, and nobody is to take it for complete.
    Failed(BodyError),
}

struct Source<B> {
    body: Pin<Box<B>>,
    received: u64,
}

/// Keeps whatever it is that others find this broadcast by.
type KeepAlive = Arc<dyn Any + Send + Sync>;

impl<B> Broadcast<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(candidate: Candidate, body: B) -> Arc<Self> {
        let wakers = Wakers::new();
        // Nobody need ask for the frames of a body without any, so it is
        // complete, and stored, before anyone does.
        let phase = if candidate.length == Some(0) || body.is_end_stream() {
            Phase::Complete {
                entry: candidate.store(&[]),
                trailers: None,
            }
        } else {
            Phase::Streaming(Some(Source {
                body: Box::pin(body),
                received: 0,
            }))
        };
        Arc::new(Self {
            candidate,
            waker: Waker::from(Arc::clone(&wakers)),
            wakers,
            state: Mutex::new(State {
                chunks: Vec::new(),
                phase,
            }),
        })
    }

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

    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        self.candidate.head.ttl(now).is_some()
    }

    pub(crate) fn has_known_length(&self) -> bool {
        self.candidate.length.is_some()
    }

    /// Polls the inner body, if it is time and nobody else does.
    /// `Ready` if there is something new.
    pub(super) fn drive(&self, seat: &Seat) -> Poll<()> {
        let Some(mut source) = self.take_turn() else {
            return Poll::Pending;
        };
        // The source is out of reach for everyone else until there is something
        // in its place again. So nothing foreign that runs here may panic past
        // that.
        let step = catch_unwind(AssertUnwindSafe(|| self.pull(&mut source)))
            .unwrap_or_else(|_panic| self.fail(BodyError::Panicked));
        let (phase, leftover) = match step {
            Step::Idle => {
                lock(&self.state).phase = Phase::Streaming(Some(source));
                if self.wakers.is_due() {
                    self.wakers.wake_others(None);
                }
                return Poll::Pending;
            }
            Step::Moved => {
                self.wakers.set_due();
                (Phase::Streaming(Some(source)), None)
            }
            Step::Overflowed => (Phase::Overflowed(Some(source.body)), None),
            Step::Complete(entry, trailers) => {
                (Phase::Complete { entry, trailers }, Some(source.body))
            }
            Step::Failed(error) => (Phase::Failed(error), Some(source.body)),
        };
        // What is replaced is the empty place that the source was taken from.
        lock(&self.state).phase = phase;
        self.wakers.wake_others(Some(seat));
        drop(leftover);
        Poll::Ready(())
    }

    fn take_turn(&self) -> Option<Source<B>> {
        match &mut lock(&self.state).phase {
            Phase::Streaming(source @ Some(_)) if self.wakers.take_due() => source.take(),
            _ => None,
        }
    }

    /// One chunk from the inner body, or its end.
    fn pull(&self, source: &mut Source<B>) -> Step {
        loop {
            let mut cx = Context::from_waker(&self.waker);
            let frame = match source.body.as_mut().poll_frame(&mut cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(None) => return self.end(source.received),
                // By its declared length the message is complete (RFC 9112 §8).
                Poll::Pending if self.candidate.length == Some(source.received) => {
                    return self.end(source.received);
                }
                Poll::Pending => return Step::Idle,
                Poll::Ready(Some(Err(error))) => {
                    return self.fail(BodyError::Inner(Arc::new(error.into())));
                }
            };
            let chunk = match frame.into_data() {
                Ok(chunk) if chunk.is_empty() => continue,
                Ok(chunk) => chunk,
                Err(frame) => {
                    self.candidate.refuse(NotStored::Trailers);
                    return Step::Complete(None, frame.into_trailers().ok());
                }
            };
            source.received += chunk.len() as u64;
            if self
                .candidate
                .length
                .is_some_and(|length| source.received > length)
            {
                return self.fail(BodyError::TooLong);
            }
            lock(&self.state).chunks.push(chunk);
            if source.received > self.candidate.max_body() {
                self.candidate.refuse(NotStored::TooLarge);
                return Step::Overflowed;
            }
            if source.body.is_end_stream() {
                return self.end(source.received);
            }
            // A server need not ask for more when it has what `Content-Length`
            // promised. So who gets the last chunk looks right behind it.
            if self.candidate.length != Some(source.received) {
                return Step::Moved;
            }
        }
    }

    fn end(&self, received: u64) -> Step {
        if self
            .candidate
            .length
            .is_some_and(|length| received != length)
        {
            return self.fail(BodyError::TooShort);
        }
        let chunks = lock(&self.state).chunks.clone();
        Step::Complete(self.candidate.store(&chunks), None)
    }

    fn fail(&self, error: BodyError) -> Step {
        self.candidate.refuse(NotStored::Incomplete);
        Step::Failed(error)
    }
}

/// What came of polling the inner body.
enum Step {
    /// It has nothing now.
    Idle,
    /// There is one chunk more.
    Moved,
    /// There is one chunk more, and it was one too many.
    Overflowed,
    Complete(Option<Arc<Entry>>, Option<HeaderMap>),
    Failed(BodyError),
}

/// A place in a body that is shared while it comes.
pub(crate) struct Reader<B>(Reading<B>);

enum Reading<B> {
    Shared(Place<B>),
    /// What was too long to be kept, from here on: what is left of the chunks,
    /// then the inner body itself.
    Rest(std::vec::IntoIter<Bytes>, Pin<Box<B>>),
    Over,
}

struct Place<B> {
    broadcast: Arc<Broadcast<B>>,
    seat: Seat,
    /// How many chunks it has had, and how many bytes these were.
    position: usize,
    delivered: u64,
    _flight: Option<KeepAlive>,
}

impl<B> Reader<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    fn new(broadcast: Arc<Broadcast<B>>, flight: Option<KeepAlive>) -> Self {
        Self(Reading::Shared(Place {
            seat: broadcast.wakers.seat(),
            broadcast,
            position: 0,
            delivered: 0,
            _flight: flight,
        }))
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let next = match &mut self.0 {
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
                    self.0 = Reading::Rest(chunks.into_iter(), body);
                    continue;
                }
                Next::End(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
                Next::Failed(error) => Some(Err(error.into())),
            };
            // Nothing is needed of the others any more.
            self.0 = Reading::Over;
            return Poll::Ready(frame);
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        match &self.0 {
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
        match &self.0 {
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
    /// The body is complete, and stored.
    Stored(Arc<Entry>),
    /// There is nothing to share.
    Alone,
}

impl<B> Waiter<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Waited> {
        self.seat.register(cx);
        loop {
            match &lock(&self.broadcast.state).phase {
                Phase::Streaming(_) => {}
                Phase::Complete {
                    entry: Some(entry), ..
                } => return Poll::Ready(Waited::Stored(Arc::clone(entry))),
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

/// Why a body that was read along with others did not come to its end.
#[derive(Clone, Debug)]
enum BodyError {
    /// The inner body said so. Every reader gets the same error.
    Inner(Arc<BoxError>),
    TooShort,
    TooLong,
    Panicked,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inner(_) => "the response body failed",
            Self::TooShort => "the response body ended before its declared length",
            Self::TooLong => "the response body is longer than declared",
            Self::Panicked => "the response body panicked",
        })
    }
}

impl std::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Inner(error) => Some(&***error),
            Self::TooShort | Self::TooLong | Self::Panicked => None,
        }
    }
}
