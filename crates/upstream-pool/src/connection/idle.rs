use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    runtime::{self, Handle},
    time,
};

use super::Connection;

/// How often it is looked for connections that nobody has used since the last look. So an
/// unused one is kept for half a second at least, and for one at most. Servers close theirs
/// after 2 s (gunicorn), 5 s (Node, uvicorn) or 20 s (Puma); a request that is written just
/// then is lost, so we are to be first.
const LOOK: Duration = Duration::from_millis(500);

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
    shelves: [Arc<Shelf>; SHELVES],
}

/// Who uses a connection of it holds a shelf, and not what all threads have in common: a
/// count of references on which they meet costs more than the rest of what is done here.
///
/// Aligned so that no line of memory is shared with another shelf: processors
/// fetch lines of 64 bytes in pairs.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Shelf(Mutex<Unused>);

#[derive(Default)]
struct Unused {
    /// The one that was used last is at the end.
    connections: VecDeque<Box<Connection>>,
    /// So many of the first ones were here at the last look: that needs no clock where a
    /// connection comes and goes.
    old: usize,
    /// Somebody looks.
    swept: bool,
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
    pub(super) fn take(&self, runtime: runtime::Id) -> Option<Taken> {
        let own = own_shelf();
        let connection = (0..SHELVES).find_map(|beside| {
            let next = &self.shelves[(own + beside) % SHELVES];
            next.lock().take()
        })?;
        Some(if connection.runtime() == runtime {
            Taken::AtHome(connection)
        } else {
            Taken::Foreign(connection)
        })
    }

    /// The shelf of the thread that asks.
    pub(super) fn shelf(&self) -> Arc<Shelf> {
        Arc::clone(&self.shelves[own_shelf()])
    }

    /// Drops all connections, and keeps none from now on.
    pub(super) fn close(&self) {
        for shelf in &self.shelves {
            let connections = {
                let mut unused = shelf.lock();
                unused.closed = true;
                unused.old = 0;
                std::mem::take(&mut unused.connections)
            };
            drop(connections);
        }
    }
}

impl Shelf {
    /// Keeps a connection for the next request, if there is a place for it.
    pub(super) fn keep(self: &Arc<Self>, connection: Box<Connection>) {
        // One that is not kept is dropped on the way out, behind the lock.
        let mut unused = self.lock();
        if unused.closed || unused.connections.len() >= MAX_IDLE {
            return;
        }
        let sweeps = (!unused.swept).then(Handle::try_current);
        if let Some(Err(_)) = sweeps {
            // Outside of a runtime nobody would sweep it away.
            return;
        }
        unused.swept = true;
        unused.connections.push_back(connection);
        drop(unused);
        if let Some(Ok(runtime)) = sweeps {
            drop(runtime.spawn(sweep(Arc::downgrade(self))));
        }
    }

    /// Drops the connections that were here at the last look. Says whether there are others;
    /// if there are none, nobody looks any more.
    fn look(&self) -> bool {
        let mut unused = self.lock();
        let old = unused.old;
        let dropped: Vec<_> = unused.connections.drain(..old).collect();
        unused.old = unused.connections.len();
        unused.swept = unused.old > 0;
        let goes_on = unused.swept;
        // Not while the lock is held.
        drop(unused);
        drop(dropped);
        goes_on
    }

    fn lock(&self) -> MutexGuard<'_, Unused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unused {
    fn take(&mut self) -> Option<Box<Connection>> {
        let connection = self.connections.pop_back();
        self.old = self.old.min(self.connections.len());
        connection
    }
}

/// Drops connections that nobody used for a while. Runs while there are any, once for all
/// of a shelf's, so that no request has to arm a timer.
async fn sweep(shelf: Weak<Shelf>) {
    loop {
        time::sleep(LOOK).await;
        if !shelf.upgrade().is_some_and(|shelf| shelf.look()) {
            return;
        }
    }
}

/// Which shelf is that of the thread that asks. Threads get theirs in turn.
fn own_shelf() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHELF: usize = THREADS.fetch_add(1, Relaxed) % SHELVES;
    }
    SHELF.with(|shelf| *shelf)
}

#[cfg(test)]
mod tests;
