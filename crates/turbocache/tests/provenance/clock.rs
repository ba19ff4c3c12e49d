use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use turbocache::Clock;

/// The wall clock at the start, since 1970: the date of RFC 9110's examples.
pub(crate) const START: Duration = Duration::from_secs(784_111_777);

/// A clock that stands until it is moved.
#[derive(Clone)]
pub(crate) struct MovedClock {
    start: (SystemTime, Instant),
    by: Arc<Mutex<Duration>>,
}

impl MovedClock {
    pub(crate) fn new() -> Self {
        Self {
            start: (SystemTime::UNIX_EPOCH + START, Instant::now()),
            by: Arc::default(),
        }
    }

    pub(crate) fn forward(&self, seconds: u64) {
        *self.by.lock().unwrap() += Duration::from_secs(seconds);
    }

    /// Seconds since the start.
    pub(crate) fn now(&self) -> u64 {
        self.by.lock().unwrap().as_secs()
    }

    /// The date in `seconds` from now.
    pub(crate) fn date(&self, seconds: i64) -> String {
        let now = self.wall();
        let offset = Duration::from_secs(seconds.unsigned_abs());
        let then = if seconds < 0 {
            now - offset
        } else {
            now + offset
        };
        httpdate::fmt_http_date(then)
    }
}

impl Clock for MovedClock {
    fn wall(&self) -> SystemTime {
        self.start.0 + *self.by.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        self.start.1 + *self.by.lock().unwrap()
    }
}
