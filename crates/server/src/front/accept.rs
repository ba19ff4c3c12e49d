use std::{convert::Infallible, fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use http_body::Body;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::{BoxError, Service};
use tracing::{info, warn};

use super::{ClientBody, MAX_CONNECTIONS, Timeouts, connection, open_files::room_for_clients};

/// Accepts connections and serves them until told to stop.
pub(crate) struct Front<S> {
    service: S,
    timeouts: Timeouts,
    places: Arc<Semaphore>,
    graceful: GracefulShutdown,
    /// One for each client. Dropped, they are cut off.
    connections: JoinSet<()>,
}

impl<S> Front<S> {
    pub(crate) fn new(service: S, timeouts: Timeouts) -> Self {
        Self {
            service,
            timeouts,
            places: Arc::new(Semaphore::new(room_for_clients(MAX_CONNECTIONS))),
            graceful: GracefulShutdown::new(),
            connections: JoinSet::new(),
        }
    }
}

impl<S, B> Front<S>
where
    S: Service<Request<ClientBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Serves until `stop` resolves, then lets the requests that run finish,
    /// until their time is over or `hurry` resolves.
    pub(crate) async fn serve(
        mut self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
    ) {
        tokio::select! {
            () = self.accept(&listener) => {}
            () = stop => {}
        }
        if let Err(error) = self.accept_those_who_wait(listener) {
            warn!(%error, "can't look for clients that are still waiting");
        }
        self.finish(hurry).await;
    }

    async fn accept(&mut self, listener: &TcpListener) {
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => self.welcome(stream, peer, place),
                // The client left before we came to it.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    // Most likely out of file descriptors, which only those
                    // who are connected can give back.
                    warn!(%error, "can't accept a connection; trying again in 100 ms");
                    sleep(Duration::from_millis(100)).await;
                }
            }
            // What is kept of those who have left goes when the next one comes.
            while self.connections.try_join_next().is_some() {}
        }
    }

    /// Takes the connections that the kernel has completed already: closing
    /// the listener would reset them, and with them the requests that their
    /// clients have sent. Asks the kernel itself, since tokio knows only what
    /// its driver has seen so far.
    fn accept_those_who_wait(&mut self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        while let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let Ok((stream, peer)) = listener.accept() else {
                break;
            };
            stream.set_nonblocking(true)?;
            self.welcome(TcpStream::from_std(stream)?, peer, place);
        }
        Ok(())
    }

    fn welcome(&mut self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        let service = self.service.clone();
        let watcher = self.graceful.watcher();
        let connection = connection::serve(stream, peer, service, self.timeouts, watcher);
        self.connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }

    async fn finish(self, hurry: impl Future<Output = ()>) {
        let connections = self.graceful.count();
        if connections > 0 {
            info!(connections, "letting requests finish");
        }
        let patience = self.timeouts.shutdown;
        tokio::select! {
            finished = timeout(patience, self.graceful.shutdown()) => if finished.is_err() {
                warn!(after = ?patience, "requests have not finished in time and are cut off");
            },
            () = hurry => warn!("told to hurry: requests that run are cut off"),
        }
        drop(self.connections);
    }
}

impl<S> fmt::Debug for Front<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front")
            .field("service", &std::any::type_name::<S>())
            .field("timeouts", &self.timeouts)
            .field("connections", &self.connections.len())
            .finish_non_exhaustive()
    }
}
