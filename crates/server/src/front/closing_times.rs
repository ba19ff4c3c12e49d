use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{Timeouts, tunnel::GOODBYE};

/// Says how long each of many connections may stay that are to end at once. Clones
/// take turns with each other.
///
/// The clients of all of them connect again, and many of those can only once they
/// have asked for this or that. So they are told one after the other, in the second
/// half of the time.
#[derive(Clone, Debug)]
pub(super) struct ClosingTimes {
    patience: Duration,
    next: Arc<AtomicU32>,
}

impl ClosingTimes {
    /// No connection may stay for longer than the time for upgraded ones, nor for so
    /// long that too little is left for a [`GOODBYE`] before all that runs is cut off.
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        Self::within(
            timeouts
                .upgrade
                .min(timeouts.shutdown.saturating_sub(GOODBYE)),
        )
    }

    fn within(patience: Duration) -> Self {
        Self {
            patience,
            next: Arc::default(),
        }
    }

    /// For one more connection.
    pub(super) fn next(&self) -> Duration {
        nth(self.next.fetch_add(1, Relaxed), self.patience)
    }
}

/// By its number, not by chance: however many there are, they fill the time evenly,
/// and each one is far from the one before. The first one has all of it.
fn nth(number: u32, patience: Duration) -> Duration {
    /// 2^32 divided by the golden ratio: its multiples fill the range evenly.
    const STEP: u32 = 0x9E37_79B9;

    let place = f64::from(number.wrapping_mul(STEP)) / (f64::from(u32::MAX) + 1.0);
    patience.saturating_sub((patience / 2).mul_f64(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_connections_fill_the_second_half_of_the_time_evenly() {
        let (begin, end) = (5.0, 10.0);
        for (first, count) in [(0, 10_000), (1, 100), (u32::MAX - 50, 100), (77, 3)] {
            let time = |n| nth(u32::wrapping_add(first, n), Duration::from_secs(10));
            let mut times: Vec<_> = (0..count).map(|n| time(n).as_secs_f64()).collect();
            times.sort_by(f64::total_cmp);
            assert!(times[0] > begin && times[times.len() - 1] <= end);
            times.insert(0, begin);
            times.push(end);
            let pauses = times.windows(2).map(|pair| pair[1] - pair[0]);
            let longest = pauses.fold(0.0, f64::max);
            let share = (end - begin) / f64::from(count);
            assert!(longest <= share * 2.5, "{count}: {longest} s, {share} s");
        }
    }

    #[test]
    fn a_connection_on_its_own_has_all_of_the_time() {
        for patience in [Duration::ZERO, Duration::from_secs(5), Duration::MAX] {
            let times = ClosingTimes::within(patience);
            assert_eq!(times.next(), patience);
            assert!(times.clone().next() <= patience);
        }
    }

    #[test]
    fn nobody_stays_until_it_is_too_late_for_a_goodbye() {
        for (upgrade, shutdown, expected) in [(5, 30, 5), (5, 7, 5), (5, 6, 4), (5, 1, 0)] {
            let timeouts = Timeouts {
                head: Duration::ZERO,
                body: Duration::ZERO,
                send: Duration::ZERO,
                upgrade: Duration::from_secs(upgrade),
                shutdown: Duration::from_secs(shutdown),
            };
            let time = ClosingTimes::new(&timeouts).next();
            assert_eq!(time, Duration::from_secs(expected), "{shutdown}");
        }
    }

    #[test]
    fn no_time_is_no_time_for_anybody() {
        let times = ClosingTimes::within(Duration::ZERO);
        assert!((0..100).all(|_| times.next() == Duration::ZERO));
    }
}
