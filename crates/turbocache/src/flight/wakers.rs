use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::Wake,
};

use super::seats::{Seat, Seats};

/// Everyone who waits for one inner body, as the one waker that it sees.
///
/// Only one of them polls at a time, so each must be sure that somebody will.
/// What they go by:
///
/// - `due` says that the inner body has something to be polled for. It is set
///   at first, by every wake, and by whoever made progress and left more to do.
///   Whoever polls clears it first, so one wake makes one poll, not one for each
///   who was woken.
/// - Each registers *before* it looks at `due`. A wake sets `due` *before* it
///   takes the wakers. So whoever comes too late to be woken sees `due`.
/// - Who finds the body taken out by another stays registered. A wake that comes
///   meanwhile may have woken the other one only, who may be slow to poll again:
///   therefore whoever puts the body back wakes everyone if it has become `due` in
///   between.
pub(super) struct Wakers {
    due: AtomicBool,
    seats: Arc<Seats>,
}

impl Wakers {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            due: AtomicBool::new(true),
            seats: Arc::default(),
        })
    }

    pub(super) fn seat(&self) -> Seat {
        self.seats.seat()
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

    /// See [`Seats::wake_others`].
    pub(super) fn wake_others(&self, except: Option<&Seat>) {
        self.seats.wake_others(except);
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

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

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
}
