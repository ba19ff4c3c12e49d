//! What an operator may tell a running server to do.

use axum::{
    Json, Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use peregrine::upstream_pool::{PoolHandle, ReplaceError};
use serde::{Deserialize, Serialize};

/// What `POST /v1/restart-app` answers with once no request goes to an old
/// process any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Restarted {
    /// How many processes were replaced.
    pub(super) replaced: usize,
}

/// What `POST /v1/detach-process/{pid}` answers with once the process takes no
/// more requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Detached {
    /// Its id in the operating system.
    pub(super) pid: u32,
}

/// What either answers with if it cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// Why, in a sentence.
    pub(super) error: String,
    /// Why no process could be started, over several lines.
    pub(super) report: Option<String>,
}

/// `pool` is absent in front of an upstream.
pub(super) fn router(pool: Option<PoolHandle>) -> Router {
    let to_restart = pool.clone();
    let restart = async move || match &to_restart {
        Some(pool) => answer(pool.restart().await.map(|replaced| Restarted { replaced })),
        None => no_processes(),
    };
    let detach = async move |Path(pid): Path<u32>| match &pool {
        Some(pool) => answer(pool.detach(pid).await.map(|()| Detached { pid })),
        None => no_processes(),
    };
    Router::new()
        .route("/v1/restart-app", post(restart))
        .route("/v1/detach-process/{pid}", post(detach))
}

fn answer<T: Serialize>(outcome: Result<T, ReplaceError>) -> Response {
    let error = match outcome {
        Ok(done) => return Json(done).into_response(),
        Err(error) => error,
    };
    let status = if error.is_unknown_process() {
        StatusCode::NOT_FOUND
    } else if error.is_stopping() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let refusal = Refusal {
        error: error.to_string(),
        report: error.start_report().map(ToString::to_string),
    };
    (status, Json(refusal)).into_response()
}

fn no_processes() -> Response {
    let refusal = Refusal {
        error: "this server runs no application processes".to_owned(),
        report: None,
    };
    (StatusCode::CONFLICT, Json(refusal)).into_response()
}
