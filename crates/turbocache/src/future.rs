use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{BoxError, util::Oneshot};
use tower_service::Service;
use tracing::debug;

use crate::{
    CacheBody,
    client::Asker,
    fetch::{Fetch, Fetched},
    flight::{Broadcast, Follower, Leader, Led, Waited, Waiter},
    passing::Passing,
    pending::{Forward, Pending},
    prompt::Prompt,
    store::Later,
};

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
    pub(crate) enum State<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>>,
    {
        /// From memory.
        Answered { response: Option<Response<CacheBody<ResB>>> },
        /// Not yet known to be anywhere: the store takes its time.
        LookingUp {
            later: Later,
            pending: Option<Box<Pending<S, ReqB>>>,
        },
        /// By the inner service, untouched.
        Passing {
            #[pin]
            call: Prompt<S, Request<ReqB>>,
            passing: Passing,
        },
        /// By the inner service, for this request alone; perhaps to be stored.
        Fetching {
            // What hits have no part in is not to make their future larger.
            call: Pin<Box<Oneshot<S, Request<ReqB>>>>,
            fetch: Option<Box<Fetch>>,
            asker: Asker,
        },
        /// From memory, with what the inner service sends of it.
        Completing {
            waiter: Waiter<ResB>,
            asker: Asker,
        },
        /// By the inner service, for others, too.
        Leading {
            leader: Leader<Oneshot<S, Request<ReqB>>, ResB, S::Error>,
            asker: Asker,
        },
        /// By what another one fetches.
        Following {
            follower: Follower<Oneshot<S, Request<ReqB>>, ResB, S::Error>,
            // What it takes to go on alone.
            own: Option<Box<Forward<S, ReqB>>>,
        },
    }
}

impl<S, ReqB, ResB> From<State<S, ReqB, ResB>> for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    fn from(state: State<S, ReqB, ResB>) -> Self {
        Self { state }
    }
}

impl<S, ReqB, ResB> State<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    pub(crate) const fn answered(response: Response<CacheBody<ResB>>) -> Self {
        let response = Some(response);
        Self::Answered { response }
    }

    pub(crate) fn looking_up(later: Later, pending: Pending<S, ReqB>) -> Self {
        let pending = Some(Box::new(pending));
        Self::LookingUp { later, pending }
    }

    pub(crate) const fn passing(call: Prompt<S, Request<ReqB>>, passing: Passing) -> Self {
        Self::Passing { call, passing }
    }

    pub(crate) fn fetching(call: Oneshot<S, Request<ReqB>>, fetch: Fetch, asker: Asker) -> Self {
        let (call, fetch) = (Box::pin(call), Some(Box::new(fetch)));
        Self::Fetching { call, fetch, asker }
    }

    pub(crate) const fn leading(
        leader: Leader<Oneshot<S, Request<ReqB>>, ResB, S::Error>,
        asker: Asker,
    ) -> Self {
        Self::Leading { leader, asker }
    }

    pub(crate) fn following(
        follower: Follower<Oneshot<S, Request<ReqB>>, ResB, S::Error>,
        own: Forward<S, ReqB>,
    ) -> Self {
        let own = Some(Box::new(own));
        Self::Following { follower, own }
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
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Answered { response } => {
                    let response = response.take().expect("polled after it was ready");
                    return Poll::Ready(Ok(response));
                }
                StateProj::Passing { call, passing } => {
                    let (mut parts, body) = ready!(call.poll(cx))?.into_parts();
                    passing.answered(&mut parts, &body);
                    let response = Response::from_parts(parts, CacheBody::passed(body));
                    return Poll::Ready(Ok(response));
                }
                _ => {
                    if let Some(result) = ready!(state.as_mut().go_on(cx)) {
                        return Poll::Ready(result);
                    }
                }
            }
        }
    }
}

impl<S, ReqB, ResB> State<S, ReqB, ResB>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    /// What was neither in memory nor has passed: the response, or nothing, if it is
    /// another state by now.
    // Not inlined: what it takes of the stack is more than all others need.
    #[inline(never)]
    fn go_on(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Response<CacheBody<ResB>>, S::Error>>> {
        let next = match self.as_mut().project() {
            StateProj::Answered { .. } | StateProj::Passing { .. } => return Poll::Ready(None),
            StateProj::LookingUp { later, pending } => {
                let found = ready!(later.as_mut().poll(cx)).unwrap_or_else(|error| {
                    debug!(%error, "the look-up failed");
                    None
                });
                let pending = pending.take().expect("polled after it was ready");
                pending.again(found)
            }
            StateProj::Fetching { call, fetch, asker } => {
                let result = ready!(call.as_mut().poll(cx));
                let fetch = fetch.take().expect("polled after it was ready");
                match fetched(*fetch, asker, result) {
                    Ok(Ok(response)) => return Poll::Ready(Some(Ok(response))),
                    Ok(Err(waiter)) => State::Completing {
                        waiter,
                        asker: asker.clone(),
                    },
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
            StateProj::Completing { waiter, asker } => {
                let entry = match ready!(waiter.poll(cx)) {
                    Waited::Stored(entry) => Some(entry),
                    Waited::Alone => None,
                };
                let now = asker.cache.instant();
                return Poll::Ready(Some(Ok(asker.completed(entry.as_deref(), now))));
            }
            StateProj::Leading { leader, asker } => {
                return Poll::Ready(Some(match ready!(leader.poll(cx)) {
                    Ok(Led::Shared(parts, reader)) => Ok(asker.led(parts, reader)),
                    Ok(Led::Reused(reused)) => Ok(asker.reused(&reused, asker.cache.instant())),
                    Ok(Led::Refused(response, reason)) => Ok(asker.refused(response, reason)),
                    Err(error) => Err(error),
                }));
            }
            StateProj::Following { follower, own } => {
                let fit = |candidate: &_| {
                    let own = own.as_ref().expect("polled after it was ready");
                    own.fit(candidate)
                };
                let followed = ready!(follower.poll(cx, fit));
                let own = own.take().expect("polled after it was ready");
                own.followed(followed)
            }
        };
        self.set(next);
        Poll::Ready(None)
    }
}

/// What comes of a request that went alone: a response, or a part to wait for.
fn fetched<B, E>(
    fetch: Fetch,
    asker: &Asker,
    result: Result<Response<B>, E>,
) -> Result<Result<Response<CacheBody<B>>, Waiter<B>>, E>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let reused = match result {
        Ok(response) => match fetch.judge(response) {
            Fetched::Storable(candidate, parts, body) => {
                let reader = Broadcast::new(*candidate, body).leader(None);
                return Ok(Ok(asker.led(parts, reader)));
            }
            Fetched::Completing(candidate, body) => {
                // Nobody else finds it, so there is nothing to be kept.
                return Ok(Err(Broadcast::new(*candidate, body).waiter(Arc::new(()))));
            }
            Fetched::Refused(response, reason) => return Ok(Ok(asker.refused(response, reason))),
            Fetched::Reused(reused) => reused,
        },
        Err(error) => fetch.failed().ok_or(error)?,
    };
    Ok(Ok(asker.reused(&reused, asker.cache.instant())))
}

impl<S, ReqB, ResB> fmt::Debug for ResponseFuture<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Answered { .. } => "answered",
            State::LookingUp { .. } => "looking up",
            State::Passing { .. } => "passing",
            State::Fetching { .. } => "fetching",
            State::Completing { .. } => "completing",
            State::Leading { .. } => "leading",
            State::Following { .. } => "following",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish()
    }
}
