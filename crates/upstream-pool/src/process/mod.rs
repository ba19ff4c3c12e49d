//! One process of the application: started, watched, spoken to.

mod children;
mod exit;
mod guard;
mod handle;
mod mark;
pub(crate) mod memory;
mod orphans;
mod permit;
mod place;
mod port;
mod priority;
mod pulse;
mod ready;
mod socket_dir;
mod spawn;
mod stat;
mod stdio;
mod unlimited;
mod warm_up;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::load::Load;
use tower_service::Service;

#[cfg(test)]
pub(crate) use self::pulse::Look;
pub(crate) use self::{
    exit::{Group, Leave},
    guard::{Guard, Guardian},
    mark::Mark,
    permit::{Busyness, EXIT_TIME, Permit, UpgradedPermit},
    port::{NotOurs, OwnPort},
    pulse::Pulse,
    ready::answers,
    socket_dir::SocketDir,
    spawn::{Launch, run},
    unlimited::UnlimitedPaths,
};
pub use self::{handle::ProcessHandle, orphans::adopt_orphans};
use crate::{
    Error, RequestBody,
    connection::{Client, ResponseBody, answer},
    queue::Queue,
};

/// One process of the application, as a service.
///
/// It is ready while it runs fewer requests than it may at the same time. A
/// request runs until the process has sent the last byte of its response. One
/// whose client has left runs until the process has answered, too: see the
/// [rules](crate#rules).
///
/// Not `Clone`, on purpose: who has the process polls it and calls it, so that
/// [`poll_ready`](Service::poll_ready) need not reserve anything.
///
/// See [`Builder::process_layer`](crate::Builder::process_layer) for what to
/// put around it.
pub struct Process {
    client: Arc<Client>,
    busyness: Arc<Busyness>,
    unlimited: UnlimitedPaths,
    queue: Arc<Queue>,
}

impl Process {
    pub(crate) const fn new(
        client: Arc<Client>,
        busyness: Arc<Busyness>,
        unlimited: UnlimitedPaths,
        queue: Arc<Queue>,
    ) -> Self {
        Self {
            client,
            busyness,
            unlimited,
            queue,
        }
    }

    /// The process's id in the operating system. It leads a process group of
    /// the same id.
    pub fn pid(&self) -> u32 {
        self.busyness.pid()
    }

    #[cfg(test)]
    pub(crate) fn busyness(&self) -> Arc<Busyness> {
        Arc::clone(&self.busyness)
    }

    /// A way to the process beside the requests of the pool, for the layer
    /// around it.
    pub fn handle(&self) -> ProcessHandle {
        ProcessHandle::new(
            Arc::clone(&self.client),
            Arc::clone(&self.busyness),
            Arc::clone(&self.queue),
        )
    }
}

impl Service<Request<RequestBody>> for Process {
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.busyness.poll_free(cx).map(Ok)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let permit = if self.unlimited.has(request.uri().path()) {
            Busyness::acquire_beside(&self.busyness)
        } else {
            Busyness::acquire(&self.busyness)
        };
        let client = Arc::clone(&self.client);
        // Dropped at any point, the permit goes with the exchange.
        Box::pin(async move {
            match client.send(&mut request, Some(permit)).await {
                Ok((response, exchange)) => {
                    exchange.served();
                    Ok(answer(response, exchange))
                }
                Err((error, permit)) => {
                    if let Some(permit) = permit {
                        // What is rare is not to make the future of each request larger.
                        Box::pin(diagnose(&error, &permit)).await;
                    }
                    Err(error)
                }
            }
        })
    }
}

/// Says what an error says about the process, before the request's place is free.
/// May take as long as something of the process is exiting.
pub(crate) async fn diagnose(error: &Error, permit: &Permit) {
    if error.is_not_ours() {
        permit.condemn("does not listen on its port, but another program does");
    } else if error.is_connect_timeout() {
        permit.condemn("takes no connections");
    } else if error.is_timeout() {
        permit.overdue();
    } else if (error.is_refused() || error.is_closed_early())
        && permit.outlives_exits().await
        && error.is_refused()
    {
        permit.condemn("refuses connections");
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
