use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use super::{FlightKey, lock};

/// The pages of which somebody fetches what is missing, to be given all of it.
///
/// Such a request goes alone. One at a time may: those who come meanwhile go for all of
/// the page, and that together.
#[derive(Debug, Default)]
pub(crate) struct Completions(Mutex<HashSet<FlightKey>>);

/// One of them, as long as it is held.
#[derive(Debug)]
pub(crate) struct Completion {
    all: Arc<Completions>,
    key: FlightKey,
}

impl Completions {
    /// `None` if there is one for `key`.
    pub(crate) fn begin(self: &Arc<Self>, key: &FlightKey) -> Option<Completion> {
        lock(&self.0).insert(key.clone()).then(|| Completion {
            all: Arc::clone(self),
            key: key.clone(),
        })
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        lock(&self.all.0).remove(&self.key);
    }
}
