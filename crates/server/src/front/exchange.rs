use std::{
    cell::RefCell,
    convert::Infallible,
    future::ready,
    net::SocketAddr,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::{TryFutureExt, future::Either};
use http::{HeaderValue, Request, Response, StatusCode, header::CONNECTION};
use http_body::Body;
use http_body_util::{self as body, Empty};
use hyper::{
    body::Incoming,
    service::{HttpService, service_fn},
};
use peregrine::upstream_pool::forwarded::PeerAddr;
use tower::{Service, ServiceExt, util::Oneshot};
use tracing::info;

use super::{
    ClientBody, ClientService,
    heard::Heard,
    host,
    upgrade::{self, Agreement},
};
use crate::refused::{Refusal, Refusals};

/// What a client gets.
pub(super) type AnswerBody<B> = body::Either<B, Empty<<B as Body>::Data>>;

/// Answers the requests on one connection. A client may keep `service` waiting
/// for its request bodies for `patience`; `heard` is told of what is left of them.
pub(super) fn exchanges<S>(
    service: S,
    peer: SocketAddr,
    patience: Duration,
    agreement: Agreement,
    heard: Heard,
    refusals: Refusals,
) -> impl HttpService<Incoming, ResBody = AnswerBody<S::Body>, Error = Infallible, Future: Send>
where
    S: ClientService,
{
    let service = RefCell::new(service);
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddr(peer));
        if !host::is_named_once(&request) {
            info!(%peer, reason = "the client named no host, or several", "bad request");
            refusals.refuse(Refusal::BadHost, (&request).into(), 0);
            return Either::Right(ready(Ok(bad_request())));
        }
        let mut request = request.map(|body| ClientBody::new(body, patience).telling(&heard));
        let offer = upgrade::is_offered(&mut request).then(|| agreement.clone());
        let answer = call(&mut *service.borrow_mut(), request);
        Either::Left(answer.map_ok(|response| match offer {
            Some(agreement) => agreement.note(response),
            None => response.map(body::Either::Left),
        }))
    })
}

/// Calls a service without a clone of it for each request, if it is ready as
/// it is. The whole stack always is: requests wait in the pool's queue.
pub(crate) fn call<S, R>(service: &mut S, request: R) -> Either<S::Future, Oneshot<S, R>>
where
    S: Service<R> + Clone,
{
    // Nobody need be woken: if this one is not ready, another one is asked.
    let mut cx = Context::from_waker(Waker::noop());
    match service.poll_ready(&mut cx) {
        Poll::Ready(Ok(())) => Either::Left(service.call(request)),
        Poll::Ready(Err(_)) | Poll::Pending => Either::Right(service.clone().oneshot(request)),
    }
}

/// What hyper answers to a malformed head.
fn bad_request<B, D>() -> Response<body::Either<B, Empty<D>>> {
    let mut response = Response::new(body::Either::Right(Empty::new()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}
