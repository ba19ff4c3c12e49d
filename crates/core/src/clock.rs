use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime},
};

use crate::moment;

/// Where a layer reads the time, so that a test can move it.
///
/// There are two clocks. What somebody else has written, as `Date`, `Expires` or
/// the expiry of a signed cookie, is compared with the time of day; how much time
/// has passed is measured by a clock that nobody can set back (RFC 9111 §4.2.3
/// needs both).
///
/// ```
/// use std::{sync::Mutex, time::{Duration, Instant, SystemTime}};
/// use peregrine_core::Clock;
///
/// /// A clock that a test moves.
/// struct Moved { start: (SystemTime, Instant), by: Mutex<Duration> }
///
/// impl Clock for Moved {
///     fn wall(&self) -> SystemTime { self.start.0 + *self.by.lock().unwrap() }
///     fn monotonic(&self) -> Instant { self.start.1 + *self.by.lock().unwrap() }
/// }
///
/// let start = (SystemTime::now(), Instant::now());
/// let clock = Moved { start, by: Mutex::default() };
/// *clock.by.lock().unwrap() += Duration::from_secs(60);
/// assert_eq!(clock.monotonic(), start.1 + Duration::from_secs(60));
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn wall(&self) -> SystemTime;

    /// The time that only ever goes forward.
    fn monotonic(&self) -> Instant;
}

/// The clocks of the operating system: the default. The monotonic one is read once for
/// each [moment].
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Instant {
        moment::now().into_std()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn wall(&self) -> SystemTime {
        (**self).wall()
    }

    fn monotonic(&self) -> Instant {
        (**self).monotonic()
    }
}

impl fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
