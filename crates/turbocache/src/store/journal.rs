mod book;
mod counts;

use std::{
    fmt,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

pub(crate) use self::book::Recorded;
use self::{
    book::Book,
    counts::{Count, Counts},
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
/// So what clients invalidate, by unsafe requests, is counted in any case; and it is
/// written down apart, for [what was found](Self::overtook_found) alone. However many of
/// them there are, they do not push out what others have purged.
///
/// What was invalidated is removed after that is written down: it may still be found
/// in between, and be asked about. So who looks something up notes before how much of the
/// journal is [settled](Self::settled), and asks, when he has set out with what he found,
/// whether anything [overtook](Self::overtook_found) it that was not.
pub(crate) struct Journal {
    purges: Book,
    /// Of what is [counted](Self::count), too.
    counted: Book,
    /// Shared by all who store: only to be waited for.
    storing: RwLock<()>,
    /// How many there have been for each target.
    targets: Counts,
    /// And for each path, since what is stored for several queries is for all of it.
    paths: Counts,
}

/// How far the journal had been settled when something was looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    purges: u64,
    counted: u64,
}

/// How far the journal had come when something set out that may be stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generation {
    purges: u64,
    target: Count,
    path: Count,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            purges: Book::default(),
            counted: Book::default(),
            storing: RwLock::new(()),
            targets: Counts::new(),
            paths: Counts::new(),
        }
    }

    /// To be remembered until [`overtook`](Self::overtook) is asked, about something
    /// with this path, with and without the query.
    pub(crate) fn generation(&self, target: PathHash, path: PathHash) -> Generation {
        Generation {
            purges: self.purges.written(),
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
        let recorded = self.purges.record(scope);
        self.wait_for_who_stores();
        recorded
    }

    /// The same for what is [counted](Self::count) already. It is once more: who sets out
    /// in between, with what is about to be removed, knows of neither.
    pub(crate) fn record_counted(
        &self,
        scope: &Scope,
        target: PathHash,
        path: PathHash,
    ) -> Recorded<'_> {
        let recorded = self.counted.record(scope);
        self.count(target, path);
        self.wait_for_who_stores();
        recorded
    }

    fn wait_for_who_stores(&self) {
        drop(self.storing.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// To be remembered before something is looked up, until
    /// [`overtook_found`](Self::overtook_found) is asked.
    pub(crate) fn settled(&self) -> Settled {
        Settled {
            purges: self.purges.settled(),
            counted: self.counted.settled(),
        }
    }

    /// Whether what was found for `key` with `labels` since then has been invalidated, or
    /// may have been.
    pub(crate) fn overtook_found(&self, settled: Settled, key: &Key, labels: &[Label]) -> bool {
        let labels = Some(labels);
        self.purges.has_since(settled.purges, key, labels)
            || self.counted.has_since(settled.counted, key, labels)
    }

    /// Whether something that concerns `key` with `labels` was invalidated since
    /// `generation`, or may have been.
    pub(crate) fn overtook(
        &self,
        generation: Generation,
        key: &Key,
        labels: Option<&[Label]>,
    ) -> bool {
        self.targets.have_passed(generation.target)
            || key.is_general() && self.paths.have_passed(generation.path)
            || self.purges.has_since(generation.purges, key, labels)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("purges", &self.purges)
            .field("counted", &self.counted)
            .finish_non_exhaustive()
    }
}
