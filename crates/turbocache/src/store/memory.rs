use std::{
    hash::RandomState,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use moka::{notification::RemovalCause, ops::compute::Op, sync::Cache};

use super::{
    Change, Entry, Label, LookUp, Purge, Scope, Size, Storage, Variants, index::Index, scope::Where,
};
use crate::key::Key;

/// Responses in memory, up to a number of bytes. Which of them go when it is full
/// is moka's decision (`TinyLFU`: those seldom asked for, and a newcomer may be
/// one of them).
#[derive(Debug)]
pub(crate) struct MemoryStore {
    entries: Cache<Key, Arc<Variants>, RandomState>,
    index: Arc<Index>,
    evicted: Arc<AtomicU64>,
    /// How many variants with names one page may have.
    max_named: usize,
    /// Counts what is stored for variants with names: the clock by which it is
    /// known which of them were used last.
    tick: AtomicU64,
    /// Held by who removes everything; for reading, by who changes something. moka reads
    /// the clock to remove everything, and then notes that what is older is gone: of two
    /// at once, the one that read it first might note it last, and bring back what the
    /// other one has removed. And a change would put back, as new, what it has found
    /// before.
    clearing: RwLock<()>,
}

impl MemoryStore {
    pub(crate) fn new(capacity_bytes: u64, max_named: usize) -> Self {
        let index = Arc::<Index>::default();
        let evicted = Arc::<AtomicU64>::default();
        let (indexed, counted) = (Arc::clone(&index), Arc::clone(&evicted));
        let entries = Cache::builder()
            .max_capacity(capacity_bytes)
            .weigher(|key: &Key, variants: &Arc<Variants>| variants.weight(key))
            // Called once for each value that was ever put in, in whatever way it
            // went, and with no lock held that the index might wait for.
            .eviction_listener(move |key: Arc<Key>, variants: Arc<Variants>, cause| {
                if cause == RemovalCause::Size {
                    counted.fetch_add(1, Relaxed);
                }
                indexed.remove(&key, &variants);
            })
            // Keyed at random: nobody outside can choose keys that collide.
            .build_with_hasher(RandomState::new());
        Self {
            entries,
            index,
            evicted,
            max_named,
            tick: AtomicU64::new(0),
            clearing: RwLock::default(),
        }
    }

    /// Something was stored for a variant with a name. If its page has too many of
    /// them, those least recently used go: of one page, so that no page can push
    /// others out by having a variant for each user.
    fn make_room(&self, newest: &Key) {
        let Some(page) = newest.plain().map(Label::Plain) else {
            return;
        };
        if self.index.count(&page) <= self.max_named {
            return;
        }
        let mut variants: Vec<_> = self
            .index
            .keys(&page)
            .into_iter()
            .filter(|key| key != newest && key.has_variant())
            .filter_map(|key| Some((self.entries.get(&key)?.last_used(), key)))
            .collect();
        variants.sort_unstable_by_key(|(last_used, _)| *last_used);
        // And the newest one.
        let too_many = (variants.len() + 1).saturating_sub(self.max_named);
        for (_, key) in variants.into_iter().take(too_many) {
            self.entries.invalidate(&key);
        }
    }

    fn purge_keys(&self, keys: impl IntoIterator<Item = Key>, scope: &Scope, how: Purge) -> u64 {
        let mut purged = 0;
        for key in keys {
            // Most of what is changed by unsafe requests was never stored, and to
            // look is far cheaper than to change. What is put in from now on is
            // newer: see `Journal`.
            if !self.entries.contains_key(&key) {
                continue;
            }
            self.change(&key, &mut |variants| {
                let (change, number) = variants.purge(&key, scope, how);
                purged += number;
                change
            });
        }
        purged
    }

    /// Where there may be something in `scope`. Clones of the keys, so that none is
    /// held while it is changed.
    fn keys(&self, scope: &Scope) -> Vec<Key> {
        match scope.place() {
            Where::Url(plain) => {
                let mut keys = self.index.keys(&Label::Plain(plain.clone()));
                keys.extend(self.index.keys(&Label::Path(plain.path())));
                keys.push(plain.clone());
                keys
            }
            Where::Label(label) => self.index.keys(label),
            Where::Anywhere | Where::Everything => {
                let keys = self.entries.iter().filter(|(key, variants)| {
                    variants.iter().any(|entry| scope.has_entry(key, entry))
                });
                keys.map(|(key, _)| Key::clone(&key)).collect()
            }
        }
    }

    #[cfg(test)]
    pub(super) fn labels(&self) -> usize {
        self.entries.run_pending_tasks();
        self.index.len()
    }
}

impl Storage for MemoryStore {
    fn look_up(&self, key: &Key) -> LookUp {
        let found = self.entries.get(key);
        if let Some(variants) = &found {
            variants.use_at(self.tick.load(Relaxed));
        }
        LookUp::Ready(found)
    }

    fn change(&self, key: &Key, change: &mut dyn FnMut(&Variants) -> Change) {
        let named = key.has_variant();
        let tick = if named {
            self.tick.fetch_add(1, Relaxed) + 1
        } else {
            self.tick.load(Relaxed)
        };
        let changing = self.clearing.read();
        self.entries.entry_by_ref(key).and_compute_with(|entry| {
            let stored = entry.map(moka::Entry::into_value);
            let none = Variants::default();
            match change(stored.as_deref().unwrap_or(&none)) {
                Change::Keep => Op::Nop,
                Change::Store(variants) if variants.is_empty() => Op::Remove,
                Change::Store(variants) => {
                    self.index.add(key, &variants);
                    variants.use_at(tick);
                    Op::Put(Arc::new(variants))
                }
            }
        });
        drop(changing);
        if named {
            self.make_room(key);
        }
    }

    fn purge(&self, scope: &Scope, how: Purge) -> u64 {
        if matches!((scope.place(), how), (Where::Everything, Purge::Hard)) {
            self.entries.run_pending_tasks();
            let purged = self.entries.iter().map(|(_, stored)| stored.len() as u64);
            let purged = purged.sum();
            let clearing = self.clearing.write();
            self.entries.invalidate_all();
            drop(clearing);
            return purged;
        }
        self.purge_keys(self.keys(scope), scope, how)
    }

    fn find(&self, scope: &Scope) -> Vec<Arc<Entry>> {
        let mut found = Vec::new();
        for key in self.keys(scope) {
            let Some(variants) = self.entries.get(&key) else {
                continue;
            };
            let entries = variants.iter();
            let entries = entries.filter(|entry| scope.has_entry(&key, entry));
            found.extend(entries.cloned());
        }
        found
    }

    /// Does what moka has put off before it counts, so this is for snapshots, not
    /// for requests.
    fn size(&self) -> Size {
        self.entries.run_pending_tasks();
        Size {
            entries: self.entries.entry_count(),
            bytes: self.entries.weighted_size(),
            evicted: self.evicted.load(Relaxed),
        }
    }
}
