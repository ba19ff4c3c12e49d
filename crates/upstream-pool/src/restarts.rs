use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The rolling restarts of a pool so far. See
/// [`PoolSnapshot::restarts`](crate::PoolSnapshot::restarts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restarts {
    /// How many have replaced all processes that there were.
    pub finished: u64,
    /// How many have come to nothing since new processes did not start.
    pub failed: u64,
    /// Whether one is under way.
    pub under_way: bool,
    /// When the latest was asked for; absent before the first. One that is asked for
    /// while another one is under way begins that anew: the two are one.
    pub last: Option<SystemTime>,
    /// How long the latest took, or has taken so far.
    pub last_took: Option<Duration>,
}

/// What has become of the restarts that were asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RestartLog {
    finished: u64,
    failed: u64,
    last: Option<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    at: SystemTime,
    begun: Instant,
    ended: Option<Instant>,
}

impl RestartLog {
    /// One is asked for.
    pub(crate) const fn begin(&mut self, at: SystemTime, now: Instant) {
        self.last = Some(Last {
            at,
            begun: now,
            ended: None,
        });
    }

    /// The one that is under way has replaced all processes.
    pub(crate) fn finish(&mut self, now: Instant) {
        self.finished += u64::from(self.end(now));
    }

    /// The one that is under way has come to nothing.
    pub(crate) fn fail(&mut self, now: Instant) {
        self.failed += u64::from(self.end(now));
    }

    /// The pool stops, and what is under way with it.
    pub(crate) fn cut_off(&mut self, now: Instant) {
        self.end(now);
    }

    /// Whether there was one to end.
    fn end(&mut self, now: Instant) -> bool {
        let under_way = self.last.as_mut().filter(|last| last.ended.is_none());
        under_way.is_some_and(|last| last.ended.replace(now).is_none())
    }

    pub(crate) fn look(&self, now: Instant) -> Restarts {
        let last = self.last;
        let took = |last: Last| {
            let until = last.ended.unwrap_or(now);
            until.saturating_duration_since(last.begun)
        };
        Restarts {
            finished: self.finished,
            failed: self.failed,
            under_way: last.is_some_and(|last| last.ended.is_none()),
            last: last.map(|last| last.at),
            last_took: last.map(took),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_restart_is_counted_once_by_how_it_ended() {
        let (at, begun) = (SystemTime::UNIX_EPOCH, Instant::now());
        let after = |seconds| begun + Duration::from_secs(seconds);
        let told = |log: &RestartLog, seconds| {
            let it = log.look(after(seconds));
            let took = it.last_took.map(|took| took.as_secs());
            (it.finished, it.failed, it.under_way, took)
        };
        let mut log = RestartLog::default();
        assert_eq!(log.look(begun), Restarts::default());

        log.begin(at, after(1));
        assert_eq!(told(&log, 3), (0, 0, true, Some(2)));
        log.finish(after(4));
        assert_eq!(told(&log, 60), (1, 0, false, Some(3)));

        log.begin(at + Duration::from_secs(60), after(60));
        log.fail(after(61));
        assert_eq!(told(&log, 70), (1, 1, false, Some(1)));
        // What has failed goes on by itself, when a process starts all the same.
        log.finish(after(75));
        assert_eq!(told(&log, 80), (1, 1, false, Some(1)));
        assert_eq!(
            log.look(begun).last,
            Some(at + Duration::from_secs(60)),
            "when it was asked for"
        );

        // Asked for twice, it is one.
        log.begin(at, after(90));
        log.begin(at, after(91));
        log.finish(after(93));
        assert_eq!(told(&log, 95), (2, 1, false, Some(2)));

        log.begin(at, after(100));
        log.cut_off(after(101));
        assert_eq!(told(&log, 110), (2, 1, false, Some(1)));
    }
}
