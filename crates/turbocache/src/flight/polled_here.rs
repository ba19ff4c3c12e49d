use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// When something set out that is polled for those who wait for it: after all that have
/// lower numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(u64);

static LAST: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// What this thread is in the middle of polling, the outermost first.
    static POLLED: RefCell<Vec<Number>> = const { RefCell::new(Vec::new()) };
}

/// What the inner service is polled for, as long as this is held: what it asks for
/// meanwhile is asked by itself.
///
/// It must not wait for itself, nor for what may wait for it. So it waits for what set out
/// later, and for nothing else: then there is no circle, however many pages are made of
/// one another.
pub(super) struct PolledHere;

impl Number {
    pub(super) fn next() -> Self {
        Self(LAST.fetch_add(1, Relaxed))
    }

    /// Whether what has this number, or may wait for it, is polled in this thread just now.
    pub(super) fn is_polled_here(self) -> bool {
        POLLED.with_borrow(|polled| polled.iter().any(|number| *number >= self))
    }
}

impl PolledHere {
    pub(super) fn mark(number: Number) -> Self {
        POLLED.with_borrow_mut(|polled| polled.push(number));
        Self
    }
}

impl Drop for PolledHere {
    fn drop(&mut self) {
        POLLED.with_borrow_mut(Vec::pop);
    }
}
