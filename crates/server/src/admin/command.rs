//! `peregrine restart-app`, `peregrine detach-process` and `peregrine purge`.

use std::path::Path;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use super::{
    AdminError, client,
    control::{Detached, Restarted},
    places::Places,
    problem::Problem,
    purge::{Purge, Purged},
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
    let restarted: Restarted = tell(socket, path, Bytes::new()).await?;
    Ok(match restarted.replaced {
        1 => "Restarted; 1 process was replaced.\n".to_owned(),
        replaced => format!("Restarted; {replaced} processes were replaced.\n"),
    })
}

/// Has it detach a process, and waits until that takes no more requests.
pub(crate) async fn detach_process(socket: Option<&Path>, pid: u32) -> Result<String, AdminError> {
    let path = format!("/v1/detach-process/{pid}");
    let detached: Detached = tell(socket, &path, Bytes::new()).await?;
    Ok(format!("Process {} detached.\n", detached.pid))
}

/// Has it forget, or ask anew for, what is stored. Gives what to print.
pub(crate) async fn purge(socket: Option<&Path>, purge: &Purge) -> Result<String, AdminError> {
    // Text and truth can always be written.
    let body = serde_json::to_vec(purge).unwrap_or_default();
    let purged: Purged = tell(socket, "/v1/purge", body.into()).await?;
    Ok(match purged.purged {
        1 => "Purged; that was 1 stored response.\n".to_owned(),
        purged => format!("Purged; those were {purged} stored responses.\n"),
    })
}

async fn tell<T: DeserializeOwned>(
    socket: Option<&Path>,
    path: &str,
    body: Bytes,
) -> Result<T, AdminError> {
    let socket = client::choose(&Places::of_this_user(), socket).await?;
    // However long it takes: the server answers, or its end closes the
    // connection.
    let (status, answer) = client::ask(&socket, Method::POST, path, body)
        .await
        .map_err(|error| AdminError::silent(&socket, &error))?;
    let unreadable = |_| AdminError::silent(&socket, &format!("its answer is {status}").into());
    if status == StatusCode::OK {
        return serde_json::from_slice(&answer).map_err(unreadable);
    }
    let problem: Problem = serde_json::from_slice(&answer).map_err(unreadable)?;
    Err(AdminError::refused(problem))
}
