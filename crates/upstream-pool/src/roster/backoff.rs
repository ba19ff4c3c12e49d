use std::time::Duration;

use tokio::time::Instant;

/// The pause after the first failed start. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between two starts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// When to start again after starts that came to nothing.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    /// In a row.
    failures: u32,
    /// No start before this.
    retry_at: Option<Instant>,
}

impl Backoff {
    /// A start failed.
    pub(super) fn start_failed(&mut self, now: Instant) {
        self.fail(now, self.failures);
    }

    /// A process was ready, but ended before it had served anything. Once may
    /// be chance: the first pause is left out.
    pub(super) fn died_young(&mut self, now: Instant) {
        match self.failures.checked_sub(1) {
            Some(doublings) => self.fail(now, doublings),
            None => self.failures = 1,
        }
    }

    /// Several processes that fail together are one failure.
    fn fail(&mut self, now: Instant, doublings: u32) {
        if self.may_start(now) {
            self.failures = self.failures.saturating_add(1);
            self.retry_at = Some(now + pause(doublings));
        }
    }

    /// A process got ready: the next one need not wait. That the failures are
    /// over is only proven by one that serves.
    pub(super) const fn start_succeeded(&mut self) {
        self.retry_at = None;
    }

    /// A process has served.
    pub(super) fn proven(&mut self) {
        *self = Self::default();
    }

    /// How many starts in a row came to nothing.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) const fn is_failing(&self) -> bool {
        self.failures > 0
    }

    pub(super) fn may_start(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    /// When the pause ends, until [`tick`](Self::tick) has seen that.
    pub(super) const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.retry_at = self.retry_at.filter(|at| *at > now);
    }
}

fn pause(doublings: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_and_has_an_end() {
        let seconds = |doublings| pause(doublings).as_secs();
        assert_eq!([0, 1, 2, 4].map(seconds), [1, 2, 4, 16]);
        for doublings in [5, 31, 32, 100, u32::MAX] {
            assert_eq!(pause(doublings), LONGEST_PAUSE);
        }
    }
}
