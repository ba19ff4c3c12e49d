use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use crate::{
    key::Key,
    store::{Label, Scope},
};

/// The latest invalidations of one kind, each with its number: how many there were before
/// and with it.
#[derive(Default)]
pub(super) struct Book {
    /// How many were written down. Changed under the lock only.
    written: AtomicU64,
    /// How many of these, from the first one on, are done: nothing is left of what they
    /// are about. Changed under the lock only.
    settled: AtomicU64,
    latest: Mutex<Latest>,
}

#[derive(Default)]
struct Latest {
    scopes: VecDeque<Scope>,
    /// The numbers of those that are not done yet.
    unsettled: Vec<u64>,
}

/// An invalidation that is written down. Done when dropped.
pub(crate) struct Recorded<'a> {
    book: &'a Book,
    number: u64,
}

/// How many are remembered. What takes longer than as many invalidations is not
/// stored.
const REMEMBERED: usize = 1024;

impl Book {
    /// How many there are.
    pub(super) fn written(&self) -> u64 {
        self.written.load(SeqCst)
    }

    /// How many of them, from the first one on, are done.
    pub(super) fn settled(&self) -> u64 {
        self.settled.load(SeqCst)
    }

    pub(super) fn record(&self, scope: &Scope) -> Recorded<'_> {
        let mut latest = self.latest();
        let oldest = (latest.scopes.len() == REMEMBERED).then(|| latest.scopes.pop_front());
        latest.scopes.push_back(scope.clone());
        let number = self.written.fetch_add(1, SeqCst) + 1;
        latest.unsettled.push(number);
        drop(latest);
        drop(oldest);
        Recorded { book: self, number }
    }

    /// Whether anything behind the one with this number is about `key` with `labels`, or
    /// may be.
    pub(super) fn has_since(&self, number: u64, key: &Key, labels: Option<&[Label]>) -> bool {
        // Most of the time nothing is.
        if self.written() == number {
            return false;
        }
        let latest = self.latest();
        let since = self.written() - number;
        match usize::try_from(since) {
            Ok(since) if since <= latest.scopes.len() => {
                let mut later = latest.scopes.iter().rev().take(since);
                later.any(|scope| scope.has(key, labels))
            }
            // It does not reach back that far.
            _ => true,
        }
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Recorded<'_> {
    fn drop(&mut self) {
        let mut latest = self.book.latest();
        latest.unsettled.retain(|number| *number != self.number);
        let first = latest.unsettled.iter().min();
        let settled = match first {
            Some(first) => first - 1,
            None => self.book.written(),
        };
        self.book.settled.store(settled, SeqCst);
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("written", &self.written)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}
