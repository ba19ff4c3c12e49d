use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use crate::PerThread;

/// A value that all services of a layer share, whose clones are counted where they were
/// made.
///
/// hyper's adapter for tower clones a service for each request. One count for all
/// connections would travel between the processors with each of them, and that
/// costs more than all else that a hit takes. So each of these has a count of its own
/// for what is cloned from it, and for what is made [again](Self::again) of it: that of a
/// connection's service is only ever touched where this connection is served. And the first,
/// of which axum makes a clone for each request, has one for each thread. `T` is cloned once
/// for each count: an [`Arc`], say, or what holds a few.
///
/// ```
/// use std::sync::Arc;
/// use peregrine_core::Shared;
///
/// let server = Shared::new(Arc::new("what all services need"));
/// let connection = server.clone();
/// let request = connection.again();
/// assert!(Arc::ptr_eq(&request, &server));
/// ```
pub struct Shared<T> {
    value: Arc<T>,
    branches: Branches<T>,
}

/// What clones share. Each is made when the first of them is.
enum Branches<T> {
    /// Of the first: those that are cloned on one thread. 2 KiB at most, of which axum has
    /// one for each of its routes that a layer is on.
    ByThread(PerThread<OnceLock<Arc<T>>>),
    /// Of a clone, of which there may be thousands: all.
    One {
        branch: OnceLock<Arc<T>>,
        /// It was made again before, so it is not for one request alone.
        is_kept: AtomicBool,
    },
}

/// A [`Shared`] value as it is held by what is cloned no more. Made by
/// [`Shared::again`].
pub struct Again<T>(Arc<T>);

impl<T> Shared<T> {
    /// The first.
    pub fn new(value: T) -> Self {
        Self {
            value: Arc::new(value),
            branches: Branches::ByThread(PerThread::default()),
        }
    }
}

impl<T: Clone> Shared<T> {
    /// The same for what is cloned no more.
    ///
    /// One that is for a single request has this from where it comes from itself, which costs
    /// nothing. From the second time on, this one is taken to be for many, and has a count of
    /// its own.
    pub fn again(&self) -> Again<T> {
        let counted = match &self.branches {
            // Two threads may both be the first, which is no harm.
            Branches::One { is_kept, .. } if !is_kept.load(Relaxed) => {
                is_kept.store(true, Relaxed);
                &self.value
            }
            _ => self.branch(),
        };
        Again(Arc::clone(counted))
    }

    /// With the count of what is cloned from this one.
    fn branch(&self) -> &Arc<T> {
        let branch = match &self.branches {
            Branches::ByThread(branches) => branches.local(),
            Branches::One { branch, .. } => branch,
        };
        branch.get_or_init(|| Arc::new((**self).clone()))
    }
}

impl<T: Clone> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(self.branch()),
            branches: Branches::One {
                branch: OnceLock::new(),
                is_kept: AtomicBool::new(false),
            },
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for Again<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Again<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::{ptr, thread};

    use super::*;

    #[test]
    fn a_clone_of_a_clone_does_not_touch_the_first_count() {
        let first = Shared::new(Arc::new("page"));
        let connection = first.clone();
        let before = Arc::strong_count(&connection.value);
        let requests = [(); 3].map(|()| connection.clone());
        assert_eq!(Arc::strong_count(&connection.value), before);
        let again = requests[0].again();
        assert_eq!(**again, "page");
        drop(again);
        assert_eq!(**requests[2], "page");
        assert_eq!(Arc::strong_count(&requests[0].value), 3 + 1);
    }

    #[test]
    fn who_is_kept_for_many_requests_does_not_touch_the_count_that_it_shares() {
        let first = Shared::new(Arc::new("page"));
        let connections = [first.clone(), first.clone()];
        let of_one_request = connections.each_ref().map(Shared::again);
        let count = Arc::strong_count(&connections[0].value);
        assert_eq!(count, 1 + 2 + 2, "all come from one");
        let again: Vec<_> = (0..10)
            .flat_map(|_| connections.each_ref().map(Shared::again))
            .collect();
        assert_eq!(Arc::strong_count(&connections[0].value), count);
        assert_eq!(Arc::strong_count(&again[0].0), 1 + 10);
        assert!(
            again
                .iter()
                .chain(&of_one_request)
                .all(|page| ***page == "page")
        );
    }

    #[test]
    fn clones_of_the_first_are_counted_where_their_thread_counts() {
        let first = Shared::new(Arc::new("page"));
        let places = PerThread::<u8>::default();
        let make = || (first.clone(), ptr::from_ref(places.local()).addr());
        let (here, place) = make();
        thread::scope(|threads| {
            for _ in 0..32 {
                let (other, its_place) = threads.spawn(make).join().unwrap();
                assert_eq!(Arc::ptr_eq(&other.value, &here.value), its_place == place);
                assert_eq!(**other, "page");
            }
        });
    }

    #[test]
    fn nothing_is_left_when_the_last_is_gone() {
        let value = Arc::new("page");
        let first = Shared::new(Arc::clone(&value));
        let clones = (first.clone(), first.clone().clone());
        drop(first);
        assert_eq!(**clones.1, "page");
        drop(clones);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
