use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts who is inside, and can be closed.
///
/// Both in one word, so that of "the gate is closed" and "the last one has
/// left", in whichever order and on whichever threads they happen, exactly one
/// finds the other already done.
#[derive(Debug, Default)]
pub(crate) struct Gate(AtomicUsize);

const CLOSED: usize = 1;
const ONE: usize = 2;

impl Gate {
    /// Takes a place inside, unless the gate is closed.
    pub(crate) fn try_enter(&self) -> bool {
        self.0
            .try_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                (now & CLOSED == 0).then_some(now + ONE)
            })
            .is_ok()
    }

    /// Gives a place back. Whether it was the last one behind a closed gate.
    pub(crate) fn leave(&self) -> bool {
        self.0.fetch_sub(ONE, Ordering::AcqRel) == ONE + CLOSED
    }

    /// Nobody enters from now on.
    pub(crate) fn close(&self) {
        self.0.fetch_or(CLOSED, Ordering::AcqRel);
    }

    pub(crate) fn open(&self) {
        self.0.fetch_and(!CLOSED, Ordering::AcqRel);
    }

    /// Whether it is closed and nobody is inside: that stays so until it is
    /// opened.
    pub(crate) fn is_drained(&self) -> bool {
        self.0.load(Ordering::Acquire) == CLOSED
    }

    pub(crate) fn inside(&self) -> usize {
        self.0.load(Ordering::Acquire) / ONE
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize},
        },
        thread,
    };

    use super::*;

    #[test]
    fn a_closed_gate_lets_people_out_but_not_in() {
        let gate = Gate::default();
        assert!(gate.try_enter());
        assert!(gate.try_enter());
        gate.close();
        assert!(!gate.try_enter());
        assert!(!gate.leave());
        assert!(!gate.is_drained());
        assert!(gate.leave(), "the last one");
        assert!(gate.is_drained());

        gate.open();
        assert!(!gate.is_drained());
        assert!(gate.try_enter());
        assert!(!gate.leave(), "nobody waits for it");
    }

    #[test]
    fn a_gate_that_is_closed_while_nobody_is_inside_is_drained() {
        let gate = Gate::default();
        gate.close();
        assert!(gate.is_drained());
    }

    /// Threads that come and go, and one that closes, waits, looks and opens.
    #[test]
    fn nobody_is_inside_a_drained_gate() {
        let gate = Arc::new(Gate::default());
        let (inside, over) = (Arc::new(AtomicUsize::new(0)), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        if gate.try_enter() {
                            inside.fetch_add(1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                            gate.leave();
                        } else {
                            thread::yield_now();
                        }
                    }
                });
            }
            for _ in 0..2_000 {
                gate.close();
                while !gate.is_drained() {
                    thread::yield_now();
                }
                assert_eq!(inside.load(Ordering::SeqCst), 0);
                gate.open();
            }
            over.store(true, Ordering::Relaxed);
        });
    }
}
