use std::task::{Context, Poll};

use http::Request;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::Tracked;

/// Says of each tracked request that it has been received: to stand behind what
/// receives bodies before they go on. See the [module's documentation](super).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReceivedLayer;

/// Made by [`ReceivedLayer`].
#[derive(Clone, Debug)]
pub struct Received<S> {
    inner: S,
}

impl ReceivedLayer {
    /// A layer that has nothing to configure.
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for ReceivedLayer {
    type Service = Received<S>;

    fn layer(&self, inner: S) -> Received<S> {
        Received { inner }
    }
}

impl<S> Received<S> {
    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service, on its own.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B> Service<Request<B>> for Received<S>
where
    S: Service<Request<B>>,
    B: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        if let Some(tracked) = request.extensions().get::<Tracked>() {
            // What has no body was there when it came, and the clock need not be asked.
            if request.body().is_end_stream() {
                tracked.came_whole();
            } else {
                tracked.received();
            }
        }
        self.inner.call(request)
    }
}
