//! What goes into the roster and what comes out of it.

use std::{fmt, time::Duration};

use tokio::time::Instant;

/// Names a process for its whole life. Not reused, unlike the operating
/// system's process ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProcessId(u64);

impl ProcessId {
    pub(crate) const fn new(id: u64) -> Self {
        Self(id)
    }

    pub(super) const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) min: usize,
    pub(crate) max: usize,
    /// Zero: an idle process stays.
    pub(crate) idle_time: Duration,
    /// How long the running requests of a process that leaves may take.
    pub(crate) drain_timeout: Duration,
    /// How long requests may take that run, or wait, at a stop.
    pub(crate) stop_timeout: Duration,
    /// From SIGTERM to SIGKILL.
    pub(crate) shutdown_timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// So many requests wait for a process.
    Queued(usize),
    Ready(ProcessId),
    /// It was never ready, and is gone.
    StartFailed(ProcessId),
    /// It was ready, and is gone.
    Exited {
        id: ProcessId,
        /// It served something.
        proven: bool,
    },
    /// It was ready, and still runs, or what it has started does, but is of no use.
    Unhealthy {
        id: ProcessId,
        /// It served something.
        proven: bool,
    },
    /// Nothing runs in it any more.
    Drained(ProcessId),
    IdleSince(ProcessId, Instant),
    /// This one is to leave for another pool's sake; `None` if there is none.
    GiveBack(Option<ProcessId>),
    /// What runs is out of date.
    Restart,
    /// It is to leave.
    Detach(ProcessId),
    /// It has reached a limit.
    Worn(ProcessId),
    Stop,
    /// Time has passed.
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Spawn(ProcessId),
    /// Requests may go there.
    Publish(ProcessId),
    /// No further request may go there. Tell when it is drained.
    Withdraw(ProcessId),
    Terminate(ProcessId),
    Kill(ProcessId),
    /// Nothing that was there before the restart takes requests any more. So
    /// many processes were replaced.
    Restarted(usize),
    /// What was to replace them does not start: the others stay.
    RestartFailed,
    /// It is the last one and cannot be replaced: it stays.
    NotDetached(ProcessId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Starting,
    Ready,
    Draining { until: Instant },
    Terminating { until: Instant },
    Killed,
}

/// What a request meets that finds no process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It waits: there will be one.
    Open,
    /// It fails: the last start failed, and the next one is not yet due.
    Failing { retry_at: Instant },
    /// It fails if it is new; it waits if it was here before the stop.
    Stopping,
    /// It fails.
    Closed,
}
