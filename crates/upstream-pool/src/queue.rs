use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use tokio::{sync::Notify, time::Instant};

use crate::Error;

/// Requests that wait for a process, first come, first served.
///
/// Who wakes whom, so that no wake-up is lost:
///
/// 1. A request enters, *then* looks for a ready process once more. One that
///    became ready before it entered is found by that look; one that becomes
///    ready after the look has the pool's waker, and wakes the head.
/// 2. The queue is the pool's waker: each process is polled with it, and each
///    that becomes ready wakes the head.
/// 3. A head that leaves wakes the next one, whether it was served, gave up,
///    or was dropped after it had been woken: it may have been woken for a
///    process that it did not take.
/// 4. Requests that wait for one process alone stand aside: they hold up nobody,
///    and are woken together with the head, since nobody knows here which process
///    has become ready. Who of them and the head looks first has it.
///
/// No lock is held while waking, nor while a process is polled: a process may
/// call its waker from within `poll_ready`.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    /// How many wait. Read without the lock by whoever finds nobody waiting,
    /// which is nearly always.
    len: AtomicUsize,
    next: AtomicUsize,
    max: usize,
    /// Told when the first request enters and when the last one leaves, while
    /// the supervisor wants to know.
    pub(crate) pressure: Notify,
    watched: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By place. The first is the head.
    line: BTreeMap<Place, Waiter>,
    /// Those that wait for one process alone: rule 4.
    aside: BTreeMap<Place, Waiter>,
}

#[derive(Debug)]
struct Waiter {
    waker: Waker,
    since: Instant,
}

/// A place in the order. A request that was sent once, and came back, stands
/// before all that were never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    first_try: bool,
    number: usize,
}

/// A request's place in the queue. Dropped, the place is free and the next
/// one moves up.
#[derive(Debug)]
pub(crate) struct Ticket {
    queue: Arc<Queue>,
    place: Place,
}

impl Queue {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            len: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            max,
            pressure: Notify::new(),
            watched: AtomicBool::new(false),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::SeqCst)
    }

    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// Whether [`pressure`](Self::pressure) is of interest.
    pub(crate) fn watch(&self, watched: bool) {
        self.watched.store(watched, Ordering::SeqCst);
    }

    /// Since when the request waits that has waited longest.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let waiting = self.waiting();
        let all = waiting.line.values().chain(waiting.aside.values());
        all.map(|waiter| waiter.since).min()
    }

    /// Takes a place at the end. A request that was sent before has been
    /// accepted long ago: it goes before the others, and is not turned away.
    pub(crate) fn enter(self: &Arc<Self>, first_try: bool, waker: &Waker) -> Result<Ticket, Error> {
        self.take_place(first_try, waker, false)
    }

    /// Takes a place for one process alone.
    pub(crate) fn enter_aside(self: &Arc<Self>, waker: &Waker) -> Result<Ticket, Error> {
        self.take_place(true, waker, true)
    }

    fn take_place(
        self: &Arc<Self>,
        first_try: bool,
        waker: &Waker,
        aside: bool,
    ) -> Result<Ticket, Error> {
        let place = Place {
            first_try,
            number: self.next.fetch_add(1, Ordering::Relaxed),
        };
        let mut waiting = self.waiting();
        if first_try && waiting.len() >= self.max {
            return Err(Error::queue_full());
        }
        let waiters = if aside {
            &mut waiting.aside
        } else {
            &mut waiting.line
        };
        let waiter = Waiter {
            waker: waker.clone(),
            since: Instant::now(),
        };
        waiters.insert(place, waiter);
        self.len.store(waiting.len(), Ordering::SeqCst);
        let first = waiting.len() == 1;
        drop(waiting);
        if first {
            self.tell_pressure();
        }
        Ok(Ticket {
            queue: Arc::clone(self),
            place,
        })
    }

    /// Wakes everyone: there is news that concerns more than the head.
    pub(crate) fn wake_all(&self) {
        let waiting = self.waiting();
        let all = waiting.line.values().chain(waiting.aside.values());
        let wakers: Vec<_> = all.map(|waiter| waiter.waker.clone()).collect();
        drop(waiting);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn wake_head(&self) {
        // Whoever is about to enter looks for a process afterwards: rule 1.
        if self.len() > 0 {
            let waiting = self.waiting();
            let head = waiting.line.first_key_value();
            let head = head.map(|(_, waiter)| waiter.waker.clone());
            // Empty, and no allocation, unless sessions are sticky.
            let aside = waiting.aside.values();
            let aside: Vec<_> = aside.map(|waiter| waiter.waker.clone()).collect();
            drop(waiting);
            head.into_iter().chain(aside).for_each(Waker::wake);
        }
    }

    fn tell_pressure(&self) {
        if self.watched.load(Ordering::SeqCst) {
            self.pressure.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn len(&self) -> usize {
        self.line.len() + self.aside.len()
    }

    fn is_head(&self, place: Place) -> bool {
        let first = self.line.first_key_value();
        first.is_some_and(|(first, _)| *first == place)
    }
}

impl Wake for Queue {
    fn wake(self: Arc<Self>) {
        self.wake_head();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_head();
    }
}

impl Ticket {
    /// Whether it is this request's turn; if not, `waker` is woken when it is.
    pub(crate) fn is_head(&self, waker: &Waker) -> bool {
        let mut waiting = self.queue.waiting();
        let head = waiting.is_head(self.place);
        let old = waiting.line.get_mut(&self.place);
        let old = old.and_then(|registered| renew(registered, waker));
        // A waker may be the last that holds a task, and a task a ticket.
        drop(waiting);
        drop(old);
        head
    }

    /// Whether this request stands aside; then `waker` is woken when any process
    /// becomes ready.
    pub(crate) fn is_aside(&self, waker: &Waker) -> bool {
        let mut waiting = self.queue.waiting();
        let registered = waiting.aside.get_mut(&self.place);
        let (aside, old) = match registered {
            Some(registered) => (true, renew(registered, waker)),
            None => (false, None),
        };
        drop(waiting);
        drop(old);
        aside
    }

    /// Takes the place in the line that this request would have if it had not stood
    /// aside. Who calls this looks afterwards whether it is its turn.
    pub(crate) fn line_up(&self) {
        let mut waiting = self.queue.waiting();
        if let Some(waiter) = waiting.aside.remove(&self.place) {
            waiting.line.insert(self.place, waiter);
        }
    }
}

/// The waker that was there, unless it does as well.
fn renew(waiter: &mut Waiter, waker: &Waker) -> Option<Waker> {
    let is_other = !waiter.waker.will_wake(waker);
    is_other.then(|| std::mem::replace(&mut waiter.waker, waker.clone()))
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting();
        let was_head = waiting.is_head(self.place);
        let waiter = waiting.line.remove(&self.place);
        let waiter = waiter.or_else(|| waiting.aside.remove(&self.place));
        self.queue.len.store(waiting.len(), Ordering::SeqCst);
        let last = waiting.len() == 0;
        drop(waiting);
        drop(waiter);
        if was_head {
            self.queue.wake_head();
        }
        if last {
            self.queue.tell_pressure();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    struct Guest {
        woken: Arc<Woken>,
        ticket: Ticket,
    }

    impl Guest {
        fn enter(queue: &Arc<Queue>) -> Self {
            Self::try_enter(queue, true).unwrap()
        }

        fn try_enter(queue: &Arc<Queue>, first_try: bool) -> Result<Self, Error> {
            let woken = Arc::<Woken>::default();
            let ticket = queue.enter(first_try, &Waker::from(Arc::clone(&woken)))?;
            Ok(Self { woken, ticket })
        }

        fn is_head(&self) -> bool {
            self.ticket.is_head(&Waker::from(Arc::clone(&self.woken)))
        }

        fn wakes(&self) -> usize {
            self.woken.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn a_free_process_wakes_the_one_who_waits_longest() {
        let queue = Queue::new(10);
        let (one, two) = (Guest::enter(&queue), Guest::enter(&queue));
        Waker::from(Arc::clone(&queue)).wake();
        assert_eq!((one.wakes(), two.wakes()), (1, 0));
        assert!(one.is_head());
        assert!(!two.is_head());
    }

    #[test]
    fn a_head_that_is_dropped_after_it_was_woken_wakes_the_next() {
        let queue = Queue::new(10);
        let (one, two) = (Guest::enter(&queue), Guest::enter(&queue));
        Waker::from(Arc::clone(&queue)).wake();
        drop(one);
        assert_eq!(two.wakes(), 1);
        assert!(two.is_head());
    }

    #[test]
    fn one_that_leaves_from_the_middle_wakes_nobody() {
        let queue = Queue::new(10);
        let (one, two, three) = (
            Guest::enter(&queue),
            Guest::enter(&queue),
            Guest::enter(&queue),
        );
        drop(two);
        assert_eq!((one.wakes(), three.wakes()), (0, 0));
        assert_eq!(queue.len(), 2);
    }

    #[test]
    fn who_stands_aside_holds_up_nobody_and_is_woken_with_the_head() {
        let queue = Queue::new(10);
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        let aside = queue.enter_aside(&waker).unwrap();
        let head = Guest::enter(&queue);
        assert!(head.is_head() && aside.is_aside(&waker));
        assert_eq!(queue.len(), 2);

        Waker::from(Arc::clone(&queue)).wake();
        assert_eq!((woken.0.load(Ordering::SeqCst), head.wakes()), (1, 1));

        // It came first.
        aside.line_up();
        assert!(aside.is_head(&waker) && !aside.is_aside(&waker));
        assert!(!head.is_head());
        drop(aside);
        assert!(head.is_head());
        assert_eq!((queue.len(), head.wakes()), (1, 2));
    }

    #[test]
    fn a_full_queue_turns_away_but_not_one_that_was_sent_before() {
        let queue = Queue::new(1);
        let one = Guest::enter(&queue);
        assert!(
            Guest::try_enter(&queue, true)
                .err()
                .is_some_and(|error| error.is_queue_full())
        );

        let back = Guest::try_enter(&queue, false).ok().unwrap();
        assert!(back.is_head(), "it has waited longest");
        assert!(!one.is_head());
    }
}
