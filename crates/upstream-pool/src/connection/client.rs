use std::{io, mem, pin::Pin, sync::Arc, time::Duration};

use http::{Request, Response};
use tokio::{runtime::Handle, time};

use super::{
    Connection, Endpoint, Exchange, Repeat,
    connected::{Outcome, Terms},
    head,
    idle::{Idle, Taken},
};
use crate::{Error, RequestBody, error::Again, process::Permit};

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
    idle: Idle,
}

/// What became of a request. See [`Client::send`].
pub(crate) type Sent = Result<(Response<()>, Exchange), (Error, Option<Permit>)>;

impl Client {
    pub(crate) fn new(endpoint: Endpoint, limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            endpoint,
            limits,
            idle: Idle::default(),
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
    /// The request stays where it is, in the caller's future, since it is large. It is
    /// used up in any case: what may be sent again comes back with the error.
    ///
    /// Dropped while it connects: nothing has been sent. Dropped later: see
    /// [`Exchange`].
    pub(crate) fn send(
        &self,
        request: &mut Request<RequestBody>,
        permit: Option<Permit>,
    ) -> impl Future<Output = Sent> {
        self.send_within(self.limits.response, request, permit)
    }

    /// As [`send`](Self::send), with a limit of its own for the answer.
    pub(crate) async fn send_within(
        &self,
        limit: Option<Duration>,
        request: &mut Request<RequestBody>,
        mut permit: Option<Permit>,
    ) -> Sent {
        let terms = match head::for_application(request) {
            Ok(offer) => Terms::new(request, limit, offer),
            Err(error) => return Err((error, permit)),
        };
        let repeat = Repeat::of(request);
        loop {
            let kept = self.kept(repeat.is_allowed());
            let is_new = kept.is_none();
            let connection = match kept {
                Some(connection) => connection,
                None => match boxed(self.connect(repeat, permit.as_ref())).await {
                    Ok(connection) => connection,
                    Err(error) => {
                        let error = Error::connect(error).with(Again::Unsent(mem::take(request)));
                        return Err((error, permit));
                    }
                },
            };
            let mut exchange = Exchange::new(connection, self.idle.shelf(), permit);
            let error = match exchange.ask(request, &terms).await {
                Outcome::Answered(response) => return Ok((response, exchange)),
                Outcome::Unsent(_) if !is_new => {
                    permit = exchange.give_up();
                    continue;
                }
                Outcome::Unsent(error) => error.with(Again::Unsent(mem::take(request))),
                Outcome::Failed(error) => repeat.save(mem::take(request), error),
            };
            return Err((error, exchange.give_up()));
        }
    }

    /// A connection that is kept, if there is one. Verified, for a request that
    /// could not be sent again: one that is written to a connection that was closed
    /// just now is lost.
    fn kept(&self, is_repeatable: bool) -> Option<Box<Connection>> {
        loop {
            let connection = match self.checkout()? {
                Taken::AtHome(connection) if is_repeatable => return Some(connection),
                Taken::AtHome(connection) => connection.verified(),
                Taken::Foreign(connection) => connection.moved(),
            };
            if connection.is_some() {
                return connection;
            }
        }
    }

    /// A new connection; not to a process that is exiting, for a request that could not
    /// be sent again: it may seem to listen, and would lose it.
    async fn connect(
        &self,
        repeat: Repeat,
        permit: Option<&Permit>,
    ) -> io::Result<Box<Connection>> {
        if !repeat.is_allowed() && permit.is_some_and(Permit::is_of_no_use) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let stream = time::timeout(self.limits.connect, self.endpoint.connect())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(Box::new(Connection::new(stream)))
    }

    fn checkout(&self) -> Option<Taken> {
        let runtime = Handle::try_current().ok()?.id();
        self.idle.take(runtime)
    }

    /// Closes the unused connections, and those that come back later.
    pub(crate) fn close(&self) {
        self.idle.close();
    }
}

/// What happens once in a connection's life is not to make the future of each
/// request larger, which is moved by whoever stands in front.
fn boxed<'a, F: Future + Send + 'a>(
    future: F,
) -> Pin<Box<dyn Future<Output = F::Output> + Send + 'a>> {
    Box::pin(future)
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.endpoint)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
