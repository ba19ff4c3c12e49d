//! Two connections that are one: what comes from either side goes to the other.

mod lane;
mod part;

use std::{future::poll_fn, io, pin::Pin, task::Poll, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep},
};

use self::lane::{Failure, Lane};
pub(super) use self::part::GOODBYE;
use super::websocket::{Speaker, WebSocket};

/// How long an application may be silent after its client has ended. A client
/// that has left looks like one that only listens.
const LAST_ANSWER: Duration = Duration::from_secs(30);

/// How long a client may be silent after the application has ended. Hardly one
/// has anything to say then but its own end; nginx does not wait for that.
const LAST_WORD: Duration = Duration::from_secs(5);

/// How many bytes went through a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    /// From the client to the application.
    pub(super) up: u64,
    /// From the application to the client.
    pub(super) down: u64,
}

/// Why a tunnel is over before both sides have ended.
#[derive(Debug)]
pub(super) struct Broken {
    /// Whose side it was.
    pub(super) by: Speaker,
    error: io::Error,
}

/// A client's connection and an application's, and what is on its way between them.
///
/// Both are taken for sockets, in which nothing waits to be flushed. A side that
/// takes nothing more keeps the other one waiting: no more than 64 KiB are on their
/// way. Dropped, both are closed.
pub(super) struct Tunnel<C, A> {
    client: C,
    application: A,
    up: Lane,
    down: Lane,
}

impl<C, A> Tunnel<C, A>
where
    C: AsyncRead + AsyncWrite + Unpin,
    A: AsyncRead + AsyncWrite + Unpin,
{
    /// `heard` has come from the client already.
    pub(super) fn new(
        client: C,
        heard: Bytes,
        application: A,
        websocket: Option<WebSocket>,
    ) -> Self {
        let frames = |speaker| websocket.map(|websocket| websocket.frames(speaker));
        Self {
            client,
            application,
            up: Lane::new(heard, frames(Speaker::Client)),
            down: Lane::new(Bytes::new(), frames(Speaker::Server)),
        }
    }

    /// How much it has carried so far.
    pub(super) const fn carried(&self) -> Carried {
        Carried {
            up: self.up.carried(),
            down: self.down.carried(),
        }
    }

    /// Carries bytes until both sides have ended, or one of them fails, or the
    /// other one is silent for too long after one has ended. The end of one side is
    /// passed on to the other, which may go on.
    ///
    /// Dropped before that, nothing is lost: it goes on where it was.
    pub(super) async fn carry(&mut self) -> Result<(), Broken> {
        let mut silence: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            let before = self.carried();
            let (client, application) = (&mut self.client, &mut self.application);
            let (up, down) = (
                self.up.poll_carry(cx, client, application),
                self.down.poll_carry(cx, application, client),
            );
            let ended = (
                up.map_err(|failure| failure.of(Speaker::Client, Speaker::Server))?,
                down.map_err(|failure| failure.of(Speaker::Server, Speaker::Client))?,
            );
            let (by, patience) = match (ended.0.is_ready(), ended.1.is_ready()) {
                (true, true) => return Poll::Ready(Ok(())),
                (false, false) => return Poll::Pending,
                (true, false) => (Speaker::Server, LAST_ANSWER),
                (false, true) => (Speaker::Client, LAST_WORD),
            };
            let silence = silence.get_or_insert_with(|| Box::pin(sleep(patience)));
            if before != self.carried() {
                silence.as_mut().reset(Instant::now() + patience);
            }
            let silence = silence.as_mut().poll(cx);
            let error = io::ErrorKind::TimedOut.into();
            silence.map(|()| Err(Broken { by, error }))
        })
        .await
    }
}

impl Broken {
    /// Whether nothing was heard for too long, also by the system, which asks a silent
    /// client whether it is still there.
    pub(super) fn is_silence(&self) -> bool {
        self.error.kind() == io::ErrorKind::TimedOut
    }
}

impl Failure {
    /// Of a lane from the one to the other.
    fn of(self, from: Speaker, to: Speaker) -> Broken {
        match self {
            Self::Reading(error) => Broken { by: from, error },
            Self::Writing(error) => Broken { by: to, error },
        }
    }
}

#[cfg(test)]
mod tests;
