use std::{error::Error as StdError, fmt, sync::Arc};

use crate::StartReport;

/// Why processes were not replaced.
///
/// It prints its own level; [`source`](StdError::source) has the rest.
#[derive(Clone, Debug)]
pub struct ReplaceError(Kind);

#[derive(Clone, Debug)]
enum Kind {
    NotStarted(Option<Arc<StartReport>>),
    UnknownProcess(u32),
    Stopping,
}

impl ReplaceError {
    pub(crate) const fn not_started(report: Option<Arc<StartReport>>) -> Self {
        Self(Kind::NotStarted(report))
    }

    pub(crate) const fn unknown_process(pid: u32) -> Self {
        Self(Kind::UnknownProcess(pid))
    }

    pub(crate) const fn stopping() -> Self {
        Self(Kind::Stopping)
    }

    /// What was to take their place does not start, or dies before it has
    /// served anything. They go on.
    pub const fn is_not_started(&self) -> bool {
        matches!(self.0, Kind::NotStarted(_))
    }

    /// The pool has no process of that id.
    pub const fn is_unknown_process(&self) -> bool {
        matches!(self.0, Kind::UnknownProcess(_))
    }

    /// The pool is stopping, or has stopped.
    pub const fn is_stopping(&self) -> bool {
        matches!(self.0, Kind::Stopping)
    }

    /// Why it does not start, for an operator's eyes. Absent if a process
    /// started, and was found to be of no use.
    pub fn start_report(&self) -> Option<&StartReport> {
        match &self.0 {
            Kind::NotStarted(report) => report.as_deref(),
            Kind::UnknownProcess(_) | Kind::Stopping => None,
        }
    }
}

impl fmt::Display for ReplaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::NotStarted(_) => {
                f.write_str("the application does not start; the old processes stay")
            }
            Kind::UnknownProcess(pid) => write!(f, "process {pid} is none of the application's"),
            Kind::Stopping => f.write_str("the process pool is stopping"),
        }
    }
}

impl StdError for ReplaceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.start_report().map(|report| report as _)
    }
}
