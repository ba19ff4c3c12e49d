use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime},
};

/// Where the layer reads the time.
///
/// ```
/// use std::time::{Instant, SystemTime};
/// use peregrine_cookie_variation::{Clock, CookieVariation};
///
/// struct Stopped(SystemTime, Instant);
///
/// impl Clock for Stopped {
///     fn wall(&self) -> SystemTime { self.0 }
///     fn monotonic(&self) -> Instant { self.1 }
/// }
///
/// let clock = Stopped(SystemTime::now(), Instant::now());
/// let cookies = CookieVariation::asserted(["session"]).clock(clock);
/// # drop(cookies);
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The time of day, with which a signed cookie's expiry is compared.
    fn wall(&self) -> SystemTime;

    /// The time that only ever goes forward, by which what the application has
    /// said about a session is forgotten.
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
