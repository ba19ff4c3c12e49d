use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;
use tokio::runtime::Handle;
use tower::BoxError;

use super::{
    body_error::BodyError,
    lock,
    polled_here::{Number, PolledHere},
    seats::Seat,
    wakers::Wakers,
};
use crate::{fetch::Candidate, policy::storable::NotStored, store::Entry};

/// The body of a flight: one inner body, and all who read it.
pub(crate) struct Broadcast<B> {
    number: Number,
    pub(crate) candidate: Candidate,
    pub(super) wakers: Arc<Wakers>,
    /// `wakers`, as the inner body sees them.
    waker: Waker,
    pub(super) state: Mutex<State<B>>,
    /// Where the response came. Whoever reads may be in another, or in none.
    runtime: Option<Handle>,
}

pub(super) struct State<B> {
    /// What has come so far. Bounded by the greatest length of an entry.
    pub(super) chunks: Vec<Bytes>,
    pub(super) phase: Phase<B>,
}

pub(super) enum Phase<B> {
    /// More is to come. `None` while someone polls.
    Streaming(Option<Source<B>>),
    /// All of it has come.
    Complete {
        /// What those get who wait for it; `None` if it is not one to share, in the end.
        entry: Option<Arc<Entry>>,
        trailers: Option<HeaderMap>,
    },
    /// It is too long to be kept. The rest is for the leader, who is the only
    /// reader: the length was not known.
    Overflowed(Option<Pin<Box<B>>>),
    /// It broke, and nobody is to take it for complete.
    Failed(BodyError),
}

pub(super) struct Source<B> {
    body: Pin<Box<B>>,
    received: u64,
}

/// Keeps whatever it is that others find this broadcast by.
pub(super) type KeepAlive = Arc<dyn Any + Send + Sync>;

impl<B> Broadcast<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(candidate: Candidate, body: B) -> Arc<Self> {
        let wakers = Wakers::new();
        // Nobody need ask for the frames of a body without any, so it is
        // complete, and stored, before anyone does.
        let is_empty = match candidate.length {
            Some(length) => length == 0,
            None => body.is_end_stream(),
        };
        let phase = if is_empty {
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
            number: Number::next(),
            candidate,
            waker: Waker::from(Arc::clone(&wakers)),
            wakers,
            state: Mutex::new(State {
                chunks: Vec::new(),
                phase,
            }),
            runtime: Handle::try_current().ok(),
        })
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
        let pulled = catch_unwind(AssertUnwindSafe(|| {
            let _mark = PolledHere::mark(self.number);
            let _runtime = self.runtime.as_ref().map(Handle::enter);
            self.pull(&mut source)
        }));
        let step = pulled.unwrap_or_else(|_panic| self.fail(BodyError::Panicked));
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
                Err(_) if self.is_short(source.received) => {
                    return self.fail(BodyError::TooShort);
                }
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
        if self.is_short(received) {
            return self.fail(BodyError::TooShort);
        }
        let chunks = lock(&self.state).chunks.clone();
        Step::Complete(self.candidate.store(&chunks), None)
    }

    fn is_short(&self, received: u64) -> bool {
        self.candidate
            .length
            .is_some_and(|length| received < length)
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
