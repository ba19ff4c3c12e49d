use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::HeaderMap;

use super::{Ready, Watch};
use crate::{
    key::Key,
    store::{Entry, Variants},
};

/// What is near at hand for one key: copies of what is stored for it, and the last
/// answer that was made of each.
pub(crate) struct Copies {
    pub(super) key: Key,
    found: Arc<Variants>,
    /// In the order of those.
    ready: Box<[Option<Ready>]>,
    pub(super) weight: usize,
    pub(super) watch: Watch,
    /// When they are to be looked up in the store the next time.
    look_up: Instant,
}

/// How often the store is asked for what is near: it is to know that it is used. What is
/// not near is not likely to be asked for more often than that.
const LOOK_UP: Duration = Duration::from_millis(100);

impl Copies {
    /// Of what was `found` for `key` at `now`.
    pub(crate) fn new(key: &Key, found: &Variants, watch: Watch, now: Instant) -> Self {
        Self {
            key: key.copy(),
            found: Arc::new(found.copy()),
            ready: (0..found.len()).map(|_| None).collect(),
            weight: weight(key, found),
            watch,
            look_up: now + LOOK_UP,
        }
    }

    /// Whether it is time to look them up, which whoever asks is to do.
    pub(super) fn are_to_be_looked_up(&mut self, now: Instant) -> bool {
        let due = now >= self.look_up;
        if due {
            self.look_up = now + LOOK_UP;
        }
        due
    }

    /// Good for reading only: these are copies.
    pub(crate) fn variants(&self) -> Arc<Variants> {
        Arc::clone(&self.found)
    }

    /// The answer to a request with these fields that asks for nothing but the page. If
    /// there is none that is still good, what can be made of a stored response now.
    pub(crate) fn ready(
        &mut self,
        request: &HeaderMap,
        now: Instant,
        make: impl FnOnce(&Key, &Entry) -> Option<Ready>,
    ) -> Option<&Ready> {
        let (at, entry) = self.found.select_with_place(request)?;
        let ready = &mut self.ready[at];
        if !ready.as_ref().is_some_and(|ready| ready.is_good_at(now)) {
            *ready = make(&self.key, entry);
        }
        ready.as_ref()
    }
}

/// Bytes of copies and answers, as near as can be told. A copy takes more than what it is
/// one of: all names and values are its own. So does an answer, which shares the values.
fn weight(key: &Key, found: &Variants) -> usize {
    let answers = found.iter().map(|entry| 2 * entry.head.weight_of_answer());
    let places = found.len() * size_of::<Option<Ready>>();
    found.weight(key) as usize + answers.sum::<usize>() + places
}
