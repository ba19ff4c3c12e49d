use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

/// Those who wait for a service to take requests again: at most one waker for
/// each clone of it, so that there are no more than those.
#[derive(Debug, Default)]
pub(crate) struct Wakers(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    wakers: BTreeMap<u64, Waker>,
    next: u64,
}

/// A clone's place among them. Dropped, its waker goes.
#[derive(Debug)]
pub(crate) struct Ticket {
    wakers: Arc<Wakers>,
    key: u64,
}

impl Wakers {
    /// Has `waker` woken, in place of the one that `ticket` had before.
    pub(crate) fn register(self: &Arc<Self>, ticket: &mut Option<Ticket>, waker: &Waker) {
        let mut waiting = self.waiting();
        let key = ticket
            .get_or_insert_with(|| {
                waiting.next += 1;
                Ticket {
                    wakers: Arc::clone(self),
                    key: waiting.next,
                }
            })
            .key;
        let old = waiting.wakers.insert(key, waker.clone());
        // A waker may be the last that holds a task, and a task a ticket.
        drop(waiting);
        drop(old);
    }

    /// Wakes all, with no lock held.
    pub(crate) fn wake(&self) {
        let wakers = mem::take(&mut self.waiting().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let waker = self.wakers.waiting().wakers.remove(&self.key);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn each_clone_has_one_waker_and_takes_it_along() {
        let wakers = Arc::<Wakers>::default();
        let (one, two) = (Arc::<Woken>::default(), Arc::<Woken>::default());
        let (mut here, mut there) = (None, None);
        wakers.register(&mut here, &Waker::from(Arc::clone(&one)));
        wakers.register(&mut here, &Waker::from(Arc::clone(&one)));
        wakers.register(&mut there, &Waker::from(Arc::clone(&two)));
        drop(there);
        wakers.wake();
        wakers.wake();
        assert_eq!(one.0.load(Ordering::SeqCst), 1);
        assert_eq!(two.0.load(Ordering::SeqCst), 0);
        // Nobody but the test holds it.
        assert_eq!(Arc::strong_count(&two), 1);
    }
}
