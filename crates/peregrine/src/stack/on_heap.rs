use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_service::Service;

/// Keeps the futures and bodies of a service on the heap.
///
/// A future is as large as the largest thing that it may have to wait for, and each
/// layer around it moves it once more. So what only requests meet that go on to the
/// application is not to be a part of what every hit moves about.
#[derive(Clone, Debug)]
pub struct OnHeap<S> {
    inner: S,
}

impl<S> OnHeap<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for OnHeap<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
{
    type Response = Response<ResponseBody<S::Future, ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResB>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let future = self.inner.call(request);
        ResponseFuture {
            stage: Some(Box::pin(Stage::Asking { future })),
        }
    }
}

pin_project! {
    // The body takes the place of the future, when that is ready: one piece of memory
    // will do for both.
    #[project = StageProj]
    enum Stage<F, B> {
        Asking {
            #[pin]
            future: F,
        },
        Answering {
            #[pin]
            body: B,
        },
    }
}

/// The response of an [`OnHeap`].
pub struct ResponseFuture<F, B> {
    /// Gone to the body once it is ready.
    stage: Option<Pin<Box<Stage<F, B>>>>,
}

/// The body of the response of an [`OnHeap`].
pub struct ResponseBody<F, B> {
    stage: Pin<Box<Stage<F, B>>>,
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<F, B>>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.stage.take().expect("polled after it was ready");
        let polled = match stage.as_mut().project() {
            StageProj::Asking { future } => future.poll(cx),
            StageProj::Answering { .. } => Poll::Pending,
        };
        // Moved once, from where it is: responses are large.
        match polled {
            Poll::Pending => {
                self.stage = Some(stage);
                Poll::Pending
            }
            Poll::Ready(Ok(response)) => Poll::Ready(Ok(response.map(|body| {
                stage.set(Stage::Answering { body });
                ResponseBody { stage }
            }))),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}

impl<F, B: Body> Body for ResponseBody<F, B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.stage.as_mut().project() {
            StageProj::Answering { body } => body.poll_frame(cx),
            // Whoever has a body has nothing to ask for, here and below.
            StageProj::Asking { .. } => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &*self.stage {
            Stage::Answering { body } => body.is_end_stream(),
            Stage::Asking { .. } => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &*self.stage {
            Stage::Answering { body } => body.size_hint(),
            Stage::Asking { .. } => SizeHint::with_exact(0),
        }
    }
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<F, B> fmt::Debug for ResponseBody<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
