use std::io;

/// Why an upgraded connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Both sides have ended it.
    Closed,
    /// One side was silent for too long after the other one had ended, or is not
    /// there any more.
    Silent,
    /// One side has broken it off.
    Broken,
    /// Its process was to leave, as at a restart.
    ProcessLeaves,
    /// The server was to stop.
    ServerStops,
}

impl Ending {
    /// Of one that was not ended from here.
    pub(super) fn of(end: &io::Result<()>) -> Self {
        match end {
            Ok(()) => Self::Closed,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Self::Silent,
            Err(_) => Self::Broken,
        }
    }

    /// Whether neither side knows of it.
    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::ProcessLeaves | Self::ServerStops)
    }

    /// In a word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Silent => "silent",
            Self::Broken => "broken",
            Self::ProcessLeaves => "process-leaves",
            Self::ServerStops => "server-stops",
        }
    }
}
