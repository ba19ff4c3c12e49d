//! `peregrine restart-app` and `peregrine detach-process`.

use std::path::Path;

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use super::{
    AdminError, client,
    control::{Detached, Restarted},
    places::Places,
    problem::Problem,
};

/// Has the server at `socket`, or else the only one that runs, replace the
/// processes of one application, or of all, and waits until it has. Gives what to
/// print.
pub(crate) async fn restart_app(
    socket: Option<&Path>,
    application: Option<&str>,
) -> Result<String, AdminError> {
    let path = match application {
        // A name needs no escapes.
        Some(name) => &format!("/v1/restart-app?application={name}"),
        None => "/v1/restart-app",
    };
    let restarted: Restarted = tell(socket, path).await?;
    Ok(match restarted.replaced {
        1 => "Restarted; 1 process was replaced.\n".to_owned(),
        replaced => format!("Restarted; {replaced} processes were replaced.\n"),
    })
}

/// Has it detach a process, and waits until that takes no more requests.
pub(crate) async fn detach_process(socket: Option<&Path>, pid: u32) -> Result<String, AdminError> {
    let detached: Detached = tell(socket, &format!("/v1/detach-process/{pid}")).await?;
    Ok(format!("Process {} detached.\n", detached.pid))
}

async fn tell<T: DeserializeOwned>(socket: Option<&Path>, path: &str) -> Result<T, AdminError> {
    let socket = client::choose(&Places::of_this_user(), socket).await?;
    // However long it takes: the server answers, or its end closes the
    // connection.
    let (status, answer) = client::ask(&socket, Method::POST, path)
        .await
        .map_err(|error| AdminError::silent(&socket, &error))?;
    let unreadable = |_| AdminError::silent(&socket, &format!("its answer is {status}"));
    if status == StatusCode::OK {
        return serde_json::from_slice(&answer).map_err(unreadable);
    }
    let problem: Problem = serde_json::from_slice(&answer).map_err(unreadable)?;
    Err(AdminError::refused(problem))
}
