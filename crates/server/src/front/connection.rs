use std::{
    cell::RefCell,
    future::ready,
    net::SocketAddr,
    task::{Context, Poll, Waker},
};

use futures_util::{TryFutureExt, future::Either};
use http::{HeaderValue, Request, Response, StatusCode, header::CONNECTION};
use http_body_util::{self as body, Empty};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::Watcher};
use peregrine::upstream_pool::forwarded::PeerAddr;
use tokio::net::TcpStream;
use tower::{Service, ServiceExt, util::Oneshot};
use tracing::{debug, info};

use super::{
    ClientBody, ClientService, MAX_HEAD_BYTES, Timeouts,
    heard::{Heard, Listening},
    host,
    timer::ConnectionTimer,
};

/// Serves one client until its connection ends.
pub(super) async fn serve<S>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    timeouts: Timeouts,
    watcher: Watcher,
) where
    S: ClientService,
{
    // Responses leave in one piece where they can; waiting for more to send
    // only delays the rest. A socket that refuses works without it.
    let _ = stream.set_nodelay(true);
    let heard = Heard::default();
    let io = TokioIo::new(Listening::new(stream, heard.clone()));

    let service = RefCell::new(service);
    let exchange = service_fn(move |request: Request<Incoming>| {
        if !host::is_named_once(&request) {
            info!(%peer, reason = "the client named no host, or several", "bad request");
            return Either::Right(ready(Ok(bad_request())));
        }
        let mut request = request.map(|body| ClientBody::new(body, timeouts.body));
        request.extensions_mut().insert(PeerAddr(peer));
        let answer = call(&mut *service.borrow_mut(), request);
        Either::Left(answer.map_ok(|response| response.map(body::Either::Left)))
    });
    let connection = http1::Builder::new()
        .timer(ConnectionTimer::default())
        .header_read_timeout(timeouts.head)
        .max_header_size(MAX_HEAD_BYTES)
        .serve_connection(io, exchange);

    if let Err(error) = watcher.watch(connection).await {
        explain(peer, &error, &heard);
    }
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

/// Says why a connection ended early, at the level at which it matters.
fn explain(peer: SocketAddr, error: &hyper::Error, heard: &Heard) {
    let cause = Cause::of(error, heard.something());
    let reason = cause.as_str();
    match cause {
        Cause::Idle | Cause::ClientLeft => debug!(%peer, reason, "connection closed"),
        Cause::MalformedHead | Cause::LargeHead | Cause::SlowHead => {
            info!(%peer, reason, %error, "bad request");
        }
        Cause::BrokenAnswer => info!(%peer, reason, %error, "connection closed"),
    }
}

/// Why a connection ended other than by finishing its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Idle,
    SlowHead,
    MalformedHead,
    LargeHead,
    BrokenAnswer,
    ClientLeft,
}

impl Cause {
    fn of(error: &hyper::Error, heard: bool) -> Self {
        match () {
            () if error.is_timeout() && heard => Self::SlowHead,
            () if error.is_timeout() => Self::Idle,
            () if error.is_parse_too_large() => Self::LargeHead,
            () if error.is_parse() => Self::MalformedHead,
            () if error.is_user() => Self::BrokenAnswer,
            () => Self::ClientLeft,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "the client sent no further request in time",
            Self::SlowHead => "the client did not finish its request head in time",
            Self::MalformedHead => "the client sent something that is not HTTP/1.1",
            Self::LargeHead => "the client sent too large a request head",
            Self::BrokenAnswer => "the answer broke off and was cut short for the client, too",
            Self::ClientLeft => "the client left",
        }
    }
}
