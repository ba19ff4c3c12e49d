//! Times in buckets: fixed memory, one atomic addition to record one, and no
//! percentile off by more than 1/32 (3.1 %).
//!
//! The buckets are log-linear, as in HDR Histogram: each power of two of
//! nanoseconds is cut into sixteen of equal width. What lies in a bucket is
//! reported as its middle, at most half a width away; and a width is at most a
//! sixteenth of the values in it.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Buckets per power of two, itself as a power of two.
const PRECISION: u32 = 4;
const PER_OCTAVE: usize = 1 << PRECISION;
/// The last bucket ends before 2^43 ns, or 2 h 26 min, and takes what lasts
/// longer, too.
const LAST_OCTAVE: u32 = 42;
const BUCKETS: usize = (LAST_OCTAVE - PRECISION + 2) as usize * PER_OCTAVE;

/// Counts that many threads add to.
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    /// In nanoseconds. Exact, where the buckets would round.
    max: AtomicU64,
}

/// How long things took, at one moment.
///
/// Times are within 1/32 (3.1 %) of the exact ones for anything up to two hours;
/// the maximum is exact.
///
/// ```
/// use std::time::Duration;
/// use peregrine_request_accounting::RequestAccounting;
///
/// let latency = RequestAccounting::new().latency();
/// assert_eq!((latency.count(), latency.max()), (0, Duration::ZERO));
/// assert_eq!(latency.at_most(Duration::from_secs(1)), 0);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Distribution {
    buckets: Box<[u64; BUCKETS]>,
    max: u64,
}

/// Enough for 584 years, which is as long as anything takes here.
pub(crate) fn whole_nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The bucket that `nanos` falls into.
fn bucket_of(nanos: u64) -> usize {
    // Below 2^5 each value has a bucket of its own, as the formula gives it
    // for a shift of 0.
    let octave = nanos.max(1).ilog2();
    let shift = octave.saturating_sub(PRECISION);
    if octave > LAST_OCTAVE {
        return BUCKETS - 1;
    }
    // At most 2^5 - 1 is left after the shift.
    #[expect(clippy::cast_possible_truncation, reason = "shifted down to five bits")]
    let within = (nanos >> shift) as usize;
    shift as usize * PER_OCTAVE + within
}

/// The value in the middle of a bucket, in nanoseconds.
fn middle_of(bucket: usize) -> u64 {
    let shift = (bucket / PER_OCTAVE).saturating_sub(1);
    let within = (bucket - shift * PER_OCTAVE) as u64;
    // A bucket of width one has its only value as its middle.
    (within << shift) + ((1 << shift) >> 1)
}

impl Histogram {
    pub(crate) const fn new() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            max: AtomicU64::new(0),
        }
    }

    pub(crate) fn record(&self, nanos: u64) {
        self.buckets[bucket_of(nanos)].fetch_add(1, Ordering::Relaxed);
        // Nearly never true, and reading costs no other thread anything.
        if nanos > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(nanos, Ordering::Relaxed);
        }
    }

    /// Adds what this histogram has counted to `distribution`.
    pub(crate) fn add_to(&self, distribution: &mut Distribution) {
        for (sum, bucket) in distribution.buckets.iter_mut().zip(&self.buckets) {
            *sum += bucket.load(Ordering::Relaxed);
        }
        distribution.max = distribution.max.max(self.max.load(Ordering::Relaxed));
    }
}

impl Distribution {
    pub(crate) fn new() -> Self {
        Self {
            buckets: Box::new([0; BUCKETS]),
            max: 0,
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// How many took no longer than `time`, which is rounded as they are.
    pub fn at_most(&self, time: Duration) -> u64 {
        let last = bucket_of(whole_nanos(time));
        self.buckets[..=last].iter().sum()
    }

    /// The longest; zero if there was none.
    pub const fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// All of them, one after the other.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.sum_of_nanos()).unwrap_or(u64::MAX))
    }

    /// The arithmetic mean; zero if there was none.
    pub fn mean(&self) -> Duration {
        let mean = self.sum_of_nanos() / u128::from(self.count().max(1));
        Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The smallest recorded time that at least `permille` of all don't exceed
    /// (the nearest-rank method); zero if there are none.
    pub fn percentile(&self, permille: u64) -> Duration {
        let rank = u128::from(self.count()) * u128::from(permille);
        let rank = rank.div_ceil(1000).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= rank {
                return Duration::from_nanos(self.value_of(bucket));
            }
        }
        Duration::ZERO
    }

    fn sum_of_nanos(&self) -> u128 {
        let buckets = self.buckets.iter().enumerate();
        buckets
            .map(|(bucket, count)| u128::from(self.value_of(bucket)) * u128::from(*count))
            .sum()
    }

    /// The middle of a bucket, or the maximum where that lies below it: no
    /// percentile shall exceed the slowest request.
    fn value_of(&self, bucket: usize) -> u64 {
        middle_of(bucket).min(self.max)
    }
}

impl fmt::Debug for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Distribution")
            .field("count", &self.count())
            .field("mean", &self.mean())
            .field("max", &self.max())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recorded(times: &[u64]) -> Distribution {
        let histogram = Histogram::new();
        for nanos in times {
            histogram.record(*nanos);
        }
        let mut distribution = Distribution::new();
        histogram.add_to(&mut distribution);
        distribution
    }

    #[test]
    fn which_bucket_holds_what() {
        let cases = [
            ("zero", 0, 0, 0),
            ("one", 1, 1, 1),
            ("the last of width one", 31, 31, 31),
            ("the first of width two", 32, 32, 33),
            ("its second value", 33, 32, 33),
            ("the last of width two", 63, 47, 63),
            ("the first of width four", 64, 48, 66),
            ("the last in range", (1 << 43) - 1, 639, 63 << 37),
            ("the first out of range", 1 << 43, 639, 63 << 37),
            ("the longest", u64::MAX, 639, 63 << 37),
        ];
        for (name, nanos, bucket, middle) in cases {
            assert_eq!(bucket_of(nanos), bucket, "{name}");
            assert_eq!(middle_of(bucket), middle, "{name}");
        }
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        // All below 32 ns, where buckets are exact.
        let ten: Vec<u64> = (1..=10).collect();
        let cases: [(&str, &[u64], u64, u64); 8] = [
            ("nothing recorded", &[], 500, 0),
            ("one is all", &[7], 500, 7),
            ("one is all, even at the end", &[7], 990, 7),
            ("the lower of two is the median", &[3, 9], 500, 3),
            ("the median of ten", &ten, 500, 5),
            ("nine of ten", &ten, 900, 9),
            ("99 of 100 need all ten", &ten, 990, 10),
            ("the order of recording does not matter", &[9, 3, 5], 500, 5),
        ];
        for (name, times, permille, nanos) in cases {
            assert_eq!(
                recorded(times).percentile(permille),
                Duration::from_nanos(nanos),
                "{name}"
            );
        }
    }

    #[test]
    fn how_many_took_no_longer() {
        let ten: Vec<u64> = (1..=10).collect();
        let cases = [(0, 0), (1, 1), (5, 5), (10, 10), (1_000, 10)];
        for (nanos, expected) in cases {
            let time = Duration::from_nanos(nanos);
            assert_eq!(recorded(&ten).at_most(time), expected, "{nanos}");
        }
        assert_eq!(recorded(&ten).sum(), Duration::from_nanos(55));
        let day = Duration::from_secs(86_400);
        assert_eq!(
            recorded(&[u64::MAX]).at_most(day),
            1,
            "beyond the last bucket"
        );
    }

    #[test]
    fn a_time_out_of_range_counts_and_keeps_the_maximum_exact() {
        let day = 86_400_000_000_000;
        let recorded = recorded(&[day]);
        assert_eq!(recorded.count(), 1);
        assert_eq!(recorded.max(), Duration::from_nanos(day));
        assert!(recorded.percentile(500) > Duration::from_secs(2 * 3600));
    }

    proptest! {
        #[test]
        fn buckets_are_in_order_and_their_middles_are_their_own(nanos in 0_u64..1 << 43) {
            let bucket = bucket_of(nanos);
            prop_assert!(bucket < BUCKETS);
            prop_assert!(bucket_of(nanos + 1) - bucket <= 1);
            prop_assert_eq!(bucket_of(middle_of(bucket)), bucket);
            prop_assert!(middle_of(bucket).abs_diff(nanos) <= nanos / 32 + 1);
        }

        #[test]
        fn no_percentile_and_no_mean_is_off_by_more_than_a_thirty_second(
            // Spread over all octaves, as plain integers would not be.
            times in prop::collection::vec((0_u32..43, any::<u64>()), 1..200),
            permille in 1_u64..=1000,
        ) {
            let mut times: Vec<u64> = times
                .into_iter()
                .map(|(octave, bits)| (1 << octave) | (bits & ((1 << octave) - 1)))
                .collect();
            let recorded = recorded(&times);
            times.sort_unstable();

            let count = times.len() as u64;
            prop_assert_eq!(recorded.count(), count);
            prop_assert_eq!(recorded.max().as_nanos(), u128::from(times[times.len() - 1]));

            let rank = usize::try_from((count * permille).div_ceil(1000)).unwrap();
            let exact = u128::from(times[rank - 1]);
            let told = recorded.percentile(permille).as_nanos();
            prop_assert!(told.abs_diff(exact) <= exact / 32 + 1, "{told} for {exact}");

            let exact = times.iter().copied().map(u128::from).sum::<u128>() / u128::from(count);
            let told = recorded.mean().as_nanos();
            prop_assert!(told.abs_diff(exact) <= exact / 32 + 2, "{told} for {exact}");
        }
    }
}
