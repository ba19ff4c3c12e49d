use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::IntoResponse, serve::Listener};
use http::{HeaderValue, Request, Response, StatusCode, header::WWW_AUTHENTICATE};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{sync::Semaphore, task::JoinSet};
use tower::ServiceExt;

use super::{
    access::{Tokens, Verdict},
    problem::Problem,
};

/// Operators that are served at once; the next ones wait. Nobody can use up the
/// server's memory here, nor its open files.
const MAX_CONNECTIONS: usize = 64;

/// How long an operator may take to say what is wanted.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers whoever comes to `listener`, until dropped; those who are served just
/// then are cut off.
pub(super) async fn listen<L: Listener>(
    mut listener: L,
    router: Router,
    tokens: Option<Arc<Tokens>>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        // It retries by itself what may pass.
        let (stream, _) = listener.accept().await;
        let (router, tokens) = (router.clone(), tokens.clone());
        connections.spawn(async move {
            let service =
                service_fn(move |request| answer(router.clone(), tokens.clone(), request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service);
            // An operator who has left needs no answer.
            let _ = connection.await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

/// With `tokens`, only for who has one.
async fn answer(
    router: Router,
    tokens: Option<Arc<Tokens>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if let Some(tokens) = tokens {
        match tokens.judge(request.method(), request.headers()) {
            Verdict::Allowed => {}
            Verdict::Unauthorized => return Ok(unauthorized()),
            Verdict::Forbidden => return Ok(forbidden()),
        }
    }
    router.oneshot(request.map(Body::new)).await
}

fn unauthorized() -> Response<Body> {
    let problem = Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "send a token that this server knows, as `Authorization: Bearer TOKEN`",
    );
    let mut response = problem.into_response();
    let challenge = HeaderValue::from_static("Bearer realm=\"peregrine\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

fn forbidden() -> Response<Body> {
    let detail = "this token is to look, not to act";
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).into_response()
}
