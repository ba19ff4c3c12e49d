use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::{BufferError, RequestError};

pin_project! {
    /// Response future of
    /// [`RequestBufferingService`](super::RequestBufferingService).
    ///
    /// Dropped while the body comes, what was buffered is gone, and the inner
    /// service has not heard of the request.
    pub struct ResponseFuture<F, R, E> {
        #[pin]
        phase: Phase<F, R, E>,
    }
}

type Buffered<R, E> = Pin<Box<dyn Future<Output = Result<R, RequestError<E>>> + Send>>;

pin_project! {
    #[project = PhaseProj]
    enum Phase<F, R, E> {
        Passed { #[pin] future: F },
        Buffered { future: Buffered<R, E> },
        // `None`: it was said already.
        Refused { error: Option<BufferError> },
    }
}

impl<F, R, E> ResponseFuture<F, R, E> {
    pub(super) const fn passed(future: F) -> Self {
        Self {
            phase: Phase::Passed { future },
        }
    }

    pub(super) const fn buffered(future: Buffered<R, E>) -> Self {
        Self {
            phase: Phase::Buffered { future },
        }
    }

    pub(super) const fn refused(error: BufferError) -> Self {
        Self {
            phase: Phase::Refused { error: Some(error) },
        }
    }
}

impl<F, R, E> Future for ResponseFuture<F, R, E>
where
    F: Future<Output = Result<R, E>>,
{
    type Output = Result<R, RequestError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().phase.project() {
            PhaseProj::Passed { future } => future.poll(cx).map_err(RequestError::Service),
            PhaseProj::Buffered { future } => future.as_mut().poll(cx),
            PhaseProj::Refused { error } => match error.take() {
                Some(error) => Poll::Ready(Err(RequestError::Body(error))),
                None => Poll::Pending,
            },
        }
    }
}

impl<F, R, E> fmt::Debug for ResponseFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &self.phase {
            Phase::Passed { .. } => "passed on",
            Phase::Buffered { .. } => "buffered",
            Phase::Refused { .. } => "refused",
        };
        f.debug_tuple("ResponseFuture").field(&phase).finish()
    }
}
