//! Where complete responses are kept.

mod entry;

use std::{hash::RandomState, sync::Arc};

use moka::sync::Cache;

pub(crate) use self::entry::{Entry, Head, http_date};
use crate::key::Key;

/// Complete responses by their key, up to a number of bytes. Which of them go
/// when it is full is moka's decision (`TinyLFU`: those seldom asked for, and a
/// newcomer may be one of them).
#[derive(Debug)]
pub(crate) struct Store {
    entries: Cache<Key, Arc<Entry>, RandomState>,
}

impl Store {
    pub(crate) fn new(capacity_bytes: u64) -> Self {
        let entries = Cache::builder()
            .max_capacity(capacity_bytes)
            .weigher(|key: &Key, entry: &Arc<Entry>| entry.weight(key))
            // Keyed at random: nobody outside can choose keys that collide.
            .build_with_hasher(RandomState::new());
        Self { entries }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    pub(crate) fn insert(&self, key: Key, entry: Arc<Entry>) {
        self.entries.insert(key, entry);
    }

    pub(crate) fn remove(&self, key: &Key) {
        self.entries.invalidate(key);
    }

    pub(crate) fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// How many entries there are, and how many bytes they weigh. Does what moka
    /// has put off before it counts, so this is for snapshots, not for requests.
    pub(crate) fn size(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        (self.entries.entry_count(), self.entries.weighted_size())
    }
}
