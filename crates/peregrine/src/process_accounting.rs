//! Request accounting for each application process.
//!
//! The pool puts a layer around every process that it starts. This one counts
//! the process's requests, which makes its busyness, and keeps the numbers
//! where a status page finds them by process id, for as long as the pool keeps
//! the process.
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

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use peregrine_request_accounting::{RequestAccounting, RequestAccountingService, Snapshot};
use peregrine_upstream_pool::Process;
use tower::load::Load;
use tower_layer::Layer;
use tower_service::Service;

type Known = Arc<Mutex<HashMap<u32, RequestAccounting>>>;

/// Layer for [`process_layer`](peregrine_upstream_pool::Builder::process_layer);
/// clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct ProcessAccounting {
    known: Known,
}

impl ProcessAccounting {
    /// The numbers of the process with this id, if the pool has it.
    pub fn snapshot(&self, pid: u32) -> Option<Snapshot> {
        // The map is whole between any two statements, whoever panicked.
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&pid).map(RequestAccounting::snapshot)
    }
}

impl Layer<Process> for ProcessAccounting {
    type Service = AccountedProcess;

    fn layer(&self, process: Process) -> AccountedProcess {
        let accounting = RequestAccounting::new();
        let entry = Entry {
            pid: process.pid(),
            known: Arc::clone(&self.known),
        };
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(entry.pid, accounting.clone());
        AccountedProcess {
            inner: accounting.layer(process),
            _entry: entry,
        }
    }
}

/// An application process whose requests are counted.
///
/// Not `Clone`: it is known for as long as it exists.
#[derive(Debug)]
pub struct AccountedProcess {
    inner: RequestAccountingService<Process>,
    _entry: Entry,
}

impl<ReqB, ResB> Service<Request<ReqB>> for AccountedProcess
where
    Process: Service<Request<ReqB>, Response = Response<ResB>>,
    ResB: Body,
{
    type Response = <RequestAccountingService<Process> as Service<Request<ReqB>>>::Response;
    type Error = <Process as Service<Request<ReqB>>>::Error;
    type Future = <RequestAccountingService<Process> as Service<Request<ReqB>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<ReqB>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        self.inner.call(request)
    }
}

impl Load for AccountedProcess {
    type Metric = usize;

    fn load(&self) -> usize {
        self.inner.load()
    }
}

/// Forgets the process on drop.
#[derive(Debug)]
struct Entry {
    pid: u32,
    known: Known,
}

impl Drop for Entry {
    fn drop(&mut self) {
        // The operating system may have given the id to a successor, but not
        // before the pool has dropped this one: it does when the process has
        // exited, and before it starts another one.
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.pid);
    }
}
