use std::{
    fmt, io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tracing::{info, warn};

use super::{
    ClientService, Connections, MAX_CONNECTIONS, Timeouts,
    open_files::room_for_clients,
    stop::Stop,
    threads::{Client, Threads},
};
use crate::refused::Refusals;

/// Accepts connections and has them served until told to stop.
pub(crate) struct Front {
    threads: Threads,
    patience: Duration,
    places: Arc<Semaphore>,
    stop: Arc<Stop>,
    connections: Connections,
}

impl Front {
    /// Starts the threads that serve clients. `refusals` is told of what never
    /// becomes a request.
    ///
    /// # Errors
    ///
    /// If the system has no room for them.
    pub(crate) fn new<S>(service: &S, timeouts: Timeouts, refusals: &Refusals) -> io::Result<Self>
    where
        S: ClientService,
    {
        let room = room_for_clients(MAX_CONNECTIONS);
        let stop = Arc::new(Stop::new());
        Ok(Self {
            threads: Threads::start(service, timeouts, refusals)?,
            patience: timeouts.shutdown,
            places: Arc::new(Semaphore::new(room)),
            connections: Connections::new(&stop, room),
            stop,
        })
    }

    /// How many clients there are, for who looks.
    pub(crate) fn connections(&self) -> Connections {
        self.connections.clone()
    }

    /// Serves until `stop` resolves, then lets the requests that run finish,
    /// until their time is over or `hurry` resolves.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = net::TcpListener::from_std(listener)?;
        tokio::select! {
            () = self.accept(&listener) => {}
            () = stop => {}
        }
        let listener = listener.into_std()?;
        self.accept_those_who_wait(&listener);
        drop(listener);
        self.finish(hurry).await;
        Ok(())
    }

    async fn accept(&self, listener: &net::TcpListener) {
        // The semaphore is never closed.
        while let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
            // Taken from this runtime's driver at once: another one will serve
            // this client.
            let accepted = listener.accept().await;
            match accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))) {
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
        }
    }

    /// Takes the connections that the kernel has completed already: closing
    /// the listener would reset them, and with them the requests that their
    /// clients have sent. Asks the kernel itself, since tokio knows only what
    /// its driver has seen so far.
    fn accept_those_who_wait(&self, listener: &TcpListener) {
        while let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let Ok((stream, peer)) = listener.accept() else {
                break;
            };
            if stream.set_nonblocking(true).is_ok() {
                self.welcome(stream, peer, place);
            }
        }
    }

    fn welcome(&self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        self.connections.accept();
        self.threads.give(Client {
            stream,
            peer,
            place,
            stopped: self.stop.stopped(),
        });
    }

    async fn finish(self, hurry: impl Future<Output = ()>) {
        let connections = self.stop.count();
        if connections > 0 {
            info!(connections, "letting requests finish");
        }
        let patience = self.patience;
        tokio::select! {
            finished = timeout(patience, self.stop.stop()) => if finished.is_err() {
                warn!(after = ?patience, "requests have not finished in time and are cut off");
            },
            () = hurry => warn!("told to hurry: requests that run are cut off"),
        }
        self.threads.stop();
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front")
            .field("connections", &self.stop.count())
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
