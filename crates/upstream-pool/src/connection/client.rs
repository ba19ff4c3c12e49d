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
use tokio::{
    runtime::Handle,
    time::{self, Instant},
};

use super::{Connection, Endpoint, Exchange, h1::Outcome, head};
use crate::{Error, RequestBody, process::Permit, retry};

/// How long an unused connection is kept. Servers close theirs after 2 s
/// (gunicorn), 5 s (Node, uvicorn) or 20 s (Puma); a request that is written
/// just then is lost, so we are to be first.
const IDLE_TIME: Duration = Duration::from_secs(1);

/// How many unused connections are kept.
const MAX_IDLE: usize = 256;

/// How long each part of an exchange may take.
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

    /// Sends a request, and gives back the head of its response with what
    /// holds the connection while the body comes.
    ///
    /// A connection that turns out to be closed before anything was written
    /// costs another try, on the next one or on a new one. The permit comes
    /// back with an error, so that the caller can still decide about the
    /// process before its place is free.
    ///
    /// Dropped while it connects: nothing has been sent. Dropped later: see
    /// [`Exchange`].
    pub(crate) async fn send(
        self: &Arc<Self>,
        mut request: Request<RequestBody>,
        mut permit: Option<Permit>,
    ) -> Result<(Response<Incoming>, Exchange), (Error, Option<Permit>)> {
        if let Err(error) = head::for_application(&mut request) {
            return Err((error, permit));
        }
        let limit = self.limits.response;
        let repeatable = retry::is_repeatable(&request);
        while let Some(mut connection) = self.checkout() {
            if !repeatable {
                // A request that is written to a connection that was closed
                // just now is lost, and this one could not be sent again.
                match connection.verified().await {
                    Some(verified) => connection = verified,
                    None => continue,
                }
            }
            let mut exchange = Exchange::new(connection, Arc::clone(self), permit);
            match exchange.ask(request, limit).await {
                Outcome::Answered(response) => return Ok((response, exchange)),
                Outcome::Unsent(again, _) => request = *again,
                Outcome::Failed(error) => return Err((error, exchange.give_up())),
            }
            permit = exchange.give_up();
        }
        let connection = match self.connect().await {
            Ok(connection) => connection,
            Err(error) => return Err((Error::connect(error).with_unsent(request), permit)),
        };
        let mut exchange = Exchange::new(connection, Arc::clone(self), permit);
        match exchange.ask(request, limit).await {
            Outcome::Answered(response) => Ok((response, exchange)),
            Outcome::Unsent(request, error) => {
                let error = Error::closed_early(true, error).with_unsent(*request);
                Err((error, exchange.give_up()))
            }
            Outcome::Failed(error) => Err((error, exchange.give_up())),
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
        // A sweeper that ends has said so under the lock, and found nothing:
        // either it saw this connection, or we see that it has ended.
        if !self.sweeping.swap(true, Ordering::AcqRel) {
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn(sweep(Arc::downgrade(self)))),
                // The next one may be given back within a runtime.
                Err(_) => self.sweeping.store(false, Ordering::Release),
            }
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
