use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::SeqCst},
    },
};

use super::{Label, Scope};
use crate::{admission::PathHash, key::Key};

/// The latest invalidations, so that one that comes while a response is fetched
/// is known when the response is to be stored.
///
/// Who invalidates writes it down *before* anything is removed. Who stores reads
/// the journal before, and again *after* it has stored: so either the invalidation
/// finds what was stored, or who stored it finds the invalidation.
///
/// Most of what unsafe requests invalidate was never stored, and is to cost next to
/// nothing. So each of them is first counted for its target; and only if
/// [something may have been stored](crate::admission::Admission::may_have_stored)
/// for the path of that, is it written down and looked for. Who stores marks the path
/// before he reads the journal, so that, again, one of the two finds the other.
pub(crate) struct Journal {
    /// How many were written down. Changed under the lock only.
    generation: AtomicU64,
    latest: Mutex<VecDeque<Scope>>,
    /// How many there have been for each target.
    targets: Counts,
    /// And for each path, since what is stored for several queries is for all of it.
    paths: Counts,
}

/// How far the journal had come when something set out that may be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generation {
    written: u64,
    target: Count,
    path: Count,
}

/// A table of numbers for hashes. Those with the same place are counted together.
struct Counts(Box<[AtomicU32]>);

/// How far was counted somewhere, in the lower bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    place: u16,
    number: u32,
}

/// For 32 KiB each. The more there are, the less often one target is taken for
/// another, and a response for it not stored.
const PLACES: u16 = 8192;

/// How many are remembered. What takes longer than as many invalidations is not
/// stored.
const REMEMBERED: usize = 1024;

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            generation: AtomicU64::new(0),
            latest: Mutex::new(VecDeque::new()),
            targets: Counts::new(),
            paths: Counts::new(),
        }
    }

    /// To be remembered until [`overtook`](Self::overtook) is asked, about something
    /// with this path, with and without the query.
    pub(crate) fn generation(&self, target: PathHash, path: PathHash) -> Generation {
        Generation {
            written: self.generation.load(SeqCst),
            target: self.targets.at(place(target)),
            path: self.paths.at(place(path)),
        }
    }

    /// Whatever is stored for this path is invalid, and is to be looked for if there
    /// is anything.
    pub(crate) fn count(&self, target: PathHash, path: PathHash) {
        self.targets.add_one(place(target));
        self.paths.add_one(place(path));
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
        // Most of the time nothing was.
        if self.generation.load(SeqCst) == generation.written {
            return false;
        }
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let since = self.generation.load(SeqCst) - generation.written;
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

impl Counts {
    fn new() -> Self {
        Self((0..PLACES).map(|_| AtomicU32::new(0)).collect())
    }

    fn at(&self, place: u16) -> Count {
        Count {
            place,
            number: self.0[usize::from(place)].load(SeqCst),
        }
    }

    fn add_one(&self, place: u16) {
        self.0[usize::from(place)].fetch_add(1, SeqCst);
    }

    fn have_passed(&self, count: Count) -> bool {
        self.at(count.place) != count
    }
}

fn place(PathHash(hash): PathHash) -> u16 {
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    let hash = hash as u16;
    hash % PLACES
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
