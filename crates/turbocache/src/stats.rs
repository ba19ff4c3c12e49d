use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use peregrine_core::PerThread;

use crate::store::Size;

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
    /// Hits that were stale: given while the page was validated, or because the
    /// client asked for it. Each of them is one of `hits`, too.
    pub stale_hits: u64,
    /// Stale pages given because the inner service failed.
    pub stale_if_error: u64,
    /// Stored responses that turned out to be still good when they were validated
    /// (RFC 9111 §4.3): a 304.
    pub validated: u64,
    /// Requests to the inner service while a stale page was given, which are not
    /// among `misses`.
    pub background: u64,
    /// Stored responses purged or invalidated.
    pub purged: u64,
    /// Entries that had to go because there was no room.
    pub evicted: u64,
    /// Entries in memory now, fresh and stale: pages, each with all its variants.
    pub entries: u64,
    /// What they weigh in bytes: keys, heads, bodies, and what it takes to keep
    /// them.
    pub bytes: u64,
    /// How many bytes they may weigh.
    pub capacity_bytes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: BusyCounter,
    pub(crate) misses: BusyCounter,
    pub(crate) collapsed: Counter,
    pub(crate) passes: BusyCounter,
    pub(crate) stored: Counter,
    pub(crate) not_stored: BusyCounter,
    pub(crate) stale_hits: Counter,
    pub(crate) stale_if_error: Counter,
    pub(crate) validated: Counter,
    pub(crate) background: Counter,
    pub(crate) purged: Counter,
}

impl Counters {
    pub(crate) fn snapshot(&self, size: Size, capacity_bytes: u64) -> Stats {
        Stats {
            hits: self.hits.get(),
            misses: self.misses.get(),
            collapsed: self.collapsed.get(),
            passes: self.passes.get(),
            stored: self.stored.get(),
            not_stored: self.not_stored.get(),
            stale_hits: self.stale_hits.get(),
            stale_if_error: self.stale_if_error.get(),
            validated: self.validated.get(),
            background: self.background.get(),
            purged: self.purged.get(),
            evicted: size.evicted,
            entries: size.entries,
            bytes: size.bytes,
            capacity_bytes,
        }
    }
}

/// A number that only grows. Nothing else is ordered by it.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The same for what is counted with every other request, by all threads.
#[derive(Debug, Default)]
pub(crate) struct BusyCounter {
    /// Each written to by one thread.
    own: PerThread<Counter>,
    /// For all threads that have none of their own.
    shared: PerThread<Counter>,
}

impl BusyCounter {
    #[inline]
    pub(crate) fn add_one(&self) {
        match self.own.own() {
            Some(Counter(number)) => number.store(number.load(Relaxed) + 1, Relaxed),
            None => self.shared.local().add_one(),
        }
    }

    /// What threads have added meanwhile may be in it, or not.
    pub(crate) fn get(&self) -> u64 {
        let counters = self.own.iter().chain(self.shared.iter());
        counters.map(Counter::get).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn whatever_threads_count_is_counted() {
        let counter = BusyCounter::default();
        // More of them than may have one of their own.
        thread::scope(|threads| {
            for _ in 0..40 {
                threads.spawn(|| (0..1000).for_each(|_| counter.add_one()));
            }
        });
        assert_eq!(counter.get(), 40_000);
    }
}
