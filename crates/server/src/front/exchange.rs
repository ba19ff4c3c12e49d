use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use futures_util::future::Either;
use http::{HeaderValue, Request, Response, StatusCode, header::CONNECTION};
use http_body::Body;
use peregrine::upstream_pool::forwarded::PeerAddr;
use peregrine_http1::server::Incoming;
use pin_project_lite::pin_project;
use tower::{Service, ServiceExt, util::Oneshot};
use tracing::info;

use super::{
    ClientBody, ClientService,
    answer::AnswerBody,
    host::Host,
    upgrade::{Agreement, Offered},
};
use crate::refused::{Refusal, Refusals};

/// Answers the requests on one connection. A client may keep `service` waiting
/// for its request bodies for `patience`.
pub(super) fn exchanges<S>(
    mut service: S,
    peer: SocketAddr,
    patience: Duration,
    agreement: Agreement,
    refusals: Refusals,
) -> impl FnMut(Request<Incoming>) -> Answering<S, Request<ClientBody>>
where
    S: ClientService,
{
    let mut host = Host::default();
    move |request| {
        // First of all: what nobody has touched yet is moved but once.
        let mut request = request.map(|body| ClientBody::new(body, patience));
        request.extensions_mut().insert(PeerAddr(peer));
        if !host.is_named_once(&request) {
            info!(%peer, reason = "the client named no host, or several", "bad request");
            refusals.refuse(Refusal::BadHost, (&request).into(), 0);
            return Answering::Refused;
        }
        let offer = agreement.offered(&mut request);
        if is_ready(&mut service) {
            Answering::Ready {
                answer: service.call(request),
                offer,
            }
        } else {
            Answering::Unready {
                answer: Box::pin(service.clone().oneshot(request)),
                offer,
            }
        }
    }
}

pin_project! {
    // One layer of its own, and not one for each thing that may come: it is as large
    // as all that a request passes, and each layer moves it once more.
    #[project = AnsweringProj]
    pub(super) enum Answering<S, R>
    where
        S: Service<R>,
    {
        Ready {
            #[pin]
            answer: S::Future,
            offer: Option<Offered>,
        },
        Unready {
            answer: Pin<Box<Oneshot<S, R>>>,
            offer: Option<Offered>,
        },
        Refused,
    }
}

impl<S, R, B> Future for Answering<S, R>
where
    S: Service<R, Response = Response<B>, Error = Infallible>,
    B: Body + Send + 'static,
{
    type Output = Response<AnswerBody<B>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (answer, offer) = match self.project() {
            AnsweringProj::Ready { answer, offer } => (answer.poll(cx), offer),
            AnsweringProj::Unready { answer, offer } => (answer.as_mut().poll(cx), offer),
            AnsweringProj::Refused => return Poll::Ready(bad_request()),
        };
        let Ok(response) = ready!(answer);
        Poll::Ready(if let Some(offer) = offer {
            offer.note(response)
        } else {
            response.map(|body| AnswerBody::Passed { body })
        })
    }
}

/// Calls a service without a clone of it for each request, if it is ready as
/// it is. The whole stack always is: requests wait in the pool's queue.
pub(crate) fn call<S, R>(service: &mut S, request: R) -> Either<S::Future, Oneshot<S, R>>
where
    S: Service<R> + Clone,
{
    if is_ready(service) {
        Either::Left(service.call(request))
    } else {
        Either::Right(service.clone().oneshot(request))
    }
}

fn is_ready<S: Service<R>, R>(service: &mut S) -> bool {
    // Nobody need be woken: if this one is not ready, another one is asked.
    let mut cx = Context::from_waker(Waker::noop());
    matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(())))
}

/// What is answered to a malformed head, too.
fn bad_request<B>() -> Response<AnswerBody<B>> {
    let mut response = Response::new(AnswerBody::Empty);
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}
