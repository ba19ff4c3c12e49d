use std::{
    fmt,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::UPGRADE};
use http_body::Body;
use peregrine::core::{LeaveNotice, UpgradeOffer, Upgraded, UpgradedConnection};
use rustix::net::sockopt;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tracing::debug;

use super::{
    answer::AnswerBody,
    closing_times::ClosingTimes,
    ending::Ending,
    stop::Stopped,
    tunnel::{Carried, Tunnel},
    websocket::WebSocket,
    when_woken::WhenWoken,
};

/// When to ask a client that says nothing whether it is still there, and how
/// often: one whose network is gone holds a place in a process for two minutes
/// more, at most. A WebSocket that nobody speaks on may stay for days.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const PROBES: (Duration, u32) = (Duration::from_secs(15), 4);

/// Whether `request` offers to speak something else than HTTP from here on; then
/// those behind are told that it may.
///
/// An offer that is not to be passed on is dropped, so that the request is one
/// like any other, to a cache as well. RFC 9110 §7.8: "A server MAY ignore a
/// received Upgrade header field".
pub(super) fn is_offered<B>(request: &mut Request<B>) -> bool {
    if !request.headers().contains_key(UPGRADE) {
        return false;
    }
    let offer = UpgradeOffer::of(request);
    let is_offered = offer.is_some();
    match offer {
        Some(offer) => drop(request.extensions_mut().insert(offer)),
        None => drop(request.headers_mut().remove(UPGRADE)),
    }
    is_offered
}

/// Where a client and the application note that they have agreed to speak
/// something else. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Agreement(Arc<Mutex<Option<Agreed>>>);

/// What takes the place of HTTP once its last answer is sent.
pub(super) struct Agreed {
    application: UpgradedConnection,
    websocket: Option<WebSocket>,
    /// The body of the answer. It has no content, but each layer counts the
    /// request for as long as it is there.
    exchange: Box<dyn Send>,
}

impl Agreement {
    /// The answer to an offer, as it goes to the client.
    pub(super) fn note<B>(&self, response: Response<B>) -> Response<AnswerBody<B>>
    where
        B: Body + Send + 'static,
    {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return response.map(AnswerBody::passed);
        }
        let (mut head, body) = response.into_parts();
        let upgraded = head.extensions.remove::<Upgraded>();
        let application = upgraded.and_then(|upgraded| upgraded.take());
        *self.lock() = application.map(|application| Agreed {
            application,
            websocket: WebSocket::of(&head.headers),
            exchange: Box::new(body),
        });
        Response::from_parts(head, AnswerBody::empty())
    }

    /// What was agreed upon, if anything was.
    pub(super) fn take(&self) -> Option<Agreed> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Agreed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Agreed {
    /// Has both speak to each other until it is over, or until they are to end since
    /// the process leaves or the server stops: at one of `times` after that. `heard`
    /// has come from the client already.
    ///
    /// Dropped, both connections are closed.
    pub(super) async fn speak(
        self,
        (client, heard): (TcpStream, Bytes),
        peer: SocketAddr,
        stopped: &mut Stopped,
        times: &ClosingTimes,
    ) {
        // Without it, only such a client as left without a word is not noticed.
        let _ = probe(&client);
        let begun = Instant::now();
        let UpgradedConnection { stream, leave } = self.application;
        let mut tunnel = Tunnel::new(client, heard, stream, self.websocket);
        let told = pin!(WhenWoken::new(is_to_end(leave, stopped, times)));
        let ending = tokio::select! {
            biased;
            end = tunnel.carry() => Ending::of(&end),
            ending = told => ending,
        };
        if ending.is_ours() {
            tunnel.part().await;
        } else {
            tunnel.hang_up().await;
        }
        let Carried { up, down } = tunnel.carried();
        let reason = ending.as_str();
        debug!(%peer, up, down, after = ?begun.elapsed(), reason, "upgraded connection closed");
        drop(self.exchange);
    }
}

/// Resolves when the connection is to end from here, and why. Until something is about
/// to end, that costs no timer.
async fn is_to_end(leave: LeaveNotice, stopped: &mut Stopped, times: &ClosingTimes) -> Ending {
    let ending = tokio::select! {
        () = leave => Ending::ProcessLeaves,
        () = stopped.told() => Ending::ServerStops,
    };
    sleep(times.next()).await;
    ending
}

fn probe(client: &TcpStream) -> rustix::io::Result<()> {
    let (interval, count) = PROBES;
    sockopt::set_tcp_keepidle(client, KEEP_ALIVE)?;
    sockopt::set_tcp_keepintvl(client, interval)?;
    sockopt::set_tcp_keepcnt(client, count)?;
    sockopt::set_socket_keepalive(client, true)
}

impl fmt::Debug for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agreement").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use http_body_util::Full;
    use tokio::{
        io::{AsyncRead, AsyncReadExt},
        net::TcpListener,
        task::JoinSet,
    };

    use super::{super::stop::Stop, *};

    fn request(fields: &[(&'static str, &'static str)]) -> Request<()> {
        let mut request = Request::get("/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn what_may_not_be_passed_on_leaves_a_request_like_any_other() {
        let mut websocket = request(&[("connection", "upgrade"), ("upgrade", "websocket")]);
        assert!(is_offered(&mut websocket));
        let offer = websocket.extensions().get::<UpgradeOffer>().unwrap();
        assert_eq!(offer.as_value(), "websocket");
        assert!(
            websocket.headers().contains_key(UPGRADE),
            "a cache is to see that it is no request for a page"
        );

        let mut h2c = request(&[("connection", "upgrade"), ("upgrade", "h2c")]);
        assert!(!is_offered(&mut h2c));
        assert!(h2c.extensions().get::<UpgradeOffer>().is_none());
        assert!(!h2c.headers().contains_key(UPGRADE));
    }

    #[test]
    fn an_answer_is_taken_apart_only_if_it_switches() {
        let agreement = Agreement::default();
        let page = agreement.note(Response::new(Full::<Bytes>::from("page")));
        assert_eq!(page.body().size_hint().exact(), Some(4));
        assert!(agreement.take().is_none());

        let (_application, connection) = tokio::io::duplex(64);
        let mut response = Response::new(Full::<Bytes>::from("held"));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response
            .extensions_mut()
            .insert(Upgraded::new(connection, LeaveNotice::never()));
        let answer = agreement.note(response);
        assert!(answer.body().is_end_stream());
        assert!(agreement.take().is_some());
        assert!(agreement.take().is_none());
    }

    async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> Instant {
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        Instant::now()
    }

    /// After how many seconds each of `count` connections ends, all of whose processes
    /// are to leave.
    async fn told_after(count: usize, times: &ClosingTimes) -> Vec<u64> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::new();
        let mut connections = JoinSet::new();
        for _ in 0..count {
            let (client, near) = tokio::join!(TcpStream::connect(address), listener.accept());
            let (mut client, (near, peer)) = (client.unwrap(), near.unwrap());
            let (mut application, far) = tokio::io::duplex(64);
            let agreed = Agreed {
                application: Upgraded::new(far, LeaveNotice::new(ready(())))
                    .take()
                    .unwrap(),
                websocket: None,
                exchange: Box::new(()),
            };
            let (mut stopped, times) = (stop.stopped(), times.clone());
            connections.spawn(async move {
                let near = (near, Bytes::new());
                let begun = Instant::now();
                let ((), told, _) = tokio::join!(
                    agreed.speak(near, peer, &mut stopped, &times),
                    read_to_end(&mut application),
                    // Not to be measured: by the clock of a test, what the system does
                    // takes no time, or any.
                    read_to_end(&mut client),
                );
                (told - begun).as_secs()
            });
        }
        connections.join_all().await
    }

    #[tokio::test(start_paused = true)]
    async fn many_that_are_to_end_at_once_end_one_after_the_other() {
        let times = ClosingTimes::new(Duration::from_secs(200));
        let mut told = told_after(100, &times).await;
        told.sort_unstable();
        told.dedup();
        assert!(
            told.len() > 70 && told[0] >= 100 && told[told.len() - 1] <= 200,
            "{told:?}"
        );
        let longest = told.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest <= Some(3), "{told:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_may_not_stay_end_at_once() {
        let told = told_after(3, &ClosingTimes::new(Duration::ZERO)).await;
        assert_eq!(told, [0, 0, 0]);
    }
}
