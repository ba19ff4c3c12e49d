use std::io;

use axum::{Json, Router, routing::get};
use peregrine::upstream_pool::PoolHandle;
use tokio::{net::UnixListener, task::AbortHandle};

use super::{
    control,
    socket::{AdminSocket, SocketFile},
    status::Status,
};

/// A running admin server. Dropping it stops it and removes its socket.
#[derive(Debug)]
#[must_use = "the admin server stops when this is dropped"]
pub(crate) struct AdminServer {
    task: AbortHandle,
    _file: SocketFile,
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        // Who asks just now is cut off: a status of a server that is gone
        // would be of no use.
        self.task.abort();
    }
}

/// Answers on `socket` with what `status` says, asked anew each time, and does
/// with `pool` what it is told to, if there is one. Must be called inside a
/// runtime.
pub(crate) fn serve<F>(
    socket: AdminSocket,
    status: F,
    pool: Option<PoolHandle>,
) -> io::Result<AdminServer>
where
    F: Fn() -> Status + Clone + Send + Sync + 'static,
{
    let (listener, file) = socket.into_parts();
    let listener = UnixListener::from_std(listener)?;
    let status = get(async move || Json(status()));
    let router = Router::new()
        .route("/v1/status", status)
        .merge(control::router(pool));
    let task = tokio::spawn(async move {
        // Accept errors are retried inside, so this ends by abort alone.
        let _ = axum::serve(listener, router).await;
    });
    Ok(AdminServer {
        task: task.abort_handle(),
        _file: file,
    })
}
