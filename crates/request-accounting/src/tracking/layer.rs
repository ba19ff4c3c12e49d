use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed},
};

use http::Request;
use peregrine_core::PerThread;
use tower_layer::Layer;

use super::{
    RequestTrackingService, TrackedRequest,
    entry::{Entry, Tracked},
};
use crate::{
    Distribution,
    counters::MAX_SHARDS,
    histogram::{Histogram, whole_nanos},
};

/// Lists the requests of the services that it is a layer of.
///
/// Also the handle to the list: clones, and all services that they are layers of,
/// share it. See the [module's documentation](super).
#[derive(Clone)]
pub struct RequestTracking {
    shards: Arc<PerThread<Arc<Shard>>>,
    receives_first: bool,
}

/// What one thread, or a few, have on the list. Which it is, is found where a request
/// comes, so that no two threads wait for each other, or write to the same memory.
struct Shard {
    list: Mutex<List>,
    queue: Histogram,
    application: Histogram,
}

#[derive(Default)]
struct List {
    /// In no order: each knows its place.
    running: Vec<Arc<Entry>>,
    next: u64,
}

/// Keeps a request on the list until it is dropped.
pub(super) struct Running {
    entry: Arc<Entry>,
    shard: Arc<Shard>,
}

impl RequestTracking {
    /// An empty list.
    pub fn new() -> Self {
        let shards = PerThread::at_most(MAX_SHARDS, || Arc::new(Shard::new()));
        Self {
            shards: Arc::new(shards),
            receives_first: false,
        }
    }

    /// Counts a request as queued only once it has been [received], where
    /// something between here and the process receives bodies first.
    ///
    /// [received]: super::ReceivedLayer
    pub fn receives_first(mut self) -> Self {
        self.receives_first = true;
        self
    }

    /// The requests that are being served, the oldest first. As many as there are:
    /// it is for whoever lets them in to bound that.
    pub fn requests(&self) -> Vec<TrackedRequest> {
        let lists = self.shards.iter().map(|shard| shard.list().running.clone());
        let mut running: Vec<_> = lists.flatten().collect();
        running.sort_unstable_by_key(|entry| entry.arrival());
        running.iter().map(|entry| entry.look()).collect()
    }

    /// How long requests waited until they were given to a process.
    pub fn queue_time(&self) -> Distribution {
        self.sum(|shard| &shard.queue)
    }

    /// How long processes took until the head of their response.
    pub fn application_time(&self) -> Distribution {
        self.sum(|shard| &shard.application)
    }

    fn sum(&self, of: impl Fn(&Shard) -> &Histogram) -> Distribution {
        let mut sum = Distribution::new();
        for shard in self.shards.iter() {
            of(shard).add_to(&mut sum);
        }
        sum
    }

    pub(super) fn enter<B>(&self, request: &mut Request<B>) -> Running {
        let shard = Arc::clone(self.shards.local());
        let entry = Arc::new(Entry::new(request, !self.receives_first));
        shard.list().add(Arc::clone(&entry));
        let tracked = Tracked(Arc::clone(&entry));
        request.extensions_mut().insert(tracked);
        Running { entry, shard }
    }
}

impl Shard {
    fn new() -> Self {
        Self {
            list: Mutex::default(),
            queue: Histogram::new(),
            application: Histogram::new(),
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        // It is whole between any two statements, whoever panicked.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn add(&mut self, entry: Arc<Entry>) {
        entry.id.store(self.next, Relaxed);
        entry.place.store(self.running.len(), Relaxed);
        self.next += 1;
        self.running.push(entry);
    }

    fn remove(&mut self, entry: &Entry) {
        let place = entry.place.load(Relaxed);
        self.running.swap_remove(place);
        if let Some(moved) = self.running.get(place) {
            moved.place.store(place, Relaxed);
        }
    }
}

impl Running {
    /// The head of the response is there.
    pub(super) fn responded(&self) {
        if let Some((queued, took)) = self.entry.responded() {
            self.shard.queue.record(whole_nanos(queued));
            self.shard.application.record(whole_nanos(took));
        }
    }

    pub(super) fn send(&self, bytes: u64) {
        self.entry.send(bytes);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shard.list().remove(&self.entry);
    }
}

impl<S> Layer<S> for RequestTracking {
    type Service = RequestTrackingService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestTrackingService::new(inner, self.clone())
    }
}

impl Default for RequestTracking {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RequestTracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = self.shards.iter().map(|shard| shard.list().running.len());
        let running: usize = lists.sum();
        f.debug_struct("RequestTracking")
            .field("running", &running)
            .finish_non_exhaustive()
    }
}
