use std::{
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::Failure;

/// The body of a request, as it comes.
///
/// The connection reads no more of it than somebody asks for, and nothing at all before
/// that: who refuses a request need not hear its body. It may be read in another task
/// than that of the connection, also after the answer. Dropped before its end, the rest
/// of it is not read, and the connection ends with the answer.
///
/// Fails with [`Failure::Closed`] if the connection ends before the body does, and with
/// [`Failure::Malformed`] if what comes is not one.
pub struct Incoming(Option<Arc<Pipe>>);

/// What a connection and the reader of a body share.
#[derive(Debug)]
pub(super) struct Pipe(Mutex<State>);

#[derive(Debug)]
struct State {
    /// What has come and was not taken yet.
    frame: Option<Frame<Bytes>>,
    /// There will be no more than that.
    end: Option<Result<(), Failure>>,
    /// How many bytes are still to be taken, if that is known.
    left: Option<u64>,
    is_wanted: bool,
    /// Nobody reads it any more.
    is_abandoned: bool,
    /// Who waits for it.
    reader: Option<Waker>,
    /// The task of the connection, to be told that it is wanted, or abandoned. While it
    /// runs, it need not be told: it looks before it pauses.
    connection: Option<Waker>,
}

/// What the reader of a body would like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing at the moment. The connection's task is woken when that changes.
    Nothing,
    More,
    /// Nothing any more.
    Peace,
}

impl Incoming {
    pub(super) const fn none() -> Self {
        Self(None)
    }
}

impl Pipe {
    /// For a body of so many bytes, or of any number.
    pub(super) fn new(left: Option<u64>) -> (Arc<Self>, Incoming) {
        let pipe = Arc::new(Self(Mutex::new(State {
            frame: None,
            end: None,
            left,
            is_wanted: false,
            is_abandoned: false,
            reader: None,
            connection: None,
        })));
        (Arc::clone(&pipe), Incoming(Some(pipe)))
    }

    pub(super) fn look(&self) {
        self.lock().connection = None;
    }

    pub(super) fn wish(&self, cx: &Context<'_>) -> Wish {
        let mut state = self.lock();
        if state.is_abandoned {
            return Wish::Peace;
        }
        if state.is_wanted {
            return Wish::More;
        }
        remember(&mut state.connection, cx);
        Wish::Nothing
    }

    /// Whether nobody reads any more of what is wished for and does not come. If not, the
    /// connection's task is woken when that changes.
    pub(super) fn is_abandoned(&self, cx: &Context<'_>) -> bool {
        let mut state = self.lock();
        if !state.is_abandoned {
            remember(&mut state.connection, cx);
        }
        state.is_abandoned
    }

    /// What was wished for. `is_all` if nothing follows it.
    pub(super) fn give(&self, frame: Frame<Bytes>, is_all: bool) {
        self.tell(|state| {
            state.frame = Some(frame);
            state.end = is_all.then_some(Ok(()));
        });
    }

    /// There is no more, for this reason.
    pub(super) fn end(&self, end: Result<(), Failure>) {
        self.tell(|state| state.end = Some(end));
    }

    fn tell(&self, news: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        state.is_wanted = false;
        news(&mut state);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remember(waker: &mut Option<Waker>, cx: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(cx.waker()),
        none => *none = Some(cx.waker().clone()),
    }
}

impl State {
    fn take(&mut self) -> Option<Result<Frame<Bytes>, Failure>> {
        if let Some(frame) = self.frame.take() {
            let len = frame.data_ref().map_or(0, Bytes::len) as u64;
            self.left = self.left.map(|left| left.saturating_sub(len));
            return Some(Ok(frame));
        }
        match self.end.replace(Ok(())) {
            Some(Err(failure)) => Some(Err(failure)),
            _ => None,
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let Some(pipe) = &self.0 else {
            return Poll::Ready(None);
        };
        let mut state = pipe.lock();
        if state.frame.is_some() || state.end.is_some() {
            return Poll::Ready(state.take());
        }
        let is_news = !mem::replace(&mut state.is_wanted, true);
        remember(&mut state.reader, cx);
        // If it knows, it is the client that it waits for.
        let connection = state.connection.take_if(|_| is_news);
        drop(state);
        if let Some(connection) = connection {
            connection.wake();
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|pipe| {
            let state = pipe.lock();
            state.frame.is_none() && matches!(state.end, Some(Ok(())))
        })
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            None => SizeHint::with_exact(0),
            Some(pipe) => pipe
                .lock()
                .left
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let Some(pipe) = &self.0 else {
            return;
        };
        let mut state = pipe.lock();
        state.is_abandoned = true;
        let connection = state.connection.take();
        drop(state);
        if let Some(connection) = connection {
            connection.wake();
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("size", &self.size_hint())
            .field("over", &self.is_end_stream())
            .finish()
    }
}

#[cfg(test)]
mod tests;
