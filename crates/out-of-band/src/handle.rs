use std::{
    fmt,
    sync::{Arc, Weak},
    time::Duration,
};

use crate::{member::Member, rota::Phase};

/// Has a service rest, and says what it is doing: see
/// [`OutOfBand::handle`](crate::OutOfBand::handle).
///
/// Clones are equal. A handle does not keep the service alive.
#[derive(Clone)]
pub struct RestHandle(Weak<Member>);

/// What a service is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RestState {
    /// Taking requests.
    Awake,
    /// Taking requests, and waiting for its turn to rest.
    Waiting,
    /// Finishing the requests that it has, to rest then.
    Draining,
    /// Doing its work.
    Resting,
}

/// A service's rests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rests {
    /// How often it has rested.
    pub finished: u64,
    /// Of these: the work took longer than it may, and was dropped.
    pub timed_out: u64,
    /// How often its requests did not end in time, so that it did not rest.
    pub given_up: u64,
    /// How long the last work took.
    pub last: Option<Duration>,
    /// How long all of them took.
    pub total: Duration,
}

impl RestHandle {
    pub(crate) fn new(member: &Arc<Member>) -> Self {
        Self(Arc::downgrade(member))
    }

    /// Asks for a rest, as the response header does. Asked while it rests, it
    /// does so once more. Nothing happens if the service is gone.
    pub fn request_rest(&self) {
        if let Some(member) = self.0.upgrade() {
            member.ask();
        }
    }

    /// What the service is doing; [`RestState::Awake`] if it is gone.
    pub fn state(&self) -> RestState {
        let phase = self.0.upgrade().and_then(|member| member.phase());
        match phase {
            Some(Phase::Waiting) => RestState::Waiting,
            Some(Phase::Draining) => RestState::Draining,
            Some(Phase::Resting { .. } | Phase::Leaving) => RestState::Resting,
            Some(Phase::Awake { .. }) | None => RestState::Awake,
        }
    }

    /// Its rests so far; none if the service is gone.
    pub fn rests(&self) -> Rests {
        self.0
            .upgrade()
            .map_or_else(Rests::default, |member| *member.rests())
    }
}

impl RestState {
    /// The state in a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Awake => "awake",
            Self::Waiting => "waiting",
            Self::Draining => "draining",
            Self::Resting => "resting",
        }
    }
}

impl fmt::Display for RestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RestHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestHandle")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
