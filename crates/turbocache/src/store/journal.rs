use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use super::{Label, Scope};
use crate::key::Key;

/// The latest invalidations, so that one that comes while a response is fetched
/// is known when the response is to be stored.
///
/// Who invalidates writes it down *before* anything is removed. Who stores reads
/// the journal before, and again *after* it has stored: so either the invalidation
/// finds what was stored, or who stored it finds the invalidation.
pub(crate) struct Journal {
    /// How many there have been. Changed under the lock only.
    generation: AtomicU64,
    latest: Mutex<VecDeque<Scope>>,
}

/// How many are remembered. What takes longer than as many invalidations is not
/// stored.
const REMEMBERED: usize = 1024;

impl Journal {
    pub(crate) const fn new() -> Self {
        Self {
            generation: AtomicU64::new(0),
            latest: Mutex::new(VecDeque::new()),
        }
    }

    /// To be remembered until [`overtook`](Self::overtook) is asked.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(SeqCst)
    }

    pub(crate) fn record(&self, scope: &Scope) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = (latest.len() == REMEMBERED).then(|| latest.pop_front());
        latest.push_back(scope.clone());
        self.generation.fetch_add(1, SeqCst);
        drop(latest);
        drop(oldest);
    }

    /// Whether something that concerns `key` with `labels` was invalidated since
    /// `generation`, or may have been.
    pub(crate) fn overtook(&self, generation: u64, key: &Key, labels: Option<&[Label]>) -> bool {
        // Most of the time nothing was.
        if self.generation() == generation {
            return false;
        }
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let since = self.generation() - generation;
        match usize::try_from(since) {
            Ok(since) if since <= latest.len() => {
                let mut later = latest.iter().rev().take(since);
                later.any(|scope| scope.has(key, labels))
            }
            // It does not reach back that far.
            _ => true,
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}
