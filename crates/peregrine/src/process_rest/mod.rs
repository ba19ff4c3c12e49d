//! Out-of-band work for application processes.
//!
//! A process that answers with the header `!~Request-OOB-Work` is given time to
//! do something between requests, such as to collect its garbage: it takes no
//! new requests, finishes those that it has, receives one request for the
//! work, and takes requests again when it has answered that. One process of a
//! pool does so at a time, and the last one that takes requests does not while
//! requests queue.
//!
//! ```
//! use peregrine::{ProcessAccounting, ProcessRest, upstream_pool::{AppCommand, UpstreamPool}};
//! use tower_layer::Layer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let rest = ProcessRest::new();
//! let command = AppCommand::new("cat").arg("{socket}").envs(rest.environment());
//! let (pool, handle) = UpstreamPool::builder(command)
//!     .process_layer(ProcessAccounting::default())
//!     .process_layer(rest.clone())
//!     .spawn()?;
//! // What clients reach has no path to the work.
//! let service = rest.hide().layer(pool);
//! # drop(service);
//! # handle.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # The request for the work
//!
//! 1. It is `POST /.peregrine/oob-work` by default, since many servers refuse
//!    methods that they do not know. An application that was made for
//!    Passenger may expect another one: see [`WorkRequest`].
//! 2. Its header `!~OOB-Work-Token` bears a secret that only the pool and its
//!    processes know.
//! 3. A process learns method, path and token from its environment, in
//!    `PEREGRINE_OOB_WORK_METHOD`, `PEREGRINE_OOB_WORK_PATH` and
//!    `PEREGRINE_OOB_WORK_TOKEN`. If they are not there, nobody will ask for
//!    work, and there is no use in asking for a rest.
//! 4. It is sent as soon as nothing runs in the process, not even work for a
//!    client that has left. After 60 s it is given up. Any answer ends it; one
//!    that is not 2xx is in the log.
//!
//! From outside nobody can send it: [`ProcessRest::hide`] answers 404 in the
//! application's place.

mod hide;
mod work_request;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use peregrine_out_of_band::{OutOfBand, OutOfBandLayer, RestGroup, RestHandle, RestState, Rests};
use peregrine_upstream_pool::{Error, Process, ProcessHandle, RequestBody};
use tower::load::Load;
use tower_layer::Layer;
use tower_service::Service;

pub use self::{
    hide::{Hidden, HideLayer, ResponseFuture},
    work_request::{InvalidWorkRequest, WorkRequest},
};
use crate::{
    OfProcess,
    known::{Entry, Known},
};

/// Layer for [`process_layer`](peregrine_upstream_pool::Builder::process_layer)
/// that gives processes time for out-of-band work. One for each pool; clones
/// are the same.
///
/// See the [module's documentation](self) for an example.
#[derive(Clone, Debug)]
#[must_use]
pub struct ProcessRest {
    request: Arc<WorkRequest>,
    group: RestGroup,
    known: Known<RestHandle>,
    latest: Latest,
}

/// The latest process, which knows how many requests queue.
type Latest = Arc<Mutex<Option<ProcessHandle>>>;

impl ProcessRest {
    /// With the default request for the work, and one process at a time.
    pub fn new() -> Self {
        Self::with(WorkRequest::default(), NonZeroUsize::MIN)
    }

    /// With a request for the work of its own, and so many processes at a time
    /// at most, as Passenger's `max_out_of_band_work_instances`.
    pub fn with(request: WorkRequest, instances: NonZeroUsize) -> Self {
        let latest = Latest::default();
        let group = RestGroup::new().max_resting(instances.get()).demand({
            let latest = Arc::clone(&latest);
            move || {
                let latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
                latest.as_ref().is_some_and(|process| process.queued() > 0)
            }
        });
        Self {
            request: Arc::new(request),
            group,
            known: Known::default(),
            latest,
        }
    }

    /// What a process needs in its environment: names and values. The token is
    /// a secret.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        self.request.environment()
    }

    /// Layer for what stands in front of the pool: clients cannot send the
    /// request for the work.
    pub fn hide(&self) -> HideLayer {
        HideLayer::new(Arc::clone(&self.request))
    }

    /// What the process with this id is doing, and its rests so far, if the
    /// pool has it.
    pub fn snapshot(&self, pid: u32) -> Option<(RestState, Rests)> {
        self.known.get(pid, |rest| (rest.state(), rest.rests()))
    }
}

impl Default for ProcessRest {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: OfProcess> Layer<S> for ProcessRest {
    type Service = RestingProcess<S>;

    fn layer(&self, inner: S) -> RestingProcess<S> {
        let process = inner.process();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(process.clone());
        drop(latest);
        let pid = process.pid();
        let request = Arc::clone(&self.request);
        let layer = OutOfBandLayer::new(move || work(process.clone(), Arc::clone(&request)));
        let inner = layer.group(self.group.clone()).layer(inner);
        RestingProcess {
            _entry: self.known.enter(pid, inner.handle()),
            inner,
        }
    }
}

/// Has the process do its work, and tells the log if it did not.
///
/// Dropped while the process works, its connection is closed. It gets no other
/// request before it has answered if it takes one at a time.
async fn work(process: ProcessHandle, request: Arc<WorkRequest>) {
    let pid = process.pid();
    let answer = process.send_alone(request.to_request()).await;
    let status = match answer {
        Ok(response) => {
            let status = response.status();
            // To its end, which may be the work's.
            response.into_body().collect().await.map(|_| status)
        }
        Err(error) => Err(error),
    };
    match status {
        Ok(status) if status.is_success() => tracing::debug!(pid, "out-of-band work is done"),
        Ok(status) => tracing::warn!(
            pid,
            %status,
            "the process asked for out-of-band work, and does not know the request for it"
        ),
        Err(error) => tracing::warn!(pid, %error, "no out-of-band work"),
    }
}

/// An application process that rests when it asks to.
///
/// Not `Clone`: it is known for as long as it exists.
#[derive(Debug)]
pub struct RestingProcess<S = Process> {
    inner: OutOfBand<S>,
    _entry: Entry<RestHandle>,
}

impl<S: OfProcess> OfProcess for RestingProcess<S> {
    fn process(&self) -> ProcessHandle {
        self.inner.get_ref().process()
    }
}

impl<S, ResB> Service<Request<RequestBody>> for RestingProcess<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResB>, Error = Error>,
    ResB: Body,
{
    type Response = <OutOfBand<S> as Service<Request<RequestBody>>>::Response;
    type Error = Error;
    type Future = <OutOfBand<S> as Service<Request<RequestBody>>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        self.inner.call(request)
    }
}

impl<S: Load> Load for RestingProcess<S> {
    type Metric = S::Metric;

    fn load(&self) -> S::Metric {
        self.inner.load()
    }
}
