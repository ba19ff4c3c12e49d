use std::{
    panic::catch_unwind,
    sync::{Arc, Mutex},
    task::{Context, Waker},
};

use super::lock;

/// Everyone who waits for the same thing.
#[derive(Default)]
pub(super) struct Seats(Mutex<Places>);

#[derive(Default)]
struct Places {
    wakers: Vec<Option<Waker>>,
    /// Seats whose owner has left. Their number is bounded by how many were
    /// occupied at the same time.
    free: Vec<usize>,
}

impl Seats {
    /// A place for one who may have to wait.
    pub(super) fn seat(self: &Arc<Self>) -> Seat {
        let mut places = lock(&self.0);
        let index = places.free.pop().unwrap_or_else(|| {
            places.wakers.push(None);
            places.wakers.len() - 1
        });
        drop(places);
        Seat {
            seats: Arc::clone(self),
            index,
        }
    }

    /// Wakes everyone but the one who tells them: `None` for all.
    pub(super) fn wake_others(&self, except: Option<&Seat>) {
        let except = except.map(|seat| seat.index);
        let places = lock(&self.0).wakers.len();
        // One at a time, so that the lock is free again while each is woken, and
        // nothing need be collected. Who registers meanwhile may be woken for
        // nothing, which is harmless; who takes a new seat has yet to look.
        for index in (0..places).filter(|index| Some(*index) != except) {
            let waker = lock(&self.0).wakers[index].take();
            if let Some(waker) = waker {
                // Who panics when he is woken keeps nobody else asleep.
                let _ = catch_unwind(|| waker.wake());
            }
        }
    }
}

/// The place of one who waits. Free again when dropped.
pub(super) struct Seat {
    seats: Arc<Seats>,
    index: usize,
}

impl Seat {
    /// Has the task of `cx` woken the next time.
    pub(super) fn register(&self, cx: &Context<'_>) {
        {
            let places = lock(&self.seats.0);
            if let Some(waker) = &places.wakers[self.index]
                && waker.will_wake(cx.waker())
            {
                return;
            }
        }
        let waker = cx.waker().clone();
        let old = lock(&self.seats.0).wakers[self.index].replace(waker);
        // The lock is free: to drop a waker may drop a task, and that may own a
        // seat here.
        drop(old);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut places = lock(&self.seats.0);
        let waker = places.wakers[self.index].take();
        places.free.push(self.index);
        drop(places);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    struct Nothing;

    impl Wake for Nothing {
        fn wake(self: Arc<Self>) {}
    }

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("as it happens");
        }
    }

    #[test]
    fn one_who_panics_when_he_is_woken_keeps_nobody_asleep() {
        let seats = Arc::<Seats>::default();
        let taken = [seats.seat(), seats.seat()];
        let task = Arc::new(Nothing);
        let wakers = [
            Waker::from(Arc::new(Panics)),
            Waker::from(Arc::clone(&task)),
        ];
        for (seat, waker) in taken.iter().zip(wakers) {
            seat.register(&Context::from_waker(&waker));
        }
        seats.wake_others(None);
        assert_eq!(Arc::strong_count(&task), 1, "he was woken");
    }

    #[test]
    fn a_seat_is_given_to_the_next_one_and_wakes_nobody_else() {
        let seats = Arc::<Seats>::default();
        let task = Arc::new(Nothing);
        let waker = Waker::from(Arc::clone(&task));
        let seat = seats.seat();
        seat.register(&Context::from_waker(&waker));
        drop((seat, waker));
        assert_eq!(Arc::strong_count(&task), 1, "nothing of who left is kept");
        let taken: Vec<_> = (0..3).map(|_| seats.seat()).collect();
        assert_eq!(taken.iter().map(|seat| seat.index).max(), Some(2));
    }
}
