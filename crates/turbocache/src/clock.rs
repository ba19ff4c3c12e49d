use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime},
};

/// Where the cache reads the time.
///
/// There are two clocks, because RFC 9111 §4.2.3 needs both: `Date` and
/// `Expires` are compared with the wall clock, while the time that a response
/// has spent in the cache is measured by one that nobody can set back.
///
/// ```
/// use std::{sync::{Arc, Mutex}, time::{Duration, Instant, SystemTime}};
/// use turbocache::{Clock, TurboCache};
///
/// /// A clock that a test moves.
/// struct Moved { start: (SystemTime, Instant), by: Mutex<Duration> }
///
/// impl Clock for Moved {
///     fn wall(&self) -> SystemTime { self.start.0 + *self.by.lock().unwrap() }
///     fn monotonic(&self) -> Instant { self.start.1 + *self.by.lock().unwrap() }
/// }
///
/// let clock = Arc::new(Moved {
///     start: (SystemTime::now(), Instant::now()),
///     by: Mutex::default(),
/// });
/// let cache = TurboCache::conservative().clock(Arc::clone(&clock));
/// *clock.by.lock().unwrap() += Duration::from_secs(60);
/// # drop(cache);
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The time of day.
    fn wall(&self) -> SystemTime;

    /// The time that only ever goes forward. Read once for each request that
    /// is looked up.
    fn monotonic(&self) -> Instant;
}

/// The clocks of the operating system: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
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

/// One moment, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) wall: SystemTime,
    pub(crate) monotonic: Instant,
}

impl Now {
    pub(crate) fn on(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.wall(),
            monotonic: clock.monotonic(),
        }
    }
}
