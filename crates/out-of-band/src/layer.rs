use std::{fmt, future::Future, sync::Arc, time::Duration};

use tower_layer::Layer;

use crate::{
    OutOfBand, RestGroup,
    member::{Member, Plan},
};

/// Has services do work between requests.
///
/// Each service that it is put around rests by itself, in the same
/// [group](Self::group); clones of one service rest together. See the
/// [crate's documentation](crate) for an example.
#[derive(Clone)]
#[must_use]
pub struct OutOfBandLayer {
    plan: Plan,
    group: RestGroup,
}

impl OutOfBandLayer {
    /// `work` is called for each rest, and what it gives is run to its end. It
    /// runs in a task of its own: what computes for long belongs into
    /// `spawn_blocking`.
    pub fn new<F, Fut>(work: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self {
            plan: Plan {
                work: Arc::new(move || Box::pin(work())),
                drain_timeout: Duration::from_secs(10),
                work_timeout: Duration::from_secs(60),
            },
            group: RestGroup::new(),
        }
    }

    /// Whose rests take turns with those of this layer's services. Default: a
    /// group of its own.
    pub fn group(mut self, group: RestGroup) -> Self {
        self.group = group;
        self
    }

    /// How long the requests that run may take to finish when it is the
    /// service's turn. Default: 10 s. Then it takes requests again without
    /// having rested, and does not try again for a minute.
    pub const fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.plan.drain_timeout = timeout;
        self
    }

    /// How long the work may take. Default: 60 s, as Passenger's. Then it is
    /// dropped, and the service takes requests again.
    pub const fn work_timeout(mut self, timeout: Duration) -> Self {
        self.plan.work_timeout = timeout;
        self
    }
}

impl<S> Layer<S> for OutOfBandLayer {
    type Service = OutOfBand<S>;

    fn layer(&self, inner: S) -> OutOfBand<S> {
        OutOfBand::new(inner, Member::join(&self.group, self.plan.clone()))
    }
}

impl fmt::Debug for OutOfBandLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutOfBandLayer")
            .field("plan", &self.plan)
            .field("group", &self.group)
            .finish()
    }
}
