use std::{fmt, sync::Arc};

use http::Request;
use tower_layer::Layer;

use crate::{
    Distribution, Observed, Observer, RequestAccountingService, Snapshot, counters::Counters,
};

/// Counts the requests of the services that it is a layer of.
///
/// Also the handle to the numbers: clones, and all services that they are
/// layers of, share them. For separate numbers, make a
/// [`new`](RequestAccounting::new) one.
///
/// See the [crate's documentation](crate) for an example.
#[derive(Clone)]
pub struct RequestAccounting {
    counters: Arc<Counters>,
    observer: Option<Arc<dyn Observer>>,
}

impl RequestAccounting {
    /// Begins to count, from zero.
    pub fn new() -> Self {
        Self {
            counters: Arc::new(Counters::new()),
            observer: None,
        }
    }

    /// Tells `observer` of each request, too. Default: nobody. No effect on
    /// services that were made before.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The numbers as they are now. Takes some microseconds: meant for a status
    /// page, not for each request.
    pub fn snapshot(&self) -> Snapshot {
        self.counters.snapshot()
    }

    /// How long the finished took, in full: see
    /// [`Snapshot::latency`](crate::Snapshot::latency).
    pub fn latency(&self) -> Distribution {
        self.counters.latency()
    }

    /// Requests that have come and whose exchange is not over, and nothing
    /// else: cheap enough to ask for each request.
    pub fn in_flight(&self) -> usize {
        self.counters.in_flight()
    }

    pub(crate) fn observe<B>(&self, request: &Request<B>) -> Option<Box<dyn Observed>> {
        let observer = self.observer.as_ref()?;
        Some(observer.begin(request.into()))
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl Default for RequestAccounting {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for RequestAccounting {
    type Service = RequestAccountingService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestAccountingService::new(inner, self.clone())
    }
}

impl fmt::Debug for RequestAccounting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestAccounting")
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
