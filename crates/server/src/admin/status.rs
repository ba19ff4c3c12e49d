//! What a running server says about itself: the JSON that `GET /v1/status`
//! answers with and `peregrine status --json` prints.
//!
//! Fields are only added within `v1`; who reads it is to ignore those that it
//! does not know.

use serde::{Deserialize, Serialize};

/// A server, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Peregrine's version.
    pub(crate) version: String,
    /// The server's process id.
    pub(crate) pid: u32,
    /// Where it listens, as `http://ADDRESS:PORT`.
    pub(crate) address: String,
    /// The application's environment: `development`, `production`, …
    pub(crate) environment: String,
    /// What is served: the application's folder and command, or the upstream.
    pub(crate) application: String,
    /// Since the server took its first connection.
    pub(crate) uptime_seconds: f64,
    /// The application's processes; absent in front of an upstream.
    pub(crate) pool: Option<PoolStatus>,
    /// The requests that came, hits among them.
    pub(crate) requests: RequestsStatus,
    /// The response cache; absent when it is off.
    pub(crate) cache: Option<CacheStatus>,
}

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
    /// Why the latest process that failed to start failed, and none has
    /// started since.
    pub(crate) last_start_failure: Option<String>,
}

/// Requests that wait for a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueStatus {
    /// How many wait.
    pub(crate) length: usize,
    /// `--max-request-queue-size`; the next one is answered with 503.
    pub(crate) max: usize,
}

/// One process of the application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProcessStatus {
    /// Its id in the operating system, which is its process group's, too.
    pub(crate) pid: u32,
    /// `starting`, `ready`, `draining`, …
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
}

/// The requests that came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RequestsStatus {
    /// Those that are being served.
    pub(crate) in_flight: u64,
    /// Those that are over.
    pub(crate) finished: u64,
    /// Those that are over, by their answer.
    pub(crate) by_status: StatusClasses,
    /// Those that are over, by what the cache did.
    pub(crate) by_cache_outcome: CacheOutcomes,
    /// From a request's arrival to its answer's last byte; absent before the
    /// first is over.
    pub(crate) latency_ms: Option<Percentiles>,
}

/// Finished requests by the class of their answer's status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatusClasses {
    /// 100 to 199, of which only 101 ends a request.
    pub(crate) informational: u64,
    /// 200 to 299.
    pub(crate) success: u64,
    /// 300 to 399.
    pub(crate) redirection: u64,
    /// 400 to 499.
    pub(crate) client_error: u64,
    /// 500 to 599.
    pub(crate) server_error: u64,
    /// The client left before there was an answer, or the answer broke off.
    pub(crate) aborted: u64,
}

/// Finished requests by what the cache did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CacheOutcomes {
    /// Answered from memory.
    pub(crate) hit: u64,
    /// Sent on, since nothing fresh was stored.
    pub(crate) miss: u64,
    /// Sent on, since the cache was not to handle the request; also every
    /// request while the cache is off.
    pub(crate) pass: u64,
}

/// Times in milliseconds that this share of the requests did not exceed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    /// Half of them.
    pub(crate) p50: f64,
    /// 90 of 100.
    pub(crate) p90: f64,
    /// 99 of 100.
    pub(crate) p99: f64,
}

/// The response cache.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CacheStatus {
    /// Requests answered from memory.
    pub(crate) hits: u64,
    /// Requests that the cache looked for in vain.
    pub(crate) misses: u64,
    /// Responses that are stored.
    pub(crate) entries: u64,
    /// What they weigh, keys and headers included.
    pub(crate) bytes: u64,
    /// What they may weigh in all.
    pub(crate) capacity_bytes: u64,
}

impl CacheStatus {
    /// Hits over hits and misses, from 0 to 1; `None` before the first.
    pub(crate) fn hit_rate(&self) -> Option<f64> {
        let lookups = self.hits + self.misses;
        // Past 2^53 lookups the rate loses digits that nobody prints.
        #[expect(clippy::cast_precision_loss)]
        (lookups > 0).then(|| self.hits as f64 / lookups as f64)
    }
}
