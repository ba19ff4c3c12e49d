use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Label, Variants};
use crate::key::Key;

/// Under which keys there is something with a certain label.
///
/// Counted, because it is told of what comes before that is stored, and of what
/// goes at any time after it is gone; and each of them once. So it may name a key
/// under which nothing is left, which is harmless, but misses none.
#[derive(Debug, Default)]
pub(super) struct Index {
    keys: Mutex<HashMap<Label, Keys>>,
}

/// The keys with one label, and for each how often it was told of. Most labels are those
/// of one page, and memory for several would be most of what they take.
#[derive(Debug)]
enum Keys {
    One(Key, usize),
    Several(HashMap<Key, usize>),
}

impl Index {
    /// `variants` are about to be stored for `key`.
    pub(super) fn add(&self, key: &Key, variants: &Variants) {
        let mut labels = labels(key, variants).peekable();
        // Most have none, and need no lock.
        if labels.peek().is_none() {
            return;
        }
        let mut keys = self.lock();
        for label in labels {
            match keys.entry(label) {
                Entry::Vacant(place) => {
                    place.insert(Keys::One(key.clone(), 1));
                }
                Entry::Occupied(mut place) => place.get_mut().add(key),
            }
        }
    }

    /// `variants` are no longer stored for `key`.
    pub(super) fn remove(&self, key: &Key, variants: &Variants) {
        let mut labels = labels(key, variants).peekable();
        if labels.peek().is_none() {
            return;
        }
        let mut keys = self.lock();
        for label in labels {
            if let Entry::Occupied(mut place) = keys.entry(label)
                && place.get_mut().remove(key)
            {
                place.remove();
            }
        }
    }

    pub(super) fn keys(&self, label: &Label) -> Vec<Key> {
        let keys = self.lock();
        keys.get(label).map(Keys::to_vec).unwrap_or_default()
    }

    /// Under how many keys.
    pub(super) fn count(&self, label: &Label) -> usize {
        self.lock().get(label).map_or(0, Keys::len)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Every statement leaves it valid, so one who panicked does no harm.
    fn lock(&self) -> MutexGuard<'_, HashMap<Label, Keys>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn add(&mut self, key: &Key) {
        match self {
            Self::One(one, count) if one == key => *count += 1,
            Self::One(one, count) => {
                *self = Self::Several([(one.clone(), *count), (key.clone(), 1)].into());
            }
            Self::Several(counts) => *counts.entry(key.clone()).or_default() += 1,
        }
    }

    /// Whether none is left.
    fn remove(&mut self, key: &Key) -> bool {
        match self {
            Self::One(one, count) => {
                if one == key {
                    *count -= 1;
                }
                *count == 0
            }
            Self::Several(counts) => {
                if let Some(count) = counts.get_mut(key) {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(key);
                    }
                }
                counts.is_empty()
            }
        }
    }

    fn to_vec(&self) -> Vec<Key> {
        match self {
            Self::One(one, _) => vec![one.clone()],
            Self::Several(counts) => counts.keys().cloned().collect(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::One(..) => 1,
            Self::Several(counts) => counts.len(),
        }
    }
}

/// Those of the responses, and what it takes to find the key by its URI.
fn labels<'a>(key: &Key, variants: &'a Variants) -> impl Iterator<Item = Label> + use<'a> {
    let plain = key.plain().map(Label::Plain);
    let path = key.is_general().then(|| Label::Path(key.path()));
    variants.labels().cloned().chain(plain).chain(path)
}
