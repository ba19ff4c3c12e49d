#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::load::Load;
use tower_service::Service;

use crate::{
    AppCommand, Builder, Error, RequestBody, ResponseFuture, error::BoxError, handle::Lifeline,
    process::Process, queue::Queue, select::Selector,
};

/// An application's processes as one service.
///
/// It is always ready: a request waits in the pool's own queue, which is fair
/// and bounded, so that a cache in front can answer without waiting for a
/// process. `S` is what the [process layer] makes of a [`Process`].
///
/// Clones share the processes. When the last of them, of the
/// [`PoolHandle`](crate::PoolHandle)s and of the running requests is gone, the
/// processes are stopped in the background. See the [crate's
/// documentation](crate).
///
/// [process layer]: Builder::process_layer
pub struct UpstreamPool<S = Process> {
    shared: Arc<Shared<S>>,
}

/// What a request needs of the pool. It keeps the processes alive.
pub(crate) struct Shared<S> {
    pub(crate) selector: Arc<Selector<S>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) _lifeline: Lifeline,
}

impl UpstreamPool {
    /// Starts to describe a pool of processes of `command`.
    pub fn builder(command: AppCommand) -> Builder {
        Builder::new(command)
    }
}

impl<S> UpstreamPool<S> {
    pub(crate) fn new(selector: Arc<Selector<S>>, queue: Arc<Queue>, lifeline: Lifeline) -> Self {
        Self {
            shared: Arc::new(Shared {
                selector,
                queue,
                _lifeline: lifeline,
            }),
        }
    }
}

impl<S, B, ResBody> Service<Request<B>> for UpstreamPool<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResBody>, Error = Error>
        + Load<Metric: Ord>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResBody>;
    type Error = Error;
    type Future = ResponseFuture<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ResponseFuture::new(Arc::clone(&self.shared), request.map(RequestBody::new))
    }
}

impl<S> Clone for UpstreamPool<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S> fmt::Debug for UpstreamPool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamPool")
            .field("queued", &self.shared.queue.len())
            .finish_non_exhaustive()
    }
}
