use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a cache has done since it was made, and what it holds now.
///
/// Every request is counted once, as one of `hits`, `misses`, `collapsed` and
/// `passes`; one whose client left while it waited for another's response, as
/// none of them.
///
/// ```
/// use turbocache::TurboCache;
///
/// let stats = TurboCache::conservative().handle().stats();
/// assert_eq!((stats.hits, stats.entries), (0, 0));
/// assert_eq!(stats.capacity_bytes, 64 * 1024 * 1024);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests answered from memory.
    pub hits: u64,
    /// Requests sent to the inner service because nothing fresh was stored.
    pub misses: u64,
    /// Requests answered by the response to another one that was on its way.
    pub collapsed: u64,
    /// Requests that passed the cache by.
    pub passes: u64,
    /// Responses stored.
    pub stored: u64,
    /// Responses to misses that were not stored.
    pub not_stored: u64,
    /// Entries in memory now, fresh and stale.
    pub entries: u64,
    /// What they weigh in bytes: keys, heads, bodies, and what it takes to keep
    /// them.
    pub bytes: u64,
    /// How many bytes they may weigh.
    pub capacity_bytes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
    pub(crate) collapsed: Counter,
    pub(crate) passes: Counter,
    pub(crate) stored: Counter,
    pub(crate) not_stored: Counter,
}

/// A number that only grows. Nothing else is ordered by it.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
