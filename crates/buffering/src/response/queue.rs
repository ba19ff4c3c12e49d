use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tower::BoxError;

use super::layer::Config;
use crate::budget::Claim;

/// What a piece takes beside its bytes, so that many small ones are not free.
const PER_PIECE: usize = 64;

/// The pieces of one response that wait in memory, between the task that reads
/// them from the service and the body that hands them to the client.
///
/// Who wakes whom: a piece, and the end, wakes the body. A piece that is taken
/// wakes the task, if that has found no room before; it says so under the lock
/// under which it looks, so that no wake-up is lost.
pub(super) struct Queue {
    max: usize,
    state: Mutex<State>,
}

struct State {
    pieces: VecDeque<Bytes>,
    /// What they take.
    size: usize,
    claim: Claim,
    rest: Rest,
    body: Option<Waker>,
    pump: Option<Waker>,
}

/// What comes after the pieces.
enum Rest {
    More,
    End(End),
    Nothing,
}

/// How a body ends.
#[derive(Debug)]
pub(super) enum End {
    Complete(Option<Box<HeaderMap>>),
    Failed(BoxError),
}

impl End {
    pub(super) fn into_frame(self) -> Option<Result<Frame<Bytes>, BoxError>> {
        match self {
            Self::Complete(trailers) => trailers.map(|fields| Ok(Frame::trailers(*fields))),
            Self::Failed(error) => Some(Err(error)),
        }
    }
}

impl Queue {
    pub(super) fn new(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            max: config.memory_per_body,
            state: Mutex::new(State {
                pieces: VecDeque::new(),
                size: 0,
                claim: config.space.claim_memory(),
                rest: Rest::More,
                body: None,
                pump: None,
            }),
        })
    }

    /// Takes a piece, or gives it back where there is no room, and wakes the
    /// task when there is some. One piece always has room: a client that waits
    /// gets what comes.
    pub(super) fn offer(&self, piece: Bytes, cx: &mut Context<'_>) -> Result<(), Bytes> {
        let mut state = self.state();
        let size = piece.len() + PER_PIECE;
        let empty = state.pieces.is_empty();
        let fits = state.size + size <= self.max && state.claim.grow(size as u64);
        if !fits && !empty {
            state.pump = Some(cx.waker().clone());
            return Err(piece);
        }
        if !fits {
            state.claim.overdraw(size as u64);
        }
        state.size += size;
        state.pieces.push_back(piece);
        wake(state, |state| &mut state.body);
        Ok(())
    }

    /// Whether less than so many bytes are here. If not, the task is woken when
    /// one is taken.
    pub(super) fn has_less_than(&self, bytes: usize, cx: &mut Context<'_>) -> bool {
        let mut state = self.state();
        let less = state.size < bytes;
        if !less {
            state.pump = Some(cx.waker().clone());
        }
        less
    }

    /// Takes a piece in any case.
    pub(super) fn push(&self, piece: Bytes) {
        let mut state = self.state();
        let size = piece.len() + PER_PIECE;
        state.claim.overdraw(size as u64);
        state.size += size;
        state.pieces.push_back(piece);
        wake(state, |state| &mut state.body);
    }

    /// There is nothing more to come.
    pub(super) fn finish(&self, end: End) {
        let mut state = self.state();
        state.rest = Rest::End(end);
        wake(state, |state| &mut state.body);
    }

    /// Nothing more comes, and nobody has said so.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        if matches!(state.rest, Rest::More) {
            let error = "whoever read the response has stopped";
            state.rest = Rest::End(End::Failed(error.into()));
            wake(state, |state| &mut state.body);
        }
    }

    pub(super) fn poll_take(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut state = self.state();
        if let Some(piece) = state.pieces.pop_front() {
            let size = piece.len() + PER_PIECE;
            state.size -= size;
            state.claim.shrink(size as u64);
            wake(state, |state| &mut state.pump);
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match std::mem::replace(&mut state.rest, Rest::Nothing) {
            Rest::Nothing => Poll::Ready(None),
            Rest::End(end) => Poll::Ready(end.into_frame()),
            Rest::More => {
                state.rest = Rest::More;
                state.body = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Whether everything was taken, and there is no more to come.
    pub(super) fn is_over(&self) -> bool {
        let state = self.state();
        let over = matches!(state.rest, Rest::Nothing | Rest::End(End::Complete(None)));
        over && state.pieces.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes one side, outside of the lock.
fn wake(mut state: MutexGuard<'_, State>, whom: impl FnOnce(&mut State) -> &mut Option<Waker>) {
    let waker = whom(&mut state).take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
