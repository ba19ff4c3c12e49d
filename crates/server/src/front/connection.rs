use std::net::SocketAddr;

use http::{HeaderValue, Request, Response, StatusCode, header::CONNECTION};
use http_body::Body;
use http_body_util::{Either, Empty};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::Watcher};
use peregrine::upstream_pool::forwarded::PeerAddr;
use tokio::net::TcpStream;
use tower::{BoxError, Service, ServiceExt};
use tracing::{debug, info};

use super::{
    ClientBody, MAX_HEAD_BYTES, Timeouts,
    heard::{Heard, Listening},
    host,
    timer::ConnectionTimer,
};

/// Serves one client until its connection ends.
pub(super) async fn serve<S, B>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    timeouts: Timeouts,
    watcher: Watcher,
) where
    S: Service<Request<ClientBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    // Responses leave in one piece where they can; waiting for more to send
    // only delays the rest. A socket that refuses works without it.
    let _ = stream.set_nodelay(true);
    let heard = Heard::default();
    let io = TokioIo::new(Listening::new(stream, heard.clone()));

    let exchange = service_fn(move |request: Request<Incoming>| {
        let answer = if host::is_named_once(&request) {
            let mut request = request.map(|body| ClientBody::new(body, timeouts.body));
            request.extensions_mut().insert(PeerAddr(peer));
            Ok(service.clone().oneshot(request))
        } else {
            info!(%peer, reason = "the client named no host, or several", "bad request");
            Err(bad_request())
        };
        async move {
            match answer {
                Ok(answer) => Ok(answer.await?.map(Either::Left)),
                Err(refusal) => Ok::<_, S::Error>(refusal.map(Either::Right)),
            }
        }
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

/// What hyper answers to a malformed head.
fn bad_request<D>() -> Response<Empty<D>> {
    let mut response = Response::new(Empty::new());
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
