use std::{env, io, path::Path};

use axum::serve as serve_with;
use tokio::{
    net::{TcpListener, UnixListener},
    signal::unix::{SignalKind, signal},
};

use crate::{Forum, router};

/// Serves `forum` on the Unix socket at `socket`, or else on the loopback port in
/// the variable `PORT`, until SIGTERM or until `or` resolves. Then it finishes what
/// it has begun.
///
/// # Errors
///
/// If it cannot listen there.
pub async fn serve(
    forum: Forum,
    socket: Option<&Path>,
    or: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // Before anything listens: whoever sees us answer may signal us.
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            () = or => {}
        }
    };
    let app = router(forum);
    if let Some(path) = socket {
        let listener = UnixListener::bind(path)?;
        serve_with(listener, app).with_graceful_shutdown(stop).await
    } else {
        let listener = TcpListener::bind(("127.0.0.1", port()?)).await?;
        serve_with(listener, app).with_graceful_shutdown(stop).await
    }
}

fn port() -> io::Result<u16> {
    let port = env::var("PORT").ok().and_then(|port| port.parse().ok());
    port.ok_or_else(|| {
        let what = "neither a socket nor a port in PORT to listen on";
        io::Error::new(io::ErrorKind::InvalidInput, what)
    })
}
