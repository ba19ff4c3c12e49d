use std::{io, net, sync::Arc};

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header::CONTENT_TYPE};
use tokio::{
    net::{TcpListener, UnixListener},
    task::JoinSet,
};

use tracing::info;

use super::{
    access::Tokens,
    control,
    listen::listen,
    metrics,
    problem::Problem,
    purge,
    running::Running,
    served::Served,
    socket::{AdminSocket, SocketFile},
    status::Status,
};

/// A running admin server. Dropping it stops it and removes its socket.
#[derive(Debug)]
#[must_use = "the admin server stops when this is dropped"]
pub(crate) struct AdminServer {
    // Who asks just when this is dropped is cut off: a status of a server that is
    // gone would be of no use.
    _listeners: JoinSet<()>,
    _file: SocketFile,
}

/// Where the admin server answers over TCP, and whom.
#[derive(Debug)]
pub(crate) struct AdminAddress {
    pub(crate) listener: net::TcpListener,
    pub(crate) tokens: Tokens,
}

/// Answers on `socket`, and at `address` if there is one, about what is
/// `served`. Must be called inside a runtime.
pub(crate) fn serve<S: Served>(
    socket: AdminSocket,
    address: Option<AdminAddress>,
    served: S,
) -> io::Result<AdminServer> {
    let router = router(served);
    let mut listeners = JoinSet::new();
    let (listener, file) = socket.into_parts();
    let listener = UnixListener::from_std(listener)?;
    listeners.spawn(listen(listener, router.clone(), None));
    if let Some(AdminAddress { listener, tokens }) = address {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        info!(%address, "answering operators");
        listeners.spawn(listen(listener, router, Some(Arc::new(tokens))));
    }
    Ok(AdminServer {
        _listeners: listeners,
        _file: file,
    })
}

fn router<S: Served>(served: S) -> Router {
    Router::new()
        .route("/v1/status", get(status::<S>))
        .route("/v1/requests", get(requests::<S>))
        .route("/metrics", get(metrics::<S>))
        .merge(control::router())
        .merge(purge::router())
        .fallback(async || {
            let detail = "there is nothing at this path; see docs/admin-api.md";
            Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
        })
        .method_not_allowed_fallback(async || {
            let detail = "this path is for another method; see docs/admin-api.md";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
        })
        .with_state(served)
}

async fn status<S: Served>(State(served): State<S>) -> Result<Json<Status>, Problem> {
    look(served).await.map(Json)
}

async fn metrics<S: Served>(State(served): State<S>) -> Result<impl IntoResponse, Problem> {
    let status = look(served).await?;
    let fields = [(CONTENT_TYPE, metrics::CONTENT_TYPE)];
    Ok((fields, metrics::metrics(&status)))
}

async fn requests<S: Served>(State(served): State<S>) -> Json<Running> {
    let applications = served.requests();
    Json(Running { applications })
}

/// To look takes a walk over `/proc`, which the thread that minds the processes
/// has no time for.
async fn look<S: Served>(served: S) -> Result<Status, Problem> {
    let status = tokio::task::spawn_blocking(move || served.status());
    status.await.map_err(|_| {
        let detail = "the status could not be put together";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    })
}
