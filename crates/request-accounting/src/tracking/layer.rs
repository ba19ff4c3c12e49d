use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use http::Request;
use tower_layer::Layer;

use super::{
    RequestTrackingService, TrackedRequest,
    entry::{Entry, Tracked},
};
use crate::{
    Distribution,
    histogram::{Histogram, whole_nanos},
};

/// A lock for each so many requests, so that threads seldom wait for each other.
const SHARDS: usize = 8;

/// Lists the requests of the services that it is a layer of.
///
/// Also the handle to the list: clones, and all services that they are layers of,
/// share it. See the [module's documentation](super).
#[derive(Clone)]
pub struct RequestTracking {
    shared: Arc<Shared>,
    receives_first: bool,
}

struct Shared {
    next: AtomicU64,
    /// By id: the oldest first.
    running: [Mutex<BTreeMap<u64, Arc<Entry>>>; SHARDS],
    queue: Histogram,
    application: Histogram,
}

/// Keeps a request on the list until it is dropped.
pub(super) struct Running {
    entry: Arc<Entry>,
    shared: Arc<Shared>,
}

impl RequestTracking {
    /// An empty list.
    pub fn new() -> Self {
        let shared = Shared {
            next: AtomicU64::new(0),
            running: Default::default(),
            queue: Histogram::new(),
            application: Histogram::new(),
        };
        Self {
            shared: Arc::new(shared),
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
        let shards = self.shared.running.iter();
        let mut running: Vec<_> = shards
            .flat_map(|shard| lock(shard).values().cloned().collect::<Vec<_>>())
            .collect();
        running.sort_unstable_by_key(|entry| entry.id);
        running.iter().map(|entry| entry.look()).collect()
    }

    /// How long requests waited until they were given to a process.
    pub fn queue_time(&self) -> Distribution {
        Distribution::of(&self.shared.queue)
    }

    /// How long processes took until the head of their response.
    pub fn application_time(&self) -> Distribution {
        Distribution::of(&self.shared.application)
    }

    pub(super) fn enter<B>(&self, request: &mut Request<B>) -> Running {
        let id = self.shared.next.fetch_add(1, Relaxed);
        let entry = Arc::new(Entry::new(id, request, !self.receives_first));
        let tracked = Tracked(Arc::clone(&entry));
        request.extensions_mut().insert(tracked);
        self.shared.shard(id).insert(id, Arc::clone(&entry));
        Running {
            entry,
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Shared {
    fn shard(&self, id: u64) -> MutexGuard<'_, BTreeMap<u64, Arc<Entry>>> {
        let shards = self.running.len() as u64;
        #[expect(clippy::cast_possible_truncation, reason = "the index of a shard")]
        let shard = (id % shards) as usize;
        lock(&self.running[shard])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The map is whole between any two statements, whoever panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// The head of the response is there.
    pub(super) fn responded(&self) {
        if let Some((queued, took)) = self.entry.responded() {
            self.shared.queue.record(whole_nanos(queued));
            self.shared.application.record(whole_nanos(took));
        }
    }

    pub(super) fn send(&self, bytes: u64) {
        self.entry.send(bytes);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.shard(self.entry.id).remove(&self.entry.id);
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
        let running: usize = self.shared.running.iter().map(|it| lock(it).len()).sum();
        f.debug_struct("RequestTracking")
            .field("running", &running)
            .finish_non_exhaustive()
    }
}
