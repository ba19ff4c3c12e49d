//! How a request is answered that was neither in memory nor passed at once.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::BoxError;
use tower_service::Service;
use tracing::debug;

use super::AGAIN;
use crate::{
    CacheBody,
    client::Asker,
    fetch::{Fetch, Fetched, Sending},
    flight::{Broadcast, Follower, Leader, Led, Waited, Waiter},
    passing::Passing,
    pending::{Forward, Pending},
    prompt::WhenReady,
    store::Later,
};

pin_project! {
    #[project = WorkProj]
    pub(crate) enum Work<S, ReqB, ResB>
    where
        S: Service<Request<ReqB>>,
    {
        /// From memory, after all.
        Answered { response: Option<Response<CacheBody<ResB>>> },
        /// By the inner service, untouched, as soon as that is ready.
        Waiting {
            call: Pin<Box<WhenReady<S, Request<ReqB>>>>,
            passing: Passing,
        },
        /// It was not, and never will be.
        Failed { error: Option<S::Error> },
        /// Not yet known to be anywhere: the store takes its time.
        LookingUp {
            later: Later,
            pending: Option<Pending<S, ReqB>>,
        },
        /// In a way that is chosen when it is polled: those who come meanwhile do not wait
        /// for what nobody polls yet.
        Forwarding { own: Option<Forward<S, ReqB>> },
        /// By the inner service, for this request alone; perhaps to be stored.
        Fetching {
            #[pin]
            call: Sending<S, Request<ReqB>>,
            fetch: Option<Fetch>,
            asker: Asker,
        },
        /// From memory, with what the inner service sends of it.
        Completing {
            waiter: Waiter<ResB>,
            asker: Asker,
        },
        /// By the inner service, for others, too.
        Leading {
            leader: Leader<Sending<S, Request<ReqB>>, ResB>,
            asker: Asker,
        },
        /// By what another one fetches.
        Following {
            follower: Follower<ResB>,
            // What it takes to go on alone.
            own: Option<Forward<S, ReqB>>,
        },
    }
}

impl<S, ReqB, ResB> Work<S, ReqB, ResB>
where
    S: Service<Request<ReqB>>,
{
    pub(crate) const fn answered(response: Response<CacheBody<ResB>>) -> Self {
        let response = Some(response);
        Self::Answered { response }
    }

    pub(super) const fn waiting(
        call: Pin<Box<WhenReady<S, Request<ReqB>>>>,
        passing: Passing,
    ) -> Self {
        Self::Waiting { call, passing }
    }

    pub(super) const fn failed(error: S::Error) -> Self {
        let error = Some(error);
        Self::Failed { error }
    }

    pub(crate) const fn looking_up(later: Later, pending: Pending<S, ReqB>) -> Self {
        let pending = Some(pending);
        Self::LookingUp { later, pending }
    }

    pub(crate) const fn forwarding(own: Forward<S, ReqB>) -> Self {
        Self::Forwarding { own: Some(own) }
    }

    pub(crate) const fn fetching(
        call: Sending<S, Request<ReqB>>,
        fetch: Fetch,
        asker: Asker,
    ) -> Self {
        let fetch = Some(fetch);
        Self::Fetching { call, fetch, asker }
    }

    pub(crate) const fn leading(
        leader: Leader<Sending<S, Request<ReqB>>, ResB>,
        asker: Asker,
    ) -> Self {
        Self::Leading { leader, asker }
    }

    pub(crate) const fn following(follower: Follower<ResB>, own: Forward<S, ReqB>) -> Self {
        let own = Some(own);
        Self::Following { follower, own }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Answered { .. } => "answered",
            Self::Waiting { .. } => "passing, when the service is ready",
            Self::Failed { .. } => "failed",
            Self::LookingUp { .. } => "looking up",
            Self::Forwarding { .. } => "forwarding",
            Self::Fetching { .. } => "fetching",
            Self::Completing { .. } => "completing",
            Self::Leading { .. } => "leading",
            Self::Following { .. } => "following",
        }
    }
}

impl<S, ReqB, ResB> Work<S, ReqB, ResB>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqB: Send + 'static,
    ResB: Body<Data = Bytes> + Send + 'static,
    ResB::Error: Into<BoxError>,
{
    // Not inlined: what it takes of the stack is more than all others need.
    #[inline(never)]
    pub(super) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<CacheBody<ResB>>, S::Error>> {
        let result = loop {
            let next = match self.as_mut().project() {
                WorkProj::Answered { response } => break Ok(response.take().expect(AGAIN)),
                WorkProj::Waiting { call, passing } => {
                    let polled = call.as_mut().poll_with(cx, || passing.sent());
                    break ready!(polled).map(|response| {
                        let (mut parts, body) = response.into_parts();
                        passing.answered(&mut parts, &body);
                        Response::from_parts(parts, CacheBody::passed(body))
                    });
                }
                WorkProj::Failed { error } => break Err(error.take().expect(AGAIN)),
                WorkProj::LookingUp { later, pending } => {
                    let found = ready!(later.as_mut().poll(cx)).unwrap_or_else(|error| {
                        debug!(%error, "the look-up failed");
                        None
                    });
                    pending.take().expect(AGAIN).again(found)
                }
                WorkProj::Forwarding { own } => own.take().expect(AGAIN).go(),
                WorkProj::Fetching { call, fetch, asker } => {
                    let (requested, result) = ready!(call.poll(cx));
                    match fetched(fetch.take().expect(AGAIN), asker, requested, result) {
                        Ok(Ok(response)) => break Ok(response),
                        Ok(Err(waiter)) => Self::Completing {
                            waiter,
                            asker: asker.clone(),
                        },
                        Err(error) => break Err(error),
                    }
                }
                WorkProj::Completing { waiter, asker } => {
                    let entry = match ready!(waiter.poll(cx)) {
                        Waited::Complete(entry) => Some(entry),
                        Waited::Alone => None,
                    };
                    let now = asker.cache.instant();
                    let is_stored = waiter.is_stored();
                    break Ok(asker.completed(entry.as_deref(), is_stored, now));
                }
                WorkProj::Leading { leader, asker } => {
                    break match ready!(leader.poll(cx)) {
                        Ok(Led::Shared(parts, reader)) => Ok(asker.led(parts, reader)),
                        Ok(Led::Reused(reused)) => Ok(asker.reused(&reused, asker.cache.instant())),
                        Ok(Led::Refused(response, reason)) => Ok(asker.refused(response, reason)),
                        Err(error) => Err(error),
                    };
                }
                WorkProj::Following { follower, own } => {
                    let fit = |candidate: &_| own.as_ref().expect(AGAIN).fit(candidate);
                    let followed = ready!(follower.poll(cx, fit));
                    own.take().expect(AGAIN).followed(followed)
                }
            };
            self.set(next);
        };
        // Whoever keeps this keeps no flight.
        self.set(Self::Answered { response: None });
        Poll::Ready(result)
    }
}

/// What comes of a request that went alone: a response, or a part to wait for.
fn fetched<B, E>(
    fetch: Fetch,
    asker: &Asker,
    requested: Instant,
    result: Result<Response<B>, E>,
) -> Result<Result<Response<CacheBody<B>>, Waiter<B>>, E>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let reused = match result {
        Ok(response) => match fetch.judge(requested, response) {
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
