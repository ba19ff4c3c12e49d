use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use pin_project_lite::pin_project;

use crate::ResponseBody;

pin_project! {
    /// Response future of the services of this crate.
    pub struct ResponseFuture<F, B, E> {
        #[pin]
        phase: Phase<F, B, E>,
    }
}

type Answer<B, E> = Result<Response<ResponseBody<B>>, E>;

pin_project! {
    #[project = PhaseProj]
    enum Phase<F, B, E> {
        Passed { #[pin] future: F },
        Looking { future: Pin<Box<dyn Future<Output = Answer<B, E>> + Send>> },
    }
}

impl<F, B, E> ResponseFuture<F, B, E> {
    /// The service's own answer.
    pub(crate) const fn passed(future: F) -> Self {
        Self {
            phase: Phase::Passed { future },
        }
    }

    /// Something that takes a look at the disk.
    pub(crate) fn looking(future: impl Future<Output = Answer<B, E>> + Send + 'static) -> Self {
        Self {
            phase: Phase::Looking {
                future: Box::pin(future),
            },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Answer<B, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().phase.project() {
            PhaseProj::Passed { future } => future
                .poll(cx)
                .map_ok(|response| response.map(ResponseBody::service)),
            PhaseProj::Looking { future } => future.as_mut().poll(cx),
        }
    }
}

impl<F, B, E> fmt::Debug for ResponseFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &self.phase {
            Phase::Passed { .. } => "passed on",
            Phase::Looking { .. } => "looking",
        };
        f.debug_tuple("ResponseFuture").field(&phase).finish()
    }
}
