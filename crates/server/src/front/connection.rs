use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::Bytes;
use peregrine::core::moment;
use peregrine_http1::{
    Failure,
    server::{Connection, End},
};
use tokio::net::TcpStream;

use super::{
    ClientService, Timeouts,
    alarm::{Alarm, QUIET, Tired, Wait},
    cause::Cause,
    closing_times::ClosingTimes,
    exchange::exchanges,
    linger::linger,
    send_timeout::SendTimeout,
    silence::{Silence, silence},
    stop::Stopped,
    upgrade::{Agreed, Agreement},
    when_woken::WhenWoken,
};
use crate::refused::Refusals;

/// How it goes on with a connection on which HTTP was spoken.
enum Next {
    Over,
    /// It is over, and the client is to know that not all has come.
    Reset,
    /// It is over, but the client has not been heard out.
    Linger,
    /// Nobody has said anything for a while.
    Quiet,
    /// Something else is spoken from here on, and this has come of it.
    Upgraded(Bytes, Agreed),
}

/// How a talk has ended.
enum Talked {
    Ended(Result<End, Failure>),
    Tired(Tired),
}

/// Serves one client until its connection ends.
///
/// Most connections are silent most of the time: browsers keep them in case
/// something is clicked on. So what it takes to speak HTTP is given up when a client
/// falls silent, and made anew when it has something to say. All of it is on the heap,
/// so that little else is left.
pub(super) async fn serve<S>(
    mut stream: TcpStream,
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
    loop {
        let next = boxed(talk(
            &mut stream,
            peer,
            service.clone(),
            timeouts,
            &refusals,
            &mut stopped,
        ));
        match next.await {
            Next::Over => return,
            Next::Reset => {
                // Where it does not work, the client is told as little as it was before.
                let _ = stream.set_zero_linger();
                return;
            }
            Next::Linger => return boxed(linger(stream)).await,
            Next::Upgraded(ahead, agreed) => {
                let client = (stream, ahead);
                return boxed(agreed.speak(client, peer, &mut stopped, &closing_times)).await;
            }
            Next::Quiet => {}
        }
        let patience = timeouts.head.saturating_sub(QUIET);
        match silence(&stream, patience, &mut stopped).await {
            Silence::Broken => {}
            Silence::TooLong => return Cause::Idle.explain(peer, &refusals),
            Silence::Stopped => return,
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
    stream: &mut TcpStream,
    peer: SocketAddr,
    service: S,
    timeouts: Timeouts,
    refusals: &Refusals,
    stopped: &mut Stopped,
) -> Next
where
    S: ClientService,
{
    let agreement = Agreement::default();
    let exchanges = exchanges(
        service,
        peer,
        timeouts.body,
        agreement.clone(),
        refusals.clone(),
    );
    let stream = SendTimeout::new(stream, timeouts.send);
    let mut connection = pin!(Connection::new(stream, exchanges));
    let mut alarm = Alarm::new(timeouts.head);
    let mut told = pin!(WhenWoken::new(stopped.told()));
    let mut is_told = false;
    let mut poll = |cx: &mut Context<'_>| {
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            return Poll::Ready(Talked::Ended(ended));
        }
        if !is_told && told.as_mut().poll(cx).is_ready() {
            is_told = true;
            connection.as_mut().graceful_shutdown();
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(Talked::Ended(ended));
            }
        }
        let wait = || {
            connection.is_waiting().then(|| Wait {
                request: connection.requests(),
                has_begun: connection.has_heard(),
            })
        };
        alarm.poll(wait, cx).map(Talked::Tired)
    };
    let talked = poll_fn(|cx| moment::during(|| poll(cx))).await;
    let cause = match talked {
        Talked::Tired(Tired::Quiet) => return Next::Quiet,
        Talked::Tired(Tired::TooLong) if connection.has_heard() => Cause::SlowHead,
        Talked::Tired(Tired::TooLong) => Cause::Idle,
        Talked::Ended(Ok(End::Upgraded)) => {
            let ahead = connection.as_mut().take_ahead();
            // Nobody else answers with that.
            let agreed = agreement.take();
            return agreed.map_or(Next::Over, |agreed| Next::Upgraded(ahead, agreed));
        }
        Talked::Ended(Ok(End::Over)) => return ended(connection.has_left_unread()),
        Talked::Ended(Err(failure)) => failure.into(),
    };
    cause.explain(peer, refusals);
    if connection.has_broken_off_unseen() {
        // What is still on its way is lost by that. It is a part of something that the
        // client would take for the whole.
        return Next::Reset;
    }
    ended(connection.has_left_unread() && cause.is_answered())
}

const fn ended(is_unread: bool) -> Next {
    if is_unread { Next::Linger } else { Next::Over }
}
