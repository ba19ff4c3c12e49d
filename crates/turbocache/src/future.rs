mod work;

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::BoxError;
use tower_service::Service;

pub(crate) use self::work::Work;
use crate::{
    CacheBody,
    passing::Passing,
    prompt::{later, poll_now},
};

/// Of what is to be there once.
const AGAIN: &str = "polled after it was ready";

pin_project! {
    /// The response of a [`TurboCacheService`](crate::TurboCacheService).
    ///
    /// If it is dropped, what it fetched goes on for those who wait for it, too;
    /// if there are none, it ends there.
    pub struct ResponseFuture<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>>,
    {
        #[pin]
        state: State<S, ReqB, ResB>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>>,
    {
        /// From memory.
        Answered { response: Option<Response<CacheBody<ResB>>> },
        /// By the inner service, untouched.
        Passing {
            #[pin]
            call: S::Future,
            passing: Passing,
        },
        /// In any other way.
        // Those above are not to make room for it.
        Working { work: Pin<Box<Work<S, ReqB, ResB>>> },
    }
}

impl<S, ReqB, ResB> ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    pub(crate) const fn answered(response: Response<CacheBody<ResB>>) -> Self {
        let response = Some(response);
        Self {
            state: State::Answered { response },
        }
    }

    /// Asks `service` for it: at once if it is ready, and as soon as it is otherwise. It is
    /// left as one that nobody has polled, or called and nothing else.
    // What is `passing` is made when the service was called: what is to be dropped should
    // that panic keeps the compiler from having the call written where it belongs.
    #[inline]
    pub(crate) fn passing(
        service: &mut S,
        request: Request<ReqB>,
        passing: impl FnOnce() -> Passing,
    ) -> Self
    where
        S: Clone,
    {
        match poll_now(service) {
            Poll::Ready(Ok(())) => {
                let call = service.call(request);
                let mut passing = passing();
                passing.sent();
                Self {
                    state: State::Passing { call, passing },
                }
            }
            Poll::Ready(Err(error)) => {
                *service = service.clone();
                Work::failed(error).into()
            }
            Poll::Pending => Work::waiting(later(service, request), passing()).into(),
        }
    }
}

impl<S, ReqB, ResB> From<Work<S, ReqB, ResB>> for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    fn from(work: Work<S, ReqB, ResB>) -> Self {
        let state = match work {
            Work::Answered { response } => State::Answered { response },
            work => {
                let work = Box::pin(work);
                State::Working { work }
            }
        };
        Self { state }
    }
}

impl<S, ReqB, ResB> Future for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    type Output = Result<Response<CacheBody<ResB>>, S::Error>;

    #[expect(
        clippy::inline_always,
        reason = "or the response is moved once more for nothing"
    )]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Answered { response } => Poll::Ready(Ok(response.take().expect(AGAIN))),
            StateProj::Passing { call, passing } => {
                let response = match ready!(call.poll(cx)) {
                    Ok(response) => response,
                    Err(error) => {
                        passing.failed();
                        return Poll::Ready(Err(error));
                    }
                };
                let (mut parts, body) = response.into_parts();
                passing.answered(&mut parts, &body);
                Poll::Ready(Ok(Response::from_parts(parts, CacheBody::passed(body))))
            }
            StateProj::Working { work } => work.as_mut().poll(cx),
        }
    }
}

impl<S, ReqB, ResB> fmt::Debug for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Answered { .. } => "answered",
            State::Passing { .. } => "passing",
            State::Working { work } => work.name(),
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish()
    }
}
