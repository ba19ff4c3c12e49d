//! One process of the application: started, watched, spoken to.

mod exit;
mod permit;
mod ready;
mod spawn;
mod stdio;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use peregrine_core::hop_by_hop;
use tower::load::Load;
use tower_service::Service;

pub(crate) use self::{
    exit::Group,
    permit::{Busyness, Permit},
    spawn::{Launch, SocketDir, run},
};
use crate::{
    Error, RequestBody,
    connection::{Client, Exchange, ResponseBody},
    supervisor::{Note, Notes},
};

/// One process of the application, as a service.
///
/// It is ready while it runs fewer requests than it may at the same time. A
/// request runs until the process has sent the last byte of its response, or
/// until nobody waits for it any more.
///
/// Not `Clone`, on purpose: who has the process polls it and calls it, so that
/// [`poll_ready`](Service::poll_ready) need not reserve anything.
///
/// See [`Builder::process_layer`](crate::Builder::process_layer) for what to
/// put around it.
pub struct Process {
    client: Arc<Client>,
    busyness: Arc<Busyness>,
    notes: Notes,
}

impl Process {
    pub(crate) const fn new(client: Arc<Client>, busyness: Arc<Busyness>, notes: Notes) -> Self {
        Self {
            client,
            busyness,
            notes,
        }
    }

    /// The process's id in the operating system. It leads a process group of
    /// the same id.
    pub fn pid(&self) -> u32 {
        self.busyness.pid()
    }
}

impl Service<Request<RequestBody>> for Process {
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.busyness.poll_free(cx).map(Ok)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let permit = Busyness::acquire(&self.busyness);
        let client = Arc::clone(&self.client);
        let notes = self.notes.clone();
        // Dropped at any point: the connection closes first, then the permit
        // frees the place.
        Box::pin(async move {
            match client.send(request).await {
                Ok((response, connection)) => {
                    permit.served();
                    let exchange = Exchange {
                        connection,
                        client,
                        permit: Some(permit),
                    };
                    let mut response =
                        response.map(|incoming| ResponseBody::new(incoming, exchange));
                    hop_by_hop::remove(response.headers_mut());
                    Ok(response)
                }
                Err(error) => {
                    if let Some(why) = diagnose(&error, permit.is_exclusive()) {
                        // Before the permit frees the place: the next request
                        // is not to be the next victim.
                        permit.fail();
                        notes.send(Note::Unhealthy(permit.process(), why));
                    }
                    Err(error)
                }
            }
        })
    }
}

/// Whether the process is to be replaced after this error, and why.
///
/// A process that takes one request at a time and does not answer is stuck.
/// With more than one, the others may be well; only the late request is given
/// up.
fn diagnose(error: &Error, exclusive: bool) -> Option<&'static str> {
    if error.is_refused() {
        Some("refuses connections")
    } else if error.is_timeout() && exclusive {
        Some("does not answer")
    } else {
        None
    }
}

/// The number of requests that run in the process.
impl Load for Process {
    type Metric = usize;

    fn load(&self) -> usize {
        self.busyness.running()
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("pid", &self.pid())
            .field("running", &self.busyness.running())
            .finish_non_exhaustive()
    }
}
