use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{
    ClientService, MAX_HEAD_BYTES, Timeouts,
    cause::explain,
    exchange::exchanges,
    heard::{Heard, Listening},
    stop::Stopped,
    timer::ConnectionTimer,
    upgrade::Agreement,
};

/// Serves one client until its connection ends.
pub(super) async fn serve<S>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    timeouts: Timeouts,
    mut stopped: Stopped,
) where
    S: ClientService,
{
    // Responses leave in one piece where they can; waiting for more to send
    // only delays the rest. A socket that refuses works without it.
    let _ = stream.set_nodelay(true);
    let heard = Heard::default();
    let agreement = Agreement::default();
    let io = TokioIo::new(Listening::new(stream, heard.clone()));
    let exchanges = exchanges(service, peer, timeouts.body, agreement.clone());
    let mut connection = http1::Builder::new()
        .timer(ConnectionTimer::default())
        .header_read_timeout(timeouts.head)
        .max_header_size(MAX_HEAD_BYTES)
        .serve_connection(io, exchanges);

    let ended = {
        let mut told = pin!(stopped.told());
        let mut is_told = false;
        poll_fn(|cx| {
            let mut connection = Pin::new(&mut connection);
            if !is_told && told.as_mut().poll(cx).is_ready() {
                is_told = true;
                connection.as_mut().graceful_shutdown();
            }
            connection.poll(cx)
        })
        .await
    };
    match (ended, agreement.take()) {
        (Err(error), _) => explain(peer, &error, &heard),
        (Ok(()), None) => {}
        (Ok(()), Some(agreed)) => {
            let parts = connection.into_parts();
            let client = parts.io.into_inner().into_inner();
            agreed
                .speak(client, parts.read_buf, peer, &mut stopped, timeouts.upgrade)
                .await;
        }
    }
}
