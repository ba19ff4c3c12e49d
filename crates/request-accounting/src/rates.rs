use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The longest window that rates are known for.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// How close samples are kept to each other: 181 of them at most.
const APART: Duration = Duration::from_secs(5);

/// How often something happened, over windows of time up to 15 minutes.
///
/// Whoever reads a counter that never goes down, [`Snapshot::finished`] say,
/// [records](Self::record) it here every five seconds. The requests themselves
/// pay nothing for it.
///
/// [`Snapshot::finished`]: crate::Snapshot::finished
///
/// ```
/// use std::time::Duration;
/// use peregrine_request_accounting::Rates;
/// use tokio::time::Instant;
///
/// let begun = Instant::now();
/// let mut rates = Rates::new();
/// rates.record(begun, 0);
/// rates.record(begun + Duration::from_secs(30), 600);
///
/// let now = begun + Duration::from_secs(60);
/// // Ten a second in the last half minute, 15 in the whole minute.
/// assert_eq!(rates.per_second(now, 900, Duration::from_secs(30)), Some(10.0));
/// assert_eq!(rates.per_second(now, 900, Duration::from_secs(60)), Some(15.0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rates {
    /// Oldest first.
    samples: VecDeque<(Instant, u64)>,
}

impl Rates {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter stands at `count` now. Calls less than five seconds after the
    /// last one that was kept have no effect.
    pub fn record(&mut self, now: Instant, count: u64) {
        let too_close = |&(at, _): &(Instant, u64)| now.saturating_duration_since(at) < APART;
        if self.samples.back().is_some_and(too_close) {
            return;
        }
        self.samples.push_back((now, count));
        // One that is older than the longest window is needed: where it began.
        let begun = |&(at, _): &(Instant, u64)| now.saturating_duration_since(at) >= LONGEST;
        while self.samples.get(1).is_some_and(begun) {
            self.samples.pop_front();
        }
    }

    /// How often a second, on average over the last `window` until `now`, when
    /// the counter stands at `count`: over a few seconds more where no sample
    /// fits, and over all that is known if that is less. `None` before there is
    /// anything to compare with.
    pub fn per_second(&self, now: Instant, count: u64, window: Duration) -> Option<f64> {
        let old_enough = |&&(at, _): &&(Instant, u64)| now.saturating_duration_since(at) >= window;
        let samples = self.samples.iter();
        let (at, before) = samples
            .rev()
            .find(old_enough)
            .or_else(|| self.samples.front())?;
        let elapsed = now.saturating_duration_since(*at).as_secs_f64();
        // Beyond 2^53 a rate loses digits that nobody prints.
        #[expect(clippy::cast_precision_loss)]
        let happened = count.saturating_sub(*before) as f64;
        (elapsed > 0.0).then(|| happened / elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn rates_are_over_the_window_that_is_asked_for() {
        let begun = Instant::now();
        let mut rates = Rates::new();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        assert_eq!(rates.per_second(begun, 7, MINUTE), None, "nothing known");
        // One a second for half an hour, then two.
        for seconds in 0..=1800 {
            rates.record(at(seconds), seconds);
        }
        assert!(rates.samples.len() <= 182, "{}", rates.samples.len());
        let cases = [
            ("a minute", 1860, 1920, 1, 2.0),
            ("five minutes", 1860, 1920, 5, 1.2),
            ("fifteen", 1860, 1920, 15, 16.0 / 15.0),
            ("more than is kept", 1860, 1920, 100, 16.0 / 15.0),
            ("a counter that stands", 1860, 1800, 1, 0.0),
            ("one that was reset", 1860, 3, 1, 0.0),
        ];
        for (name, seconds, count, minutes, expected) in cases {
            let rate = rates
                .per_second(at(seconds), count, MINUTE * minutes)
                .unwrap();
            assert!((rate - expected).abs() < 0.01, "{name}: {rate}");
        }
    }

    #[test]
    fn a_young_server_s_rate_is_over_its_life() {
        let begun = Instant::now();
        let mut rates = Rates::new();
        rates.record(begun, 0);
        assert_eq!(
            rates.per_second(begun, 0, MINUTE),
            None,
            "no time has passed"
        );
        let now = begun + Duration::from_secs(10);
        assert_eq!(rates.per_second(now, 50, MINUTE), Some(5.0));
    }
}
