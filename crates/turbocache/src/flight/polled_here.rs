use std::cell::RefCell;

thread_local! {
    /// What this thread is in the middle of polling, the outermost first.
    static POLLED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// What the inner service is polled for, as long as this is held: what it asks for
/// meanwhile is asked by itself, and must not wait for it.
pub(super) struct PolledHere;

impl PolledHere {
    /// `address` is where that is which is polled.
    pub(super) fn mark(address: usize) -> Self {
        POLLED.with_borrow_mut(|polled| polled.push(address));
        Self
    }

    pub(super) fn is(address: usize) -> bool {
        POLLED.with_borrow(|polled| polled.contains(&address))
    }
}

impl Drop for PolledHere {
    fn drop(&mut self) {
        POLLED.with_borrow_mut(Vec::pop);
    }
}
