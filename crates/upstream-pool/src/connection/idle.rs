use std::{collections::VecDeque, time::Duration};

use tokio::{runtime, time::Instant};

use super::Connection;

/// How long an unused connection is kept. Servers close theirs after 2 s
/// (gunicorn), 5 s (Node, uvicorn) or 20 s (Puma); a request that is written
/// just then is lost, so we are to be first.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(1);

/// How many unused connections are kept.
const MAX_IDLE: usize = 256;

/// Unused connections to one server, apart for each runtime.
///
/// A connection is watched by the driver of the runtime that it was made in.
/// Used from another one, each of its answers would wake two threads: the one
/// that watches, and the one that waits. So everyone takes his own first. Only
/// who has none takes another's, since a server that serves one connection
/// after the other is not to see more of them than requests.
///
/// Within a runtime, the one that was used last is used next: its buffers are
/// warm, and the others grow old enough to be dropped.
#[derive(Default)]
pub(super) struct Idle {
    homes: Vec<Home>,
    len: usize,
    closed: bool,
}

/// The connections of one runtime, oldest first.
struct Home {
    runtime: runtime::Id,
    connections: VecDeque<Unused>,
}

type Unused = (Box<Connection>, Instant);

/// What was taken.
pub(super) enum Taken {
    /// It was made in the runtime that asks.
    AtHome(Box<Connection>),
    /// It was made in another one.
    Foreign(Box<Connection>),
}

impl Idle {
    /// The connection to use next in `runtime`.
    pub(super) fn take(&mut self, runtime: runtime::Id, now: Instant) -> Option<Taken> {
        let own = self.homes.iter_mut().find(|home| home.runtime == runtime);
        if let Some(connection) = own.and_then(|home| home.take(now)) {
            self.len -= 1;
            return Some(Taken::AtHome(connection));
        }
        if self.len == 0 {
            return None;
        }
        let other = self.homes.iter_mut().find_map(|home| home.take(now))?;
        self.len -= 1;
        Some(Taken::Foreign(other))
    }

    /// Keeps a connection, or gives it back if there is no place.
    pub(super) fn put(
        &mut self,
        connection: Box<Connection>,
        now: Instant,
    ) -> Result<(), Box<Connection>> {
        if self.closed || self.len >= MAX_IDLE {
            return Err(connection);
        }
        let runtime = connection.runtime();
        let own = self.homes.iter().position(|home| home.runtime == runtime);
        let own = own.unwrap_or_else(|| {
            self.homes.push(Home {
                runtime,
                connections: VecDeque::new(),
            });
            self.homes.len() - 1
        });
        self.homes[own].connections.push_back((connection, now));
        self.len += 1;
        Ok(())
    }

    /// The connections that are too old, for the caller to drop.
    pub(super) fn take_old(&mut self, now: Instant) -> Vec<Unused> {
        let mut old = Vec::new();
        for home in &mut self.homes {
            let end = home
                .connections
                .partition_point(|(_, since)| is_old(*since, now));
            old.extend(home.connections.drain(..end));
        }
        self.len -= old.len();
        // A runtime that has ended leaves nothing behind.
        self.homes.retain(|home| !home.connections.is_empty());
        old
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keeps nothing from now on, and gives out what there is, for the caller
    /// to drop.
    pub(super) fn close(&mut self) -> impl Sized + use<> {
        self.closed = true;
        self.len = 0;
        std::mem::take(&mut self.homes)
    }
}

impl Home {
    /// The newest one, unless it is too old; then the others are, too, and the
    /// sweeper will find them.
    fn take(&mut self, now: Instant) -> Option<Box<Connection>> {
        let (_, since) = self.connections.back()?;
        if is_old(*since, now) {
            return None;
        }
        self.connections
            .pop_back()
            .map(|(connection, _)| connection)
    }
}

fn is_old(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) >= IDLE_TIME
}
