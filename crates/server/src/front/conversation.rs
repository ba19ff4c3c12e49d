use std::{
    net::SocketAddr,
    pin::{Pin, pin},
    time::Duration,
};

use bytes::Bytes;
use peregrine::core::{ByteStream, LeaveNotice, Upgraded, UpgradedConnection};
use rustix::net::sockopt;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tracing::debug;

use super::{
    closing_times::ClosingTimes,
    report::{Ending, Report, UpgradeReport},
    stop::Stopped,
    tunnel::{Carried, Tunnel},
    upgrade::Agreed,
    when_woken::WhenWoken,
};

/// When to ask a client that says nothing whether it is still there, and how
/// often: one whose network is gone holds a place in a process for two minutes
/// more, at most. A WebSocket that nobody speaks on may stay for days.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
const PROBES: (Duration, u32) = (Duration::from_secs(15), 4);

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
        let UpgradedConnection { stream, leave } = self.application;
        // Until it is known how it was, and the connections are closed.
        let _exchange = self.exchange;
        let mut conversation = Conversation {
            tunnel: Tunnel::new(client, heard, stream, self.websocket),
            peer,
            begun: Instant::now(),
            ending: Ending::CutOff,
            upgraded: self.upgraded,
            report: self.report,
        };
        let Conversation { tunnel, ending, .. } = &mut conversation;
        let told = pin!(WhenWoken::new(is_to_end(leave, stopped, times)));
        *ending = tokio::select! {
            // Two who never pause use up what a task may do at a time.
            biased;
            ending = told => ending,
            end = tunnel.carry() => Ending::of(&end),
        };
        if ending.is_ours() {
            tunnel.part().await;
        } else {
            tunnel.hang_up().await;
        }
    }
}

/// Two who speak. Dropped, it says how that was.
struct Conversation {
    tunnel: Tunnel<TcpStream, Pin<Box<dyn ByteStream>>>,
    peer: SocketAddr,
    begun: Instant,
    ending: Ending,
    upgraded: Upgraded,
    report: UpgradeReport,
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let Carried { up, down } = self.tunnel.carried();
        let (peer, lasted) = (self.peer, self.begun.elapsed());
        let reason = self.ending.as_str();
        debug!(%peer, up, down, after = ?lasted, reason, "upgraded connection closed");
        self.upgraded.ended(self.ending.by());
        self.report.close(Report {
            ending: reason,
            up,
            down,
            lasted,
        });
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

#[cfg(test)]
mod tests {
    use std::future::ready;

    use peregrine::core::Upgraded;
    use tokio::{
        io::{AsyncRead, AsyncReadExt},
        net::TcpListener,
        task::JoinSet,
    };

    use super::{
        super::{Timeouts, stop::Stop},
        *,
    };

    async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> Instant {
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        Instant::now()
    }

    /// Within so many seconds.
    fn times(seconds: u64) -> ClosingTimes {
        ClosingTimes::new(&Timeouts {
            head: Duration::MAX,
            body: Duration::MAX,
            send: Duration::MAX,
            upgrade: Duration::from_secs(seconds),
            shutdown: Duration::MAX,
        })
    }

    /// Why connections are to end.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Reason {
        ProcessLeaves,
        ServerStops,
    }

    /// After how many seconds each of `count` connections ends that are to end already
    /// when they are upgraded.
    async fn told_after(count: usize, reason: Reason, times: &ClosingTimes) -> Vec<u64> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Stop::new();
        let mut connections = JoinSet::new();
        for _ in 0..count {
            let (client, near) = tokio::join!(TcpStream::connect(address), listener.accept());
            let (mut client, (near, peer)) = (client.unwrap(), near.unwrap());
            let (mut application, far) = tokio::io::duplex(64);
            let leave = match reason {
                Reason::ProcessLeaves => LeaveNotice::new(ready(())),
                Reason::ServerStops => LeaveNotice::never(),
            };
            let upgraded = Upgraded::new(far, leave);
            let agreed = Agreed {
                application: upgraded.take().unwrap(),
                upgraded,
                websocket: None,
                exchange: Box::new(()),
                report: UpgradeReport::default(),
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
        if reason == Reason::ServerStops {
            stop.stop().await;
        }
        connections.join_all().await
    }

    #[tokio::test(start_paused = true)]
    async fn many_that_are_to_end_at_once_end_one_after_the_other() {
        for reason in [Reason::ProcessLeaves, Reason::ServerStops] {
            let times = times(200);
            let mut told = told_after(100, reason, &times).await;
            told.sort_unstable();
            told.dedup();
            let (first, last) = (told[0], told[told.len() - 1]);
            assert!(told.len() > 70 && first >= 100 && last <= 200, "{told:?}");
            let longest = told.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(longest <= Some(3), "{told:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_may_not_stay_end_at_once() {
        let times = times(0);
        for reason in [Reason::ProcessLeaves, Reason::ServerStops] {
            assert_eq!(told_after(3, reason, &times).await, [0, 0, 0]);
        }
    }
}
