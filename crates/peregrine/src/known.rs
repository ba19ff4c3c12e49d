use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is known of each process that the pool has, by its id in the operating
/// system. Clones share it.
pub(crate) struct Known<T>(Arc<Mutex<HashMap<u32, T>>>);

/// Keeps a process known. Dropped, it is forgotten.
pub(crate) struct Entry<T> {
    pid: u32,
    known: Known<T>,
}

impl<T> Known<T> {
    /// Keeps `what` for as long as the entry exists.
    pub(crate) fn enter(&self, pid: u32, what: T) -> Entry<T> {
        self.map().insert(pid, what);
        Entry {
            pid,
            known: self.clone(),
        }
    }

    pub(crate) fn get<U>(&self, pid: u32, read: impl FnOnce(&T) -> U) -> Option<U> {
        self.map().get(&pid).map(read)
    }

    fn map(&self) -> MutexGuard<'_, HashMap<u32, T>> {
        // The map is whole between any two statements, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Entry<T> {
    fn drop(&mut self) {
        // The operating system may have given the id to a successor, but not
        // before the pool has dropped this one: it does when the process has
        // exited, and before it starts another one.
        self.known.map().remove(&self.pid);
    }
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> fmt::Debug for Known<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.map().keys()).finish()
    }
}

impl<T> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}
