//! Request accounting for each application process.
//!
//! The pool puts a layer around every process that it starts. This one counts
//! the process's requests, which makes its busyness, and keeps the numbers
//! where a status page finds them by process id, for as long as the pool keeps
//! the process. A request that is [tracked](Tracked) is told where it went.
//!
//! ```
//! use peregrine::{ProcessAccounting, upstream_pool::{AppCommand, UpstreamPool}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let accounting = ProcessAccounting::default();
//! let (_pool, handle) = UpstreamPool::builder(AppCommand::new("cat").arg("{socket}"))
//!     .process_layer(accounting.clone())
//!     .spawn()?;
//! # handle.stop().await;
//!
//! // Nothing is known of a process that never became ready.
//! assert!(accounting.snapshot(1).is_none());
//! # Ok(())
//! # }
//! ```

use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use peregrine_request_accounting::{
    RequestAccounting, RequestAccountingService, Snapshot, tracking::Tracked,
};
use peregrine_upstream_pool::{Process, ProcessHandle};
use tower::load::Load;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    OfProcess,
    known::{Entry, Known},
};

/// Layer for [`process_layer`](peregrine_upstream_pool::Builder::process_layer);
/// clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct ProcessAccounting {
    known: Known<RequestAccounting>,
}

impl ProcessAccounting {
    /// The numbers of the process with this id, if the pool has it.
    pub fn snapshot(&self, pid: u32) -> Option<Snapshot> {
        self.known.get(pid, RequestAccounting::snapshot)
    }
}

impl<S: OfProcess> Layer<S> for ProcessAccounting {
    type Service = AccountedProcess<S>;

    fn layer(&self, inner: S) -> AccountedProcess<S> {
        let accounting = RequestAccounting::new();
        let pid = inner.process().pid();
        AccountedProcess {
            pid,
            _entry: self.known.enter(pid, accounting.clone()),
            inner: accounting.layer(inner),
        }
    }
}

/// An application process whose requests are counted.
///
/// Not `Clone`: it is known for as long as it exists.
#[derive(Debug)]
pub struct AccountedProcess<S = Process> {
    pid: u32,
    inner: RequestAccountingService<S>,
    _entry: Entry<RequestAccounting>,
}

impl<S: OfProcess> OfProcess for AccountedProcess<S> {
    fn process(&self) -> ProcessHandle {
        self.inner.get_ref().process()
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for AccountedProcess<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    ResB: Body,
{
    type Response = <RequestAccountingService<S> as Service<Request<ReqB>>>::Response;
    type Error = S::Error;
    type Future = <RequestAccountingService<S> as Service<Request<ReqB>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        if let Some(tracked) = request.extensions().get::<Tracked>() {
            tracked.dispatched(self.pid);
        }
        self.inner.call(request)
    }
}

impl<S> Load for AccountedProcess<S> {
    type Metric = usize;

    fn load(&self) -> usize {
        self.inner.load()
    }
}
