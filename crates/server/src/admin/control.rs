//! What an operator may tell a running server to do with its processes.

use std::fmt::Display;

use axum::{
    Json, Router,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use peregrine::upstream_pool::{PoolHandle, ReplaceError};
use serde::{Deserialize, Serialize};

use super::{
    problem::Problem,
    served::{Controls, Served},
};

/// Which application is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// Its name; all that there are if absent.
    pub(super) application: Option<String>,
}

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

pub(super) fn router<S: Served>() -> Router<S> {
    Router::new()
        .route("/v1/restart-app", post(restart::<S>))
        .route("/v1/detach-process/{pid}", post(detach::<S>))
}

/// One application after the other, so that there is one process too many at
/// most.
async fn restart<S: Served>(
    State(served): State<S>,
    choice: Result<Query<Choice>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(choice) = choice.map_err(|error| unreadable(&error))?;
    let chosen = choice.among(served.controls())?;
    let pools: Vec<_> = chosen.into_iter().filter_map(|it| it.pool).collect();
    if pools.is_empty() {
        return Err(no_processes());
    }
    let mut replaced = 0;
    for pool in pools {
        replaced += pool.restart().await.map_err(|error| refusal(&error))?;
    }
    Ok(Json(Restarted { replaced }).into_response())
}

async fn detach<S: Served>(
    State(served): State<S>,
    pid: Result<Path<u32>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(pid) = pid.map_err(|error| unreadable(&error))?;
    let pools = served.controls().into_iter().filter_map(|it| it.pool);
    let mut pools = pools.peekable();
    if pools.peek().is_none() {
        return Err(no_processes());
    }
    let has = |pool: &PoolHandle| {
        let processes = pool.snapshot().processes;
        processes.iter().any(|process| process.pid == pid)
    };
    let pool = pools.find(has).ok_or_else(|| {
        let detail = format!("no process of this server has the id {pid}");
        Problem::new(StatusCode::NOT_FOUND, Problem::UNKNOWN_PROCESS, detail)
    })?;
    pool.detach(pid).await.map_err(|error| refusal(&error))?;
    Ok(Json(Detached { pid }).into_response())
}

impl Choice {
    /// Those of `applications` that are meant.
    pub(super) fn among(&self, applications: Vec<Controls>) -> Result<Vec<Controls>, Problem> {
        let Some(name) = &self.application else {
            return Ok(applications);
        };
        let (chosen, others): (Vec<_>, Vec<_>) = applications
            .into_iter()
            .partition(|application| application.name == *name);
        if chosen.is_empty() {
            let names: Vec<_> = others.iter().map(|it| it.name.as_str()).collect();
            let names = names.join(", ");
            let detail = format!("this server has no application of that name, but {names}");
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "unknown-application",
                detail,
            ));
        }
        Ok(chosen)
    }
}

fn refusal(error: &ReplaceError) -> Problem {
    let (status, code) = if error.is_unknown_process() {
        (StatusCode::NOT_FOUND, Problem::UNKNOWN_PROCESS)
    } else if error.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, "not-started")
    };
    let report = error.start_report().map(ToString::to_string);
    Problem::new(status, code, error.to_string()).with_report(report)
}

/// Nobody could tell what is asked for.
pub(super) fn unreadable(error: &dyn Display) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad-request", error.to_string())
}

fn no_processes() -> Problem {
    let detail = "this server runs no application processes";
    Problem::new(StatusCode::CONFLICT, "no-processes", detail)
}
