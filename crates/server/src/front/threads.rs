use std::{
    future::poll_fn,
    io,
    net::{self, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    thread::{self, JoinHandle},
};

use futures_util::FutureExt;
use tokio::{
    net::TcpStream,
    runtime,
    sync::{OwnedSemaphorePermit, mpsc},
    task::JoinSet,
};
use tracing::debug;

use super::{ClientService, Timeouts, closing_times::ClosingTimes, connection, stop::Stopped};
use crate::refused::Refusals;

/// How many threads one of these may have wait for the disk at a time, or for a
/// name to be looked up; nginx's `thread_pool` has 32. What comes on top waits
/// for one of them.
const MAX_BLOCKING_THREADS: usize = 32;

/// The threads that serve clients, each with a runtime of its own.
///
/// A client stays on the thread that it was given to, and so does all that is
/// done for it: its buffers, its timers, the connections to the application
/// that are used for it. In one runtime with several threads, idle threads
/// would take over the work of others, and with it would come nothing that is
/// warm in their caches: a proxied request costs up to twice the time in user
/// space then. nginx's worker processes are apart for the same reason.
///
/// What it takes in return is a fair share for each: a client goes to the
/// thread that has the fewest.
pub(super) struct Threads {
    threads: Vec<Thread>,
}

struct Thread {
    clients: mpsc::UnboundedSender<Client>,
    load: Arc<AtomicUsize>,
    handle: JoinHandle<()>,
}

/// A client on its way to its thread.
pub(super) struct Client {
    /// Does not block.
    pub(super) stream: net::TcpStream,
    pub(super) peer: SocketAddr,
    /// One of the places for all clients.
    pub(super) place: OwnedSemaphorePermit,
    pub(super) stopped: Stopped,
}

impl Threads {
    /// As many threads as there are processors to run them.
    ///
    /// # Errors
    ///
    /// If the system has no room for a thread, or for what its runtime needs.
    pub(super) fn start<S>(service: &S, timeouts: Timeouts, refusals: &Refusals) -> io::Result<Self>
    where
        S: ClientService,
    {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let closing_times = ClosingTimes::new(&timeouts);
        let threads = (0..count)
            .map(|number| {
                let closing_times = closing_times.clone();
                Thread::start(
                    number,
                    service.clone(),
                    timeouts,
                    refusals.clone(),
                    closing_times,
                )
            })
            .collect::<io::Result<_>>()?;
        Ok(Self { threads })
    }

    /// Gives a client to the thread that has the fewest.
    pub(super) fn give(&self, client: Client) {
        let least = self
            .threads
            .iter()
            .min_by_key(|thread| thread.load.load(Relaxed));
        if let Some(thread) = least {
            thread.load.fetch_add(1, Relaxed);
            // The other end is there as long as the thread is, which ends
            // only when it is told to.
            let _ = thread.clients.send(client);
        }
    }

    /// Cuts off whoever is still served, and ends the threads.
    pub(super) fn stop(self) {
        let (senders, handles): (Vec<_>, Vec<_>) = self
            .threads
            .into_iter()
            .map(|thread| (thread.clients, thread.handle))
            .unzip();
        drop(senders);
        for handle in handles {
            // A panic has been reported where it happened.
            let _ = handle.join();
        }
    }
}

impl Thread {
    fn start<S>(
        number: usize,
        service: S,
        timeouts: Timeouts,
        refusals: Refusals,
        closing_times: ClosingTimes,
    ) -> io::Result<Self>
    where
        S: ClientService,
    {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(MAX_BLOCKING_THREADS)
            .build()?;
        let load = Arc::new(AtomicUsize::new(0));
        let (clients, arriving) = mpsc::unbounded_channel();
        let serving = serve(
            arriving,
            Arc::clone(&load),
            service,
            timeouts,
            refusals,
            closing_times,
        );
        let handle = thread::Builder::new()
            .name(format!("front-{number}"))
            .spawn(move || runtime.block_on(serving))?;
        Ok(Self {
            clients,
            load,
            handle,
        })
    }
}

/// Serves clients until no more can arrive, and lets go of those that are left
/// then.
async fn serve<S>(
    mut arriving: mpsc::UnboundedReceiver<Client>,
    load: Arc<AtomicUsize>,
    service: S,
    timeouts: Timeouts,
    refusals: Refusals,
    closing_times: ClosingTimes,
) where
    S: ClientService,
{
    let mut connections = JoinSet::new();
    loop {
        let client = poll_fn(|cx| {
            // What is kept of those who have left goes when someone does.
            while let Poll::Ready(Some(_)) = connections.poll_join_next(cx) {}
            arriving.poll_recv(cx)
        });
        let Some(client) = client.await else {
            return;
        };
        let served = Served(Arc::clone(&load));
        match TcpStream::from_std(client.stream) {
            Ok(stream) => {
                let connection = connection::serve(
                    stream,
                    client.peer,
                    service.clone(),
                    timeouts,
                    refusals.clone(),
                    closing_times.clone(),
                    client.stopped,
                );
                let place = client.place;
                // An async block would keep the connection twice: as what it was
                // given, and as what it waits for.
                connections.spawn(connection.map(move |()| drop((place, served))));
            }
            Err(error) => debug!(%error, "can't serve a client"),
        }
    }
}

/// One client of a thread's load.
struct Served(Arc<AtomicUsize>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
