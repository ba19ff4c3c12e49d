//! What all clones of one cache share.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

use http::{
    HeaderValue, Response,
    header::{self, CACHE_STATUS},
};
use peregrine_core::CacheStatus;

use crate::{
    clock::{Clock, Now, SystemClock},
    flight::{FlightTable, Unshareable},
    key::Key,
    name::CacheName,
    stats::{Counters, Stats},
    store::{Entry, Store},
};

/// How a cache is set up.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) capacity_bytes: u64,
    pub(crate) max_entry_bytes: u64,
    pub(crate) name: CacheName,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            capacity_bytes: 64 * 1024 * 1024,
            max_entry_bytes: 1024 * 1024,
            name: CacheName::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Cache {
    pub(crate) config: Config,
    pub(crate) counters: Counters,
    pub(crate) flights: Arc<FlightTable>,
    pub(crate) unshareable: Unshareable,
    store: Store,
    /// How often the store was cleared. A response is stored only if nobody has
    /// cleared it since the request for it began.
    generation: AtomicU64,
}

impl Cache {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            counters: Counters::default(),
            flights: Arc::default(),
            unshareable: Unshareable::new(config.clock.monotonic()),
            store: Store::new(config.capacity_bytes),
            generation: AtomicU64::new(0),
            config,
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now::on(&*self.config.clock)
    }

    /// The time that a look-up needs: reading one clock, not two.
    pub(crate) fn instant(&self) -> Instant {
        self.config.clock.monotonic()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.store.get(key)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(SeqCst)
    }

    /// Stores `entry`, unless the store was cleared since `generation`.
    pub(crate) fn insert(&self, key: &Key, entry: &Arc<Entry>, generation: u64) -> bool {
        if self.generation() != generation {
            return false;
        }
        self.store.insert(key.clone(), Arc::clone(entry));
        // Cleared between the question and the insertion: take it out again.
        // At worst this removes a newer entry, which costs one miss.
        if self.generation() != generation {
            self.store.remove(key);
            return false;
        }
        true
    }

    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, SeqCst);
        self.store.clear();
    }

    pub(crate) fn stats(&self) -> Stats {
        let (entries, bytes) = self.store.size();
        Stats {
            hits: self.counters.hits.get(),
            misses: self.counters.misses.get(),
            collapsed: self.counters.collapsed.get(),
            passes: self.counters.passes.get(),
            stored: self.counters.stored.get(),
            not_stored: self.counters.not_stored.get(),
            entries,
            bytes,
            capacity_bytes: self.config.capacity_bytes,
        }
    }

    /// `response`, with word of what the cache did: as a typed value, and in the
    /// `Cache-Status` field behind what caches further in have put there
    /// (RFC 9211 §2).
    pub(crate) fn say<B>(&self, mut response: Response<B>, status: CacheStatus) -> Response<B> {
        response.extensions_mut().insert(status);
        let mut line = String::with_capacity(64);
        write!(line, "{}; {status}", self.config.name).expect("a String takes everything");
        let line = HeaderValue::try_from(line).expect("names and statuses are plain ASCII");
        match response.headers_mut().entry(CACHE_STATUS) {
            header::Entry::Vacant(lines) => {
                lines.insert(line);
            }
            // The place that a stored head keeps for it.
            header::Entry::Occupied(mut lines) if lines.get().is_empty() => {
                lines.insert(line);
            }
            header::Entry::Occupied(mut lines) => lines.append(line),
        }
        response
    }
}
