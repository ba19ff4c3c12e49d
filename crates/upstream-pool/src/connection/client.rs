use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::{self, Instant};

use super::{Connection, Endpoint, h1::Outcome, head};
use crate::{Error, RequestBody};

/// How long an unused connection is kept. Servers close theirs after 2 s
/// (gunicorn), 5 s (Node, uvicorn) or 20 s (Puma); a request that is written
/// just then is lost, so we are to be first.
const IDLE_TIME: Duration = Duration::from_secs(1);

/// How many unused connections are kept.
const MAX_IDLE: usize = 256;

/// How long a request may take on its way to an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) response: Option<Duration>,
}

/// An HTTP client for one server, with the connections that it keeps.
pub(crate) struct Client {
    endpoint: Endpoint,
    limits: Limits,
    idle: Mutex<Idle>,
    sweeping: AtomicBool,
}

/// Unused connections. The one that was used last is used next: its buffers
/// are warm, and the others grow old enough to be dropped.
#[derive(Default)]
struct Idle {
    /// Oldest first.
    connections: VecDeque<(Box<Connection>, Instant)>,
    closed: bool,
}

impl Client {
    pub(crate) fn new(endpoint: Endpoint, limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            endpoint,
            limits,
            idle: Mutex::default(),
            sweeping: AtomicBool::new(false),
        })
    }

    /// Sends a request, and gives back the head of its response with the
    /// connection on which the body will come.
    ///
    /// A connection that turns out to be closed before anything was written
    /// costs another try, on the next one or on a new one. Dropped before it
    /// is done: the connection closes, and no other request can meet the
    /// answer.
    pub(crate) async fn send(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Box<Connection>), Error> {
        head::for_application(&mut request)?;
        while let Some(mut connection) = self.checkout() {
            match connection.exchange(request, self.limits.response).await {
                Outcome::Answered(response) => return Ok((response, connection)),
                Outcome::Unsent(again, _) => request = *again,
                Outcome::Failed(error) => return Err(error),
            }
        }
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => return Err(Error::connect(error).with_unsent(request)),
        };
        match connection.exchange(request, self.limits.response).await {
            Outcome::Answered(response) => Ok((response, connection)),
            Outcome::Unsent(request, error) => {
                Err(Error::closed_early(true, error).with_unsent(*request))
            }
            Outcome::Failed(error) => Err(error),
        }
    }

    async fn connect(&self) -> io::Result<Box<Connection>> {
        let stream = time::timeout(self.limits.connect, self.endpoint.connect())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let connection = Connection::new(stream).await.map_err(io::Error::other)?;
        Ok(Box::new(connection))
    }

    fn checkout(&self) -> Option<Box<Connection>> {
        let mut idle = self.idle();
        match idle.connections.pop_back() {
            Some((connection, since)) if since.elapsed() < IDLE_TIME => Some(connection),
            // All others are older still.
            _ => {
                let old = std::mem::take(&mut idle.connections);
                drop(idle);
                drop(old);
                None
            }
        }
    }

    /// Keeps a connection for the next request.
    pub(crate) fn give_back(self: &Arc<Self>, connection: Box<Connection>) {
        let now = Instant::now();
        let mut idle = self.idle();
        if idle.closed || idle.connections.len() >= MAX_IDLE {
            drop(idle);
            drop(connection);
            return;
        }
        idle.connections.push_back((connection, now));
        drop(idle);
        // Relaxed is enough: a sweeper that is about to end has looked at the
        // connections under the lock after it said so.
        if !self.sweeping.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes the unused connections, and those that come back later.
    pub(crate) fn close(&self) {
        let mut idle = self.idle();
        idle.closed = true;
        let connections = std::mem::take(&mut idle.connections);
        drop(idle);
        drop(connections);
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops connections that nobody used for a while. Runs while there are any,
/// once for all of a client's, so that no request has to arm a timer.
async fn sweep(client: Weak<Client>) {
    loop {
        time::sleep(IDLE_TIME).await;
        let Some(client) = client.upgrade() else {
            return;
        };
        let mut idle = client.idle();
        let old = idle
            .connections
            .partition_point(|(_, since)| since.elapsed() >= IDLE_TIME);
        let old: Vec<_> = idle.connections.drain(..old).collect();
        // Said under the lock: whoever adds a connection after this starts
        // another sweeper.
        let over = idle.connections.is_empty();
        if over {
            client.sweeping.store(false, Ordering::Release);
        }
        drop(idle);
        drop(old);
        if over {
            return;
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.endpoint)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
