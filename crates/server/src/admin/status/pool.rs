use serde::{Deserialize, Serialize};

use super::RequestsStatus;
use crate::admin::process_stats::GroupUsage;

/// The application's processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PoolStatus {
    /// `--max-pool-size`.
    pub(crate) max: usize,
    /// `--min-instances`.
    pub(crate) min: usize,
    /// Requests that wait for a process.
    pub(crate) queue: QueueStatus,
    /// Every process that exists, in the order of their starts.
    pub(crate) processes: Vec<ProcessStatus>,
    /// How many processes have been started so far, those that have left among them.
    #[serde(default)]
    pub(crate) started: u64,
    /// Of those that exist, how many are to be replaced.
    #[serde(default)]
    pub(crate) due: usize,
    /// How often all processes have been replaced by others.
    #[serde(default)]
    pub(crate) restarts: RestartsStatus,
    /// A restart has failed, and old processes stay.
    #[serde(default)]
    pub(crate) resisting_deployment_error: bool,
    /// How many starts in a row have come to nothing; absent unless the next one
    /// waits for its time.
    #[serde(default)]
    pub(crate) failed_starts: Option<u32>,
    /// How long it waits.
    #[serde(default)]
    pub(crate) next_start_seconds: Option<f64>,
    /// Requests wait for a process that `--max-total-pool-size` has no room for.
    #[serde(default)]
    pub(crate) waits_for_total: bool,
    /// Why the latest process that failed to start failed, and none has
    /// started since.
    pub(crate) last_start_failure: Option<String>,
}

/// Rolling restarts, whoever has asked for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RestartsStatus {
    /// How many have replaced all processes.
    pub(crate) finished: u64,
    /// How many have come to nothing, since new processes did not start.
    pub(crate) failed: u64,
    /// One is under way.
    pub(crate) under_way: bool,
    /// When the latest was asked for, in seconds since 1970; absent before the
    /// first.
    pub(crate) last_at_seconds: Option<f64>,
    /// How long it took, or has taken so far.
    pub(crate) last_took_seconds: Option<f64>,
}

/// Requests that wait for a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueStatus {
    /// How many wait.
    pub(crate) length: usize,
    /// How long the one has waited that has waited longest, in seconds; absent if
    /// nobody waits.
    #[serde(default)]
    pub(crate) longest_wait_seconds: Option<f64>,
    /// `--max-request-queue-size`; the next one is answered with
    /// `--request-queue-overflow-status-code`.
    pub(crate) max: usize,
}

/// One process of the application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProcessStatus {
    /// Its id in the operating system, which is its process group's, too.
    pub(crate) pid: u32,
    /// `starting`, `ready`, `resting` (for out-of-band work), `draining`, …
    pub(crate) state: String,
    /// Requests that it works on.
    pub(crate) sessions: usize,
    /// Requests that it has finished.
    pub(crate) processed: u64,
    /// Since it was started.
    pub(crate) uptime_seconds: f64,
    /// Since a request was last sent to it or finished by it; absent before
    /// the first.
    pub(crate) last_used_seconds_ago: Option<f64>,
    /// Processor time used so far, user and system, over the whole process
    /// group; absent where the system does not say.
    pub(crate) cpu_seconds: Option<f64>,
    /// `cpu_seconds` over `uptime_seconds`, where 100 is one processor; absent
    /// where the system does not say.
    pub(crate) cpu_percent: Option<f64>,
    /// Resident memory over the whole process group, pages that they share
    /// counted in each; absent where the system does not say.
    pub(crate) memory_bytes: Option<u64>,
    /// The same, with pages that they share among themselves and with others
    /// counted by their share; absent where the system does not say.
    #[serde(default)]
    pub(crate) pss_bytes: Option<u64>,
    /// The requests that were sent to it, in the same words as those that came
    /// to the server; absent unless it takes requests.
    pub(crate) requests: Option<RequestsStatus>,
    /// Its out-of-band work; absent unless it takes requests.
    pub(crate) rests: Option<RestsStatus>,
}

/// A process's out-of-band work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RestsStatus {
    /// How often it was given time for it.
    pub(crate) finished: u64,
    /// Of these: it took longer than it may.
    pub(crate) timed_out: u64,
    /// How often it asked, and its requests did not end in time.
    pub(crate) given_up: u64,
    /// How long the last took, in milliseconds; absent before the first.
    pub(crate) last_ms: Option<f64>,
    /// How long all of them took.
    pub(crate) total_seconds: f64,
}

impl ProcessStatus {
    /// With what its process group uses, if the system says.
    #[must_use]
    pub(crate) fn with_usage(mut self, usage: Option<&GroupUsage>) -> Self {
        self.cpu_seconds = usage.map(|usage| usage.cpu.as_secs_f64());
        self.cpu_percent = self
            .cpu_seconds
            .filter(|_| self.uptime_seconds > 0.0)
            .map(|seconds| seconds / self.uptime_seconds * 100.0);
        self.memory_bytes = usage.map(|usage| usage.memory_bytes);
        self.pss_bytes = usage.and_then(|usage| usage.pss_bytes);
        self
    }
}
