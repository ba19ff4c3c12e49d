//! What is asked for most, near at hand: a first level before the store.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use peregrine_core::PerThread;

use super::Variants;
use crate::{
    admission::Names,
    key::{Key, variances::Keys},
};

/// A few entries for each thread, in copies of its own.
///
/// To find something in a store that all threads share is to write: to counts of
/// references, and to the record of what is used. With each hit the processors would
/// take that memory from each other. Nothing is written here that another thread
/// writes to.
///
/// A copy is good until there is a change where it was found. Who changes something
/// counts that [afterwards](Self::changed), and is done only then; who makes a copy
/// has read the counts [before](Self::watch). So whoever learns that something is
/// stored, or invalid, finds no older copy.
pub(crate) struct NearCache {
    threads: PerThread<Mutex<Places>>,
    names: Names,
    /// How many changes there have been, for each of some groups of keys.
    groups: Box<[AtomicU64]>,
    /// And how many that may concern any key.
    everything: AtomicU64,
    /// What the entries of a thread may weigh.
    max_weight: usize,
}

/// How far the changes have come, of all that decides what is found for a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    groups: [usize; 3],
    /// Of all counts. Since none goes back, each is what it was if this is.
    sum: u64,
}

/// What a thread has near at hand.
pub(crate) enum Nearby {
    Found(Arc<Variants>),
    /// Nothing, but it is asked for so often that there should be something.
    Wanted,
    Nothing,
}

struct Places {
    all: Box<[Place]>,
    weight: usize,
    /// Who has to go next if there is no room.
    next: usize,
}

#[derive(Default)]
struct Place {
    near: Option<Near>,
    /// The hash of what was asked for that belongs here. Who is asked for twice, and
    /// what is here not even once in between, takes the place.
    candidate: u64,
}

struct Near {
    key: Key,
    found: Arc<Variants>,
    weight: usize,
    watch: Watch,
    given: u8,
}

/// For each thread.
const PLACES: usize = 64;
/// What all threads together may have, as a part of what may be stored: 2 MiB of
/// 64 MiB.
const PART: u64 = 32;
/// What one entry may weigh, as a part of what the thread may have; and in bytes. To
/// send more than that costs so much that to find it does not matter.
const PART_OF_ENTRY: usize = 8;
const MOST: usize = 16 * 1024;
/// For 8 KiB. The more there are, the less often something is looked up again because
/// of a change elsewhere.
const GROUPS: usize = 1024;
/// One in so many is looked up in the store, which is to know what is used.
const LOOKED_UP: u8 = 8;

impl NearCache {
    /// Takes a small part of `capacity` bytes.
    pub(crate) fn within(capacity: u64) -> Self {
        let threads = PerThread::<Mutex<Places>>::default();
        let part = usize::try_from(capacity / PART).unwrap_or(usize::MAX);
        Self {
            max_weight: part / threads.iter().count(),
            threads,
            names: Names::new(),
            groups: (0..GROUPS).map(|_| AtomicU64::new(0)).collect(),
            everything: AtomicU64::new(0),
        }
    }

    /// What all that is in it may weigh.
    pub(crate) fn capacity(&self) -> u64 {
        (self.threads.iter().count() * self.max_weight) as u64
    }

    /// What this thread has for `key`.
    pub(crate) fn get(&self, key: &Key) -> Nearby {
        let hash = self.hash(key);
        let get = |places: &mut Places| {
            let place = places.of(hash);
            match &mut place.near {
                Some(near) if near.key == *key => {
                    if self.sum(near.watch.groups) != near.watch.sum {
                        return Nearby::Wanted;
                    }
                    place.candidate = 0;
                    near.given = (near.given + 1) % LOOKED_UP;
                    match near.given {
                        0 => Nearby::Nothing,
                        _ => Nearby::Found(Arc::clone(&near.found)),
                    }
                }
                _ if place.candidate == hash => Nearby::Wanted,
                _ => Nearby::Nothing,
            }
        };
        self.own(get).unwrap_or(Nearby::Nothing)
    }

    /// Something was found for `key`, but not here.
    pub(crate) fn missed(&self, key: &Key, found: &Variants) {
        let most = MOST.min(self.max_weight / PART_OF_ENTRY);
        if found.weight(key) as usize <= most {
            let hash = self.hash(key);
            self.own(|places| places.of(hash).candidate = hash);
        }
    }

    /// To be asked before it is settled under which keys to look.
    pub(crate) fn begin(&self) -> u64 {
        self.everything.load(SeqCst)
    }

    /// To be asked before anything is looked up, for the keys under which it is.
    pub(crate) fn watch(&self, begun: u64, keys: &Keys) -> Watch {
        let page = keys.exact().plain();
        let page = page.as_ref().unwrap_or(keys.exact());
        let groups = [keys.exact(), keys.primary(), page].map(|key| self.group(key));
        let sum = self.sum_of_groups(groups) + begun;
        Watch { groups, sum }
    }

    /// Keeps a copy of what was `found` for `key`, and returns it.
    pub(crate) fn keep(&self, key: &Key, found: &Variants, watch: Watch) -> Arc<Variants> {
        let hash = self.hash(key);
        let near = Near {
            key: key.copy(),
            found: Arc::new(found.copy()),
            weight: found.weight(key) as usize,
            watch,
            given: 0,
        };
        let found = Arc::clone(&near.found);
        self.own(|places| places.put(hash, near, self.max_weight));
        found
    }

    /// What is stored for `key` has changed. That is a change for each variant of the
    /// page, too: some may have had to go, those that are not known to be used.
    pub(crate) fn changed(&self, key: &Key) {
        self.groups[self.group(key)].fetch_add(1, SeqCst);
        if let Some(page) = key.plain() {
            self.groups[self.group(&page)].fetch_add(1, SeqCst);
        }
    }

    /// Whatever is stored may have changed.
    pub(crate) fn all_changed(&self) {
        self.everything.fetch_add(1, SeqCst);
    }

    fn sum(&self, groups: [usize; 3]) -> u64 {
        self.sum_of_groups(groups) + self.everything.load(SeqCst)
    }

    fn sum_of_groups(&self, groups: [usize; 3]) -> u64 {
        groups.map(|at| self.groups[at].load(SeqCst)).iter().sum()
    }

    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    fn group(&self, key: &Key) -> usize {
        self.hash(key) as usize % GROUPS
    }

    fn hash(&self, key: &Key) -> u64 {
        self.names.hash(key.as_bytes())
    }

    /// What belongs to this thread; nothing if another one, of more than there are
    /// processors, is at it just now.
    fn own<T>(&self, act: impl FnOnce(&mut Places) -> T) -> Option<T> {
        let mut places = self.threads.local().try_lock().ok()?;
        Some(act(&mut places))
    }
}

impl Default for Places {
    fn default() -> Self {
        Self {
            all: (0..PLACES).map(|_| Place::default()).collect(),
            weight: 0,
            next: 0,
        }
    }
}

impl Places {
    fn of(&mut self, hash: u64) -> &mut Place {
        // Not those that tell groups apart.
        &mut self.all[(hash >> 32) as usize % PLACES]
    }

    fn put(&mut self, hash: u64, near: Near, max_weight: usize) {
        let weight = near.weight;
        let gone = self.of(hash).near.replace(near);
        self.weight += weight;
        self.weight -= gone.map_or(0, |gone| gone.weight);
        while self.weight > max_weight {
            self.next = (self.next + 1) % PLACES;
            let gone = self.all[self.next].near.take();
            self.weight -= gone.map_or(0, |gone| gone.weight);
        }
    }
}

impl fmt::Debug for NearCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NearCache")
            .field("max_weight", &self.max_weight)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
