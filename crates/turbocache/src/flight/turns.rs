use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::{FlightKey, lock};

/// What is done by one at a time for each page: to fetch what is missing of it, to be
/// given all of it; to fetch it in the background.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashSet<FlightKey>>);

/// That it is done, until this is over.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    key: FlightKey,
    is_over: AtomicBool,
}

impl Turns {
    /// `None` if somebody has that for `key`.
    pub(crate) fn take(self: &Arc<Self>, key: &FlightKey) -> Option<Turn> {
        lock(&self.0).insert(key.clone()).then(|| Turn {
            turns: Arc::clone(self),
            key: key.clone(),
            is_over: AtomicBool::new(false),
        })
    }
}

impl Turn {
    /// It is somebody else's. No effect if done already.
    pub(crate) fn end(&self) {
        if !self.is_over.swap(true, Relaxed) {
            lock(&self.turns.0).remove(&self.key);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.end();
    }
}
