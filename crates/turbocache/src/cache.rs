//! What all clones of one cache share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use http::{
    Response,
    header::{self, CACHE_STATUS},
};
use peregrine_core::{CacheStatus, ForwardReason};

use crate::{
    clock::{Clock, Now, SystemClock},
    flight::{FlightTable, Unshareable},
    key::{Key, query::QueryRules},
    name::CacheName,
    policy::Policy,
    stats::{Counters, Stats},
    store::{Entry, Store},
};

/// How a cache is set up.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) capacity_bytes: u64,
    pub(crate) max_entry_bytes: u64,
    pub(crate) policy: Policy,
    pub(crate) name: CacheName,
    pub(crate) query: QueryRules,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            capacity_bytes: 64 * 1024 * 1024,
            max_entry_bytes: 1024 * 1024,
            policy: Policy::conservative(),
            name: CacheName::default(),
            query: QueryRules::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// A stored response that may be reused as it is.
pub(crate) struct Fresh {
    pub(crate) entry: Arc<Entry>,
    /// For how long it may.
    pub(crate) ttl: Duration,
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

    /// What is stored for `key` and still fresh, or why a request for it must go
    /// forward.
    pub(crate) fn get_fresh(&self, key: &Key, now: Instant) -> Result<Fresh, ForwardReason> {
        let entry = self.store.get(key).ok_or(ForwardReason::UriMiss)?;
        let ttl = entry.head.ttl(now).ok_or(ForwardReason::Stale)?;
        Ok(Fresh { entry, ttl })
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
        let line = self.config.name.member(&status);
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
