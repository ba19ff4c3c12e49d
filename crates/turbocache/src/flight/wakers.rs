use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Wake, Waker},
};

use super::lock;

/// Everyone who waits for one inner future or body, as the one waker that it
/// sees.
///
/// Only one of them polls at a time, so each must be sure that somebody will.
/// What they go by:
///
/// - `due` says that the inner thing has something to be polled for. It is set
///   at first, by every wake, and by whoever made progress and left more to do.
///   Whoever polls clears it first, so one wake makes one poll, not one for each
///   who was woken.
/// - Each registers *before* it looks at `due`. A wake sets `due` *before* it
///   takes the wakers. So whoever comes too late to be woken sees `due`.
/// - Who finds the inner thing taken out by another stays registered. A wake
///   that comes meanwhile may have woken the other one only, who may be slow to
///   poll again: therefore whoever puts the inner thing back wakes everyone if
///   it has become `due` in between.
pub(super) struct Wakers {
    due: AtomicBool,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    wakers: Vec<Option<Waker>>,
    /// Seats whose owner has left. Their number is bounded by how many were
    /// occupied at the same time.
    free: Vec<usize>,
}

impl Wakers {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            due: AtomicBool::new(true),
            seats: Mutex::default(),
        })
    }

    /// A place for one who may have to wait.
    pub(super) fn seat(self: &Arc<Self>) -> Seat {
        let mut seats = lock(&self.seats);
        let index = seats.free.pop().unwrap_or_else(|| {
            seats.wakers.push(None);
            seats.wakers.len() - 1
        });
        drop(seats);
        Seat {
            wakers: Arc::clone(self),
            index,
        }
    }

    /// Whether it is time to poll; if so, it is up to the caller now.
    pub(super) fn take_due(&self) -> bool {
        self.due.swap(false, SeqCst)
    }

    pub(super) fn is_due(&self) -> bool {
        self.due.load(SeqCst)
    }

    pub(super) fn set_due(&self) {
        self.due.store(true, SeqCst);
    }

    /// Wakes everyone but the one who tells them: `None` for all.
    pub(super) fn wake_others(&self, except: Option<&Seat>) {
        let except = except.map(|seat| seat.index);
        let seats = lock(&self.seats).wakers.len();
        // One at a time, so that the lock is free again while each is woken, and
        // nothing need be collected. Who registers meanwhile may be woken for
        // nothing, which is harmless; who takes a new seat has yet to look.
        for index in (0..seats).filter(|index| Some(*index) != except) {
            let waker = lock(&self.seats).wakers[index].take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set_due();
        self.wake_others(None);
    }
}

/// The place of one who waits. Free again when dropped.
pub(super) struct Seat {
    wakers: Arc<Wakers>,
    index: usize,
}

impl Seat {
    /// Has the task of `cx` woken the next time.
    pub(super) fn register(&self, cx: &Context<'_>) {
        {
            let seats = lock(&self.wakers.seats);
            if let Some(waker) = &seats.wakers[self.index]
                && waker.will_wake(cx.waker())
            {
                return;
            }
        }
        let waker = cx.waker().clone();
        let old = lock(&self.wakers.seats).wakers[self.index].replace(waker);
        // The lock is free: to drop a waker may drop a task, and that may own a
        // seat here.
        drop(old);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = lock(&self.wakers.seats);
        let waker = seats.wakers[self.index].take();
        seats.free.push(self.index);
        drop(seats);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks, at the moment when it is woken, whether it is time to poll.
    struct Asks(Arc<Wakers>, AtomicBool);

    impl Wake for Asks {
        fn wake(self: Arc<Self>) {
            self.1.store(self.0.take_due(), SeqCst);
        }
    }

    #[test]
    fn it_is_due_before_anyone_is_woken() {
        let wakers = Wakers::new();
        assert!(wakers.take_due(), "at first");
        let seat = wakers.seat();
        let asks = Arc::new(Asks(Arc::clone(&wakers), AtomicBool::default()));
        let waker = Waker::from(Arc::clone(&asks));
        seat.register(&Context::from_waker(&waker));
        Waker::from(Arc::clone(&wakers)).wake();
        assert!(asks.1.load(SeqCst));
    }

    #[test]
    fn a_seat_is_given_to_the_next_one_and_wakes_nobody_else() {
        let wakers = Wakers::new();
        let asks = Arc::new(Asks(Arc::clone(&wakers), AtomicBool::default()));
        let seat = wakers.seat();
        let waker = Waker::from(Arc::clone(&asks));
        seat.register(&Context::from_waker(&waker));
        drop((seat, waker));
        assert_eq!(Arc::strong_count(&asks), 1, "nothing of who left is kept");
        let seats: Vec<_> = (0..3).map(|_| wakers.seat()).collect();
        assert_eq!(seats.iter().map(|seat| seat.index).max(), Some(2));
    }
}
