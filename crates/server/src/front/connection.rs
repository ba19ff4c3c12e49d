use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    task::Poll,
};

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{
    ClientService, MAX_HEAD_BYTES, Timeouts,
    cause::{explain, explain_silence},
    closing_times::ClosingTimes,
    exchange::exchanges,
    heard::{Heard, Listening},
    linger::linger,
    silence::{Silence, silence},
    stop::Stopped,
    timer::{ConnectionTimer, QUIET},
    upgrade::{Agreed, Agreement},
    when_woken::WhenWoken,
};
use crate::refused::Refusals;

/// A client's socket, and what has been read from it and not been looked at.
type Client = (TcpStream, Bytes);

/// How it goes on with a connection on which HTTP was spoken.
enum Next {
    Over,
    /// Nobody has said anything for a while.
    Quiet(Client),
    /// Something else is spoken from here on.
    Upgraded(Client, Agreed),
}

/// Serves one client until its connection ends.
///
/// Most connections are silent most of the time: browsers keep them in case
/// something is clicked on. So what it takes to speak HTTP, most of all hyper's
/// buffers, is given up when a client falls silent, and made anew when it has
/// something to say. All of it is on the heap, so that little else is left.
pub(super) async fn serve<S>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    timeouts: Timeouts,
    refusals: Refusals,
    closing_times: ClosingTimes,
    mut stopped: Stopped,
) where
    S: ClientService,
{
    // Responses leave in one piece where they can; waiting for more to send
    // only delays the rest. A socket that refuses works without it.
    let _ = stream.set_nodelay(true);
    let mut client = (stream, Bytes::new());
    loop {
        let next = boxed(talk(
            client,
            peer,
            service.clone(),
            timeouts,
            &refusals,
            &mut stopped,
        ));
        client = match next.await {
            Next::Over => return,
            Next::Upgraded(client, agreed) => {
                return boxed(agreed.speak(client, peer, &mut stopped, &closing_times)).await;
            }
            Next::Quiet(client) => client,
        };
        if client.1.is_empty() {
            let patience = timeouts.head.saturating_sub(QUIET);
            match silence(&client.0, patience, &mut stopped).await {
                Silence::Broken => {}
                Silence::TooLong => return explain_silence(peer),
                Silence::Stopped => return,
            }
        }
    }
}

/// On the heap. Whatever is put there within an async function keeps its room in
/// that, too, unless it goes there by way of another one.
fn boxed<'a, F: Future + Send + 'a>(
    future: F,
) -> Pin<Box<dyn Future<Output = F::Output> + Send + 'a>> {
    Box::pin(future)
}

/// Speaks HTTP until the connection ends, or nobody says anything for a while.
async fn talk<S>(
    (stream, ahead): Client,
    peer: SocketAddr,
    service: S,
    timeouts: Timeouts,
    refusals: &Refusals,
    stopped: &mut Stopped,
) -> Next
where
    S: ClientService,
{
    let heard = Heard::default();
    let agreement = Agreement::default();
    let timer = ConnectionTimer::new(timeouts.head);
    let io = TokioIo::new(Listening::new(stream, ahead, heard.clone()));
    let exchanges = exchanges(
        service,
        peer,
        timeouts.body,
        agreement.clone(),
        heard.clone(),
        refusals.clone(),
    );
    let mut connection = http1::Builder::new()
        .timer(timer.clone())
        .header_read_timeout(timeouts.head)
        .max_header_size(MAX_HEAD_BYTES)
        .serve_connection(io, exchanges);

    let mut told = pin!(WhenWoken::new(stopped.told()));
    let mut is_told = false;
    let ended = poll_fn(|cx| {
        let mut connection = Pin::new(&mut connection);
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(ended));
        }
        if !is_told && told.as_mut().poll(cx).is_ready() {
            is_told = true;
            connection.as_mut().graceful_shutdown();
            return connection.poll(cx).map(Some);
        }
        if timer.is_quiet() && heard.nothing() {
            return Poll::Ready(None);
        }
        Poll::Pending
    })
    .await;
    if let Some(Err(error)) = &ended {
        explain(peer, error, &heard, refusals);
        return Next::Over;
    }
    let agreed = agreement.take();
    let is_over = ended.is_some() && agreed.is_none();
    if is_over && !heard.has_left_something() {
        return Next::Over;
    }
    let parts = connection.into_parts();
    let stream = parts.io.into_inner().into_inner();
    if is_over {
        linger(stream).await;
        return Next::Over;
    }
    // An empty one would keep the whole buffer that it is the rest of.
    let ahead = Some(parts.read_buf).filter(|ahead| !ahead.is_empty());
    let client = (stream, ahead.unwrap_or_default());
    match agreed {
        Some(agreed) => Next::Upgraded(client, agreed),
        None => Next::Quiet(client),
    }
}
