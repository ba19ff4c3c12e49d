use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use crate::PerThread;

/// A value that all services of a layer share, whose clones are counted where they were
/// made.
///
/// hyper's adapter for tower clones a service for each request. One count for all
/// connections would travel between the processors with each of them, and that
/// costs more than all else that a hit takes. So each of these has a count of its own
/// for what is cloned from it: that of a connection's service is only ever touched where
/// this connection is served. And the first, of which axum makes a clone for each request,
/// has one for each thread. What is made [again](Self::again) of any of them is counted by
/// the thread that makes it. `T` is cloned once for each count: an [`Arc`], say, or what
/// holds a few.
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
    source: Arc<Source<T>>,
    branches: Branches<T>,
}

/// What clones share. Each is made when the first of them is.
enum Branches<T> {
    /// Of the first: those that are cloned on one thread. 2 KiB at most, of which axum has
    /// one for each of its routes that a layer is on.
    ByThread(PerThread<OnceLock<Arc<Source<T>>>>),
    /// Of a clone, of which there may be thousands: all.
    One(OnceLock<Arc<Source<T>>>),
}

struct Source<T> {
    value: T,
    /// What is made again on one thread, of all that come from the first: 2 KiB at most,
    /// if anything is.
    again: Arc<OnceLock<PerThread<OnceLock<Arc<T>>>>>,
}

/// A [`Shared`] value as it is held by what is cloned no more. Made by
/// [`Shared::again`].
pub struct Again<T>(Arc<T>);

impl<T> Shared<T> {
    /// The first.
    pub fn new(value: T) -> Self {
        let again = Arc::default();
        Self {
            source: Arc::new(Source { value, again }),
            branches: Branches::ByThread(PerThread::default()),
        }
    }
}

impl<T: Clone> Shared<T> {
    /// The same for what is cloned no more, and is dropped soon, on the same thread as a
    /// rule.
    pub fn again(&self) -> Again<T> {
        let threads = self.source.again.get_or_init(PerThread::default);
        let counted = threads.local().get_or_init(|| Arc::new((**self).clone()));
        Again(Arc::clone(counted))
    }
}

impl<T: Clone> Clone for Shared<T> {
    fn clone(&self) -> Self {
        let branch = match &self.branches {
            Branches::ByThread(branches) => branches.local(),
            Branches::One(branch) => branch,
        };
        let source = branch.get_or_init(|| Arc::new((*self.source).clone()));
        Self {
            source: Arc::clone(source),
            branches: Branches::One(OnceLock::new()),
        }
    }
}

impl<T: Clone> Clone for Source<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            again: Arc::clone(&self.again),
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.source.value
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

    /// How many have the same source.
    fn sources<T>(shared: &Shared<T>) -> usize {
        Arc::strong_count(&shared.source)
    }

    #[test]
    fn a_clone_of_a_clone_does_not_touch_the_first_count() {
        let first = Shared::new(Arc::new("page"));
        let connection = first.clone();
        let before = sources(&connection);
        let requests = [(); 3].map(|()| connection.clone());
        assert_eq!(sources(&connection), before);
        assert_eq!(**requests[2], "page");
        assert_eq!(sources(&requests[0]), 3 + 1);
    }

    #[test]
    fn what_is_made_again_is_counted_where_its_thread_counts_whatever_it_is_made_of() {
        let first = Shared::new(Arc::new("page"));
        let connections = [first.clone(), first.clone().clone()];
        let before = connections.each_ref().map(sources);
        let places = PerThread::<u8>::default();
        let make = || {
            let again = [&first, &connections[0], &connections[1]].map(Shared::again);
            assert!(again.iter().all(|again| ***again == "page"));
            let [one, others @ ..] = again.map(|Again(counted)| counted);
            assert!(others.iter().all(|other| Arc::ptr_eq(other, &one)));
            (one, ptr::from_ref(places.local()).addr())
        };
        let (here, place) = make();
        thread::scope(|threads| {
            for _ in 0..32 {
                let (other, its_place) = threads.spawn(make).join().unwrap();
                assert_eq!(Arc::ptr_eq(&other, &here), its_place == place);
            }
        });
        assert_eq!(connections.each_ref().map(sources), before);
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
                assert_eq!(Arc::ptr_eq(&other.source, &here.source), its_place == place);
                assert_eq!(**other, "page");
            }
        });
    }

    #[test]
    fn nothing_is_left_when_the_last_is_gone() {
        let value = Arc::new("page");
        let first = Shared::new(Arc::clone(&value));
        let clones = (first.clone(), first.clone().clone());
        let again = (first.again(), clones.1.again());
        drop(first);
        assert_eq!(**clones.1, "page");
        drop(clones);
        assert_eq!(**again.0, "page");
        drop(again);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
