use std::{
    collections::HashMap,
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
    keys: Mutex<HashMap<Label, HashMap<Key, usize>>>,
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
            *keys
                .entry(label)
                .or_default()
                .entry(key.clone())
                .or_default() += 1;
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
            let Some(labelled) = keys.get_mut(&label) else {
                continue;
            };
            if let Some(count) = labelled.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    labelled.remove(key);
                }
            }
            if labelled.is_empty() {
                keys.remove(&label);
            }
        }
    }

    pub(super) fn keys(&self, label: &Label) -> Vec<Key> {
        let keys = self.lock();
        let labelled = keys.get(label).into_iter().flat_map(HashMap::keys);
        labelled.cloned().collect()
    }

    /// Under how many keys.
    pub(super) fn count(&self, label: &Label) -> usize {
        self.lock().get(label).map_or(0, HashMap::len)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Every statement leaves it valid, so one who panicked does no harm.
    fn lock(&self) -> MutexGuard<'_, HashMap<Label, HashMap<Key, usize>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those of the responses, and what it takes to find the key by its URI.
fn labels<'a>(key: &Key, variants: &'a Variants) -> impl Iterator<Item = Label> + use<'a> {
    let plain = key.plain().map(Label::Plain);
    let path = key.is_general().then(|| Label::Path(key.path()));
    variants.labels().cloned().chain(plain).chain(path)
}
