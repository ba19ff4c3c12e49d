//! What is asked for most, near at hand: a first level before the store.

mod copies;
mod places;
mod ready;

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, TryLockError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};

use peregrine_core::PerThread;

use self::places::{At, Places};
pub(crate) use self::{copies::Copies, ready::Ready};
use super::Variants;
use crate::{
    admission::Names,
    key::{Key, KeyParts, variances::Keys},
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

/// Where what is asked for has its place in each thread, among others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot(u64);

/// What a thread has near at hand.
pub(crate) enum Nearby<'a> {
    Found(Near<'a>),
    /// Nothing, but it is asked for so often that there should be something.
    Wanted,
    Nothing,
}

/// What was found, where it is. As long as it is held, whoever else asks in this thread
/// finds nothing.
pub(crate) struct Near<'a> {
    places: MutexGuard<'a, Places>,
    at: At,
}

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

    /// Where the key of these parts belongs.
    pub(crate) fn spot(&self, parts: &KeyParts<'_>) -> Spot {
        Spot(parts.hash(&self.names))
    }

    /// What this thread has for the key of these `parts`.
    pub(crate) fn get(&self, spot: Spot, parts: &KeyParts<'_>, now: Instant) -> Nearby<'_> {
        let Some(mut places) = self.own() else {
            return Nearby::Nothing;
        };
        let Some(at) = places.find(spot, |key| parts.is(key)) else {
            return if places.is_wanted(spot) {
                Nearby::Wanted
            } else {
                Nearby::Nothing
            };
        };
        let near = places.at(at);
        if self.sum(near.watch.groups) != near.watch.sum {
            return Nearby::Wanted;
        }
        let is_looked_up = near.are_to_be_looked_up(now);
        places.used(at);
        if is_looked_up {
            return Nearby::Nothing;
        }
        Nearby::Found(Near { places, at })
    }

    /// Something was found for `key`, but not here.
    pub(crate) fn missed(&self, spot: Spot, key: &Key, found: &Variants) {
        let most = MOST.min(self.max_weight / PART_OF_ENTRY);
        if found.weight(key) as usize <= most
            && let Some(mut places) = self.own()
        {
            places.missed(spot);
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

    /// Keeps `copies` for this thread.
    pub(crate) fn keep(&self, spot: Spot, copies: Copies) {
        if let Some(mut places) = self.own() {
            places.put(spot, copies, self.max_weight);
        }
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
        self.names.hash(key.as_bytes()) as usize % GROUPS
    }

    /// What belongs to this thread; nothing if another one, of more than there are
    /// processors, is at it just now.
    fn own(&self) -> Option<MutexGuard<'_, Places>> {
        match self.threads.local().try_lock() {
            Ok(places) => Some(places),
            // Whoever holds it longer than a statement only reads, so one who panicked
            // then does no harm.
            Err(TryLockError::Poisoned(places)) => Some(places.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Near<'_> {
    pub(crate) fn copies(&mut self) -> &mut Copies {
        self.places.at(self.at)
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
