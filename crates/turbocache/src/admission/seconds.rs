use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

use peregrine_core::PerThread;

use crate::clock::Clocks;

/// Whole seconds since this was made.
///
/// To read the clock takes a sixth of all that is done for a request that passes. So a
/// thread that has asked what second it [is](Self::lately) several times within one does not
/// read it for as many requests more, and takes them to be in that second, too: at most
/// [`MOST`] after a burst, however long after.
pub(super) struct Seconds {
    clocks: Clocks,
    epoch: Instant,
    /// What each thread knows. One that has no place of its own reads the clock each time.
    threads: PerThread<AtomicU64>,
}

/// How often a thread does not read the clock, at most, before it does again.
const MOST: u64 = 31;

/// What a thread knows is one word: the second, how often the clock was to be spared when it
/// was read, and how often that is left. A byte for each of the latter.
const BYTE: u32 = 8;
const LEFT: u64 = 0xFF;

impl Seconds {
    pub(super) fn of(clocks: Clocks) -> Self {
        let epoch = clocks.monotonic();
        Self {
            clocks,
            epoch,
            threads: PerThread::default(),
        }
    }

    /// By the clock.
    pub(super) fn now(&self) -> u64 {
        let now = self.clocks.monotonic();
        now.saturating_duration_since(self.epoch).as_secs()
    }

    /// By the clock, or what it was when this thread read it last.
    #[inline]
    pub(super) fn lately(&self) -> u64 {
        match self.threads.own() {
            Some(known) => self.lately_by(known),
            None => self.now(),
        }
    }

    #[inline]
    fn lately_by(&self, known: &AtomicU64) -> u64 {
        let word = known.load(Relaxed);
        if word & LEFT != 0 {
            known.store(word - 1, Relaxed);
            return second(word);
        }
        self.read(known)
    }

    // Not inlined: most go by without it.
    #[inline(never)]
    fn read(&self, known: &AtomicU64) -> u64 {
        let before = known.load(Relaxed);
        let now = self.now();
        // A clock that was given may be moved between any two requests.
        let is_steady = matches!(self.clocks, Clocks::System);
        let spare = if is_steady && second(before) == now {
            (2 * (before >> BYTE & LEFT) + 1).min(MOST)
        } else {
            0
        };
        known.store(now << (2 * BYTE) | spare << BYTE | spare, Relaxed);
        now
    }
}

const fn second(word: u64) -> u64 {
    word >> (2 * BYTE)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::time::advance;

    use super::*;
    use crate::test_support::MovedClock;

    /// How often what a thread knows is asked until the clock is read.
    fn spared(known: &AtomicU64) -> u64 {
        known.load(Relaxed) & LEFT
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_is_read_less_and_less_within_a_second_and_no_less_than_that() {
        let seconds = Seconds::of(Clocks::System);
        let known = AtomicU64::new(0);
        advance(Duration::from_millis(1500)).await;
        let mut read = Vec::new();
        for request in 0..200 {
            if spared(&known) == 0 {
                read.push(request);
            }
            assert_eq!(seconds.lately_by(&known), 1);
        }
        assert_eq!(read, [0, 1, 3, 7, 15, 31, 63, 95, 127, 159, 191]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_but_once_a_second_is_always_told_the_time() {
        let seconds = Seconds::of(Clocks::System);
        let known = AtomicU64::new(0);
        for second in 1..10 {
            advance(Duration::from_secs(1)).await;
            assert_eq!(seconds.lately_by(&known), second);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_a_few_are_told_what_it_was() {
        let seconds = Seconds::of(Clocks::System);
        let known = AtomicU64::new(0);
        for _ in 0..1000 {
            seconds.lately_by(&known);
        }
        let left = spared(&known);
        advance(Duration::from_secs(3600)).await;
        for _ in 0..left {
            assert_eq!(seconds.lately_by(&known), 0);
        }
        assert_eq!(seconds.lately_by(&known), 3600);
        assert_eq!(spared(&known), 0, "a new second is a new beginning");
        assert_eq!(seconds.now(), 3600);
    }

    #[test]
    fn a_clock_that_is_moved_is_always_read() {
        let clock = Arc::new(MovedClock::new());
        let seconds = Seconds::of(Clocks::Given(clock.clone()));
        let known = AtomicU64::new(0);
        for _ in 0..100 {
            seconds.lately_by(&known);
        }
        clock.forward(1);
        assert_eq!(seconds.lately_by(&known), 1);
        assert_eq!(seconds.lately(), 1);
    }
}
