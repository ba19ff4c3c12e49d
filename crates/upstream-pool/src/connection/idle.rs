use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{runtime, time::Instant};

use super::Connection;

/// How long an unused connection is kept. Servers close theirs after 2 s
/// (gunicorn), 5 s (Node, uvicorn) or 20 s (Puma); a request that is written
/// just then is lost, so we are to be first.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(1);

/// How many shelves there are. More threads than that share them.
const SHELVES: usize = 8;

/// How many unused connections there may be on each shelf.
const MAX_IDLE: usize = 256;

/// Unused connections to one server, on a shelf for each thread.
///
/// A connection is watched by the driver of the runtime that it was made in.
/// Used from another one, each of its answers would wake two threads: the one
/// that watches, and the one that waits. So everyone takes from his own shelf
/// first, which also spares the threads a lock that all of them want twice for
/// each request. Only who finds nothing looks on the others', since a server
/// that serves one connection after the other is not to see more of them than
/// requests.
///
/// The one that was used last is used next: its buffers are warm, and the
/// others grow old enough to be dropped.
#[derive(Default)]
pub(super) struct Idle {
    shelves: [Shelf; SHELVES],
}

/// Aligned so that no line of memory is shared with another shelf: processors
/// fetch lines of 64 bytes in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Shelf(Mutex<Unused>);

#[derive(Default)]
struct Unused {
    /// Oldest first.
    connections: VecDeque<(Box<Connection>, Instant)>,
    closed: bool,
}

/// What was taken.
pub(super) enum Taken {
    /// It was made in the runtime that asks.
    AtHome(Box<Connection>),
    /// It was made in another one.
    Foreign(Box<Connection>),
}

impl Idle {
    /// The connection to use next in `runtime`.
    pub(super) fn take(&self, runtime: runtime::Id, now: Instant) -> Option<Taken> {
        let own = own_shelf();
        let connection = (0..SHELVES).find_map(|beside| {
            let next = &self.shelves[(own + beside) % SHELVES];
            next.lock().take(now)
        })?;
        Some(if connection.runtime() == runtime {
            Taken::AtHome(connection)
        } else {
            Taken::Foreign(connection)
        })
    }

    /// Keeps a connection, if there is a place for it.
    pub(super) fn put(&self, connection: Box<Connection>, now: Instant) -> bool {
        let mut unused = self.shelves[own_shelf()].lock();
        let keeps = !unused.closed && unused.connections.len() < MAX_IDLE;
        if keeps {
            unused.connections.push_back((connection, now));
        } else {
            drop(unused);
            drop(connection);
        }
        keeps
    }

    /// Drops the connections that are too old.
    pub(super) fn drop_old(&self, now: Instant) {
        for shelf in &self.shelves {
            // Dropped when the lock no longer is held.
            let old: Vec<_> = {
                let connections = &mut shelf.lock().connections;
                let end = connections.partition_point(|(_, since)| is_old(*since, now));
                connections.drain(..end).collect()
            };
            drop(old);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let mut shelves = self.shelves.iter();
        shelves.all(|shelf| shelf.lock().connections.is_empty())
    }

    /// Drops all connections, and keeps none from now on.
    pub(super) fn close(&self) {
        for shelf in &self.shelves {
            let connections = {
                let mut unused = shelf.lock();
                unused.closed = true;
                std::mem::take(&mut unused.connections)
            };
            drop(connections);
        }
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Unused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unused {
    /// The newest one, unless it is too old; then the others are, too, and the
    /// sweeper will find them.
    fn take(&mut self, now: Instant) -> Option<Box<Connection>> {
        let (_, since) = self.connections.back()?;
        if is_old(*since, now) {
            return None;
        }
        let (connection, _) = self.connections.pop_back()?;
        Some(connection)
    }
}

fn is_old(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) >= IDLE_TIME
}

/// The shelf of the thread that asks. Threads get theirs in turn.
fn own_shelf() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHELF: usize = THREADS.fetch_add(1, Relaxed) % SHELVES;
    }
    SHELF.with(|shelf| *shelf)
}
