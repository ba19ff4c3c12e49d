use std::{sync::Arc, time::Duration};

use http::Request;
use http_body::SizeHint;
use peregrine_core::Upgraded;
use tokio::{runtime::Handle, time};

use super::{
    Connection,
    connected::{Outcome, Terms},
    idle::Shelf,
    upgraded::upgraded,
};
use crate::{RequestBody, process::Permit};

/// How long an abandoned request may keep its place where there is no response
/// timeout.
const LONGEST_WORK: Duration = Duration::from_secs(60);

/// What a request holds while it runs: its connection, and its place in the
/// process.
///
/// # Dropped
///
/// - Before there is a response: the client has left, but the process is still
///   at work, and most application servers will not notice before they answer.
///   The connection is half closed, which is all that can be said in HTTP/1.1,
///   and the place stays taken until the process answers or closes too, for
///   the response timeout at most. Given to the next request at once, the
///   place would make it wait behind work that nobody wants, beside processes
///   that have nothing to do.
/// - While the response comes: the connection is closed, which the process
///   notices when it sends more, and the place is free.
///
/// The order of the fields is the order in which they are dropped: when the
/// next request finds the place free, this one's connection is closed.
pub(crate) struct Exchange {
    connection: Box<Connection>,
    /// Where the connection is kept afterwards.
    shelf: Arc<Shelf>,
    /// An upstream that we did not start has no places.
    permit: Option<Permit>,
}

impl Exchange {
    pub(super) const fn new(
        connection: Box<Connection>,
        shelf: Arc<Shelf>,
        permit: Option<Permit>,
    ) -> Self {
        Self {
            connection,
            shelf,
            permit,
        }
    }

    pub(super) async fn ask(
        &mut self,
        request: &mut Request<RequestBody>,
        terms: &Terms,
    ) -> Outcome {
        let mut asked = Asked {
            exchange: self,
            limit: terms.limit(),
            answered: false,
        };
        let connection = &mut asked.exchange.connection;
        let outcome = connection.exchange(request, terms).await;
        asked.answered = true;
        outcome
    }

    pub(super) const fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Of what is still to come of the body of the response.
    pub(super) fn size_hint(&self) -> SizeHint {
        self.connection.size_hint()
    }

    /// The process has begun to answer.
    pub(crate) fn served(&self) {
        if let Some(permit) = &self.permit {
            permit.served();
        }
    }

    /// The connection is no longer of use, and closed.
    pub(super) fn give_up(self) -> Option<Permit> {
        self.permit
    }

    /// The process has switched to something that is not HTTP.
    pub(super) fn into_upgraded(mut self) -> Option<Upgraded> {
        let (stream, read_ahead) = self.connection.take_upgraded()?;
        Some(upgraded(stream, read_ahead, self.permit.take()))
    }

    /// Whether an answer that has come to its end is not known to be whole.
    ///
    /// RFC 9112 §6.3: "Since there is no way to distinguish a successfully completed,
    /// close-delimited response message from a partially received message interrupted by
    /// network failure". But there is one to know that a process is exiting: that ends
    /// its connections, too, in the midst of whatever it has to say.
    pub(super) fn is_cut_off(&self) -> bool {
        let permit = self.permit.as_ref();
        self.connection.is_closed() && permit.is_some_and(Permit::is_of_no_use)
    }

    /// The process has broken off its answer. If it is exiting, that is known before
    /// its place is found free.
    pub(super) fn broke_off(self) {
        if let Some(permit) = &self.permit {
            permit.is_of_no_use();
        }
    }

    /// The process has sent everything.
    pub(super) fn finish(mut self) {
        if self.connection.is_ready() {
            self.connection.rest();
            self.shelf.keep(self.connection);
        }
    }
}

/// A request that was sent. Dropped before it is answered, its client has
/// left.
struct Asked<'a> {
    exchange: &'a mut Exchange,
    limit: Option<Duration>,
    answered: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        // Without a runtime the pool has ended, and its processes with it.
        if let Some(permit) = self.exchange.permit.take()
            && let Some(mut stream) = self.exchange.connection.take_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            let limit = self.limit.unwrap_or(LONGEST_WORK);
            runtime.spawn(async move {
                if time::timeout(limit, stream.outlast()).await.is_err() {
                    permit.overdue();
                }
                drop(stream);
                drop(permit);
            });
        }
    }
}
