use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

pub use peregrine_core::{Clock, SystemClock};

/// One moment, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) wall: SystemTime,
    pub(crate) monotonic: Instant,
}

/// What a cache reads the time from.
#[derive(Clone, Debug)]
pub(crate) enum Clocks {
    /// Not a pointer to it, which each request would have to follow.
    System,
    Given(Arc<dyn Clock>),
}

impl Clocks {
    /// What time it is.
    pub(crate) fn now(&self) -> Now {
        Now {
            wall: self.wall(),
            monotonic: self.monotonic(),
        }
    }

    /// The time of day.
    fn wall(&self) -> SystemTime {
        match self {
            Self::System => SystemClock.wall(),
            Self::Given(clock) => clock.wall(),
        }
    }

    /// The time that only ever goes forward.
    pub(crate) fn monotonic(&self) -> Instant {
        match self {
            Self::System => SystemClock.monotonic(),
            Self::Given(clock) => clock.monotonic(),
        }
    }
}
