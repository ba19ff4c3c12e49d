use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use peregrine::core::EndedBy;

use super::{tunnel::Broken, websocket::Speaker};

/// Where those who keep a log find how an upgraded connection was: in the extensions
/// of the request that offered it. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct UpgradeReport(Arc<OnceLock<Report>>);

/// How an upgraded connection was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// Why it is over, in a word.
    pub(crate) ending: &'static str,
    /// Bytes from the client.
    pub(crate) up: u64,
    /// Bytes to the client.
    pub(crate) down: u64,
    pub(crate) lasted: Duration,
}

impl UpgradeReport {
    /// What is known when the request is over: nothing, if it was no more than that.
    pub(crate) fn get(&self) -> Option<Report> {
        self.0.get().copied()
    }

    /// Nothing more will come.
    pub(crate) fn close(&self, report: Report) {
        // There is only one end.
        let _ = self.0.set(report);
    }
}

/// Why an upgraded connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Both sides have ended it.
    Closed,
    /// One side was silent for too long after the other one had ended, or is not
    /// there any more.
    Silent,
    /// This side has broken it off.
    Broken(Speaker),
    /// Its process was to leave, as at a restart.
    ProcessLeaves,
    /// The server was to stop.
    ServerStops,
    /// The server could not wait any longer.
    CutOff,
}

impl Ending {
    /// Of one that was not ended from here.
    pub(super) fn of(end: &Result<(), Broken>) -> Self {
        match end {
            Ok(()) => Self::Closed,
            Err(broken) if broken.is_silence() => Self::Silent,
            Err(broken) => Self::Broken(broken.by),
        }
    }

    /// Whose doing it was.
    pub(super) const fn by(self) -> EndedBy {
        match self {
            Self::Closed => EndedBy::Both,
            // Of two of whom one says nothing more, the client is the one who may be
            // anywhere: the application hears when it has left.
            Self::Silent | Self::Broken(Speaker::Client) => EndedBy::Client,
            Self::Broken(Speaker::Server) => EndedBy::Application,
            Self::ProcessLeaves | Self::ServerStops | Self::CutOff => EndedBy::Server,
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
            Self::Broken(_) => "broken",
            Self::ProcessLeaves => "process-leaves",
            Self::ServerStops => "server-stops",
            Self::CutOff => "cut-off",
        }
    }
}
