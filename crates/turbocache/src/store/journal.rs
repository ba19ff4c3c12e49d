use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use super::{Label, Scope};
use crate::{admission::PathHash, key::Key};

/// The latest invalidations, so that one that comes while a response is fetched
/// is known when the response is to be stored.
///
/// Who stores [says so](Self::storing), and reads the journal in between. Who
/// invalidates writes it down, and waits for all who may have read the journal before
/// that; then they have stored, and what they have stored is found and removed. So
/// who learns that an invalidation is over finds nothing older, not even for a moment.
///
/// Most of what unsafe requests invalidate was never stored, and is to cost next to
/// nothing: not a word that another thread writes to, too. So only if
/// [something may have been fetched](crate::admission::Admission::may_have_fetched)
/// for the path of a target is it counted for that; and only if
/// [something may have been stored](crate::admission::Admission::may_have_stored), is
/// it written down and looked for. Who fetches marks the path before he reads the
/// journal for the first time, and who stores before he does so again: whoever
/// invalidates and finds no mark was there before him.
///
/// What was invalidated is removed after that is written down: it may still be found
/// in between, and be asked about. So who looks something up notes before how much of the
/// journal is [settled](Self::settled), and asks, when he has set out with what he found,
/// whether anything [overtook](Self::overtook_found) it that was not.
pub(crate) struct Journal {
    /// How many were written down. Changed under the lock only.
    generation: AtomicU64,
    /// How many of these, from the first one on, are done: nothing is left of what they
    /// are about. Changed under the lock only.
    settled: AtomicU64,
    latest: Mutex<Latest>,
    /// Shared by all who store: only to be waited for.
    storing: RwLock<()>,
    /// How many there have been for each target.
    targets: Counts,
    /// And for each path, since what is stored for several queries is for all of it.
    paths: Counts,
}

#[derive(Default)]
struct Latest {
    scopes: VecDeque<Scope>,
    /// The numbers of those that are not done yet.
    unsettled: Vec<u64>,
}

/// How far the journal had been settled when something was looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled(u64);

/// An invalidation that is written down. Done when dropped.
pub(crate) struct Recorded<'a> {
    journal: &'a Journal,
    number: u64,
}

/// How far the journal had come when something set out that may be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generation {
    written: u64,
    target: Count,
    path: Count,
}

/// A table of numbers for hashes. Those with the same place are counted together: a
/// word is the number, and below it what tells the last of them from others.
struct Counts(Box<[AtomicU64]>);

/// How far was counted for a hash.
#[derive(Clone, Copy, Debug)]
struct Count {
    hash: u64,
    number: u32,
}

/// For 64 KiB each. The more there are, the less often two targets are taken for
/// another one, and a response for it not stored.
const PLACES: usize = 8192;

/// How many are remembered. What takes longer than as many invalidations is not
/// stored.
const REMEMBERED: usize = 1024;

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            generation: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            latest: Mutex::default(),
            storing: RwLock::new(()),
            targets: Counts::new(),
            paths: Counts::new(),
        }
    }

    /// To be remembered until [`overtook`](Self::overtook) is asked, about something
    /// with this path, with and without the query.
    pub(crate) fn generation(&self, target: PathHash, path: PathHash) -> Generation {
        Generation {
            written: self.generation.load(SeqCst),
            target: self.targets.at(target),
            path: self.paths.at(path),
        }
    }

    /// Whatever is stored for this path is invalid, and is to be looked for if there
    /// is anything.
    pub(crate) fn count(&self, target: PathHash, path: PathHash) {
        self.targets.add_one(target);
        self.paths.add_one(path);
    }

    /// From before the journal is read for something that is to be stored, until it is
    /// stored. Nothing may be invalidated by who holds this.
    pub(crate) fn storing(&self) -> RwLockReadGuard<'_, ()> {
        self.storing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes it down. When this is done, whoever is still to store something finds it.
    pub(crate) fn record(&self, scope: &Scope) -> Recorded<'_> {
        let mut latest = self.latest();
        let oldest = (latest.scopes.len() == REMEMBERED).then(|| latest.scopes.pop_front());
        latest.scopes.push_back(scope.clone());
        let number = self.generation.fetch_add(1, SeqCst) + 1;
        latest.unsettled.push(number);
        drop(latest);
        drop(oldest);
        drop(self.storing.write().unwrap_or_else(PoisonError::into_inner));
        Recorded {
            journal: self,
            number,
        }
    }

    /// To be remembered before something is looked up, until
    /// [`overtook_found`](Self::overtook_found) is asked.
    pub(crate) fn settled(&self) -> Settled {
        Settled(self.settled.load(SeqCst))
    }

    /// Whether what was found for `key` with `labels` since then has been invalidated, or
    /// may have been.
    pub(crate) fn overtook_found(
        &self,
        Settled(settled): Settled,
        key: &Key,
        labels: &[Label],
    ) -> bool {
        self.wrote_since(settled, key, Some(labels))
    }

    /// Whether something that concerns `key` with `labels` was invalidated since
    /// `generation`, or may have been.
    pub(crate) fn overtook(
        &self,
        generation: Generation,
        key: &Key,
        labels: Option<&[Label]>,
    ) -> bool {
        if self.targets.have_passed(generation.target)
            || key.is_general() && self.paths.have_passed(generation.path)
        {
            return true;
        }
        self.wrote_since(generation.written, key, labels)
    }

    fn wrote_since(&self, number: u64, key: &Key, labels: Option<&[Label]>) -> bool {
        // Most of the time nothing was.
        if self.generation.load(SeqCst) == number {
            return false;
        }
        let latest = self.latest();
        let since = self.generation.load(SeqCst) - number;
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
        let mut latest = self.journal.latest();
        latest.unsettled.retain(|number| *number != self.number);
        let first = latest.unsettled.iter().min();
        let settled = match first {
            Some(first) => first - 1,
            None => self.journal.generation.load(SeqCst),
        };
        self.journal.settled.store(settled, SeqCst);
    }
}

impl Counts {
    fn new() -> Self {
        Self((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }

    fn at(&self, PathHash(hash): PathHash) -> Count {
        Count {
            hash,
            number: number(self.place(hash).load(SeqCst)),
        }
    }

    fn add_one(&self, PathHash(hash): PathHash) {
        let next = |word| u64::from(number(word).wrapping_add(1)) << 32 | u64::from(mark(hash));
        // It cannot fail: there is always a next one.
        let _ = self
            .place(hash)
            .fetch_update(SeqCst, SeqCst, |word| Some(next(word)));
    }

    /// Whether there was one since, or may have been. If there was only one here, it
    /// is known which.
    fn have_passed(&self, count: Count) -> bool {
        let word = self.place(count.hash).load(SeqCst);
        match number(word).wrapping_sub(count.number) {
            0 => false,
            1 => mark(word) == mark(count.hash),
            _ => true,
        }
    }

    fn place(&self, hash: u64) -> &AtomicU64 {
        // Not the bits of the mark.
        let place = (hash >> 32) as usize % self.0.len();
        &self.0[place]
    }
}

/// The upper half of a word.
const fn number(word: u64) -> u32 {
    (word >> 32) as u32
}

/// The lower half, of a word as of a hash.
#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn mark(word: u64) -> u32 {
    word as u32
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the same place as `hash`.
    fn neighbour(hash: u64) -> PathHash {
        PathHash(hash + 1)
    }

    #[test]
    fn what_is_counted_for_one_is_not_taken_for_another_in_its_place() {
        let (counts, hash) = (Counts::new(), 7 << 32);
        let before = counts.at(PathHash(hash));
        assert!(!counts.have_passed(before));
        counts.add_one(neighbour(hash));
        assert!(!counts.have_passed(before));
        // From here on there is no telling whether its own was among them.
        counts.add_one(neighbour(hash));
        assert!(counts.have_passed(before));
        assert!(!counts.have_passed(counts.at(PathHash(hash))));
    }

    #[test]
    fn what_is_counted_for_itself_is_seen_whatever_is_counted_around_it() {
        for (earlier, later) in [(0, 0), (0, 1), (1, 0), (2, 2)] {
            let (counts, hash) = (Counts::new(), 7 << 32);
            let before = counts.at(PathHash(hash));
            (0..earlier).for_each(|_| counts.add_one(neighbour(hash)));
            counts.add_one(PathHash(hash));
            (0..later).for_each(|_| counts.add_one(neighbour(hash)));
            assert!(counts.have_passed(before), "{earlier} {later}");
        }
    }
}
