//! What a running server says about itself: the JSON that `GET /v1/status`
//! answers with and `peregrine status --json` prints.
//!
//! Fields are only added within `v1`; who reads it is to ignore those that it
//! does not know. Each is in `docs/admin-api.schema.json`, too: a test holds the
//! answers of a running server against that.

mod pool;

use serde::{Deserialize, Serialize};

pub(crate) use self::pool::{PoolStatus, ProcessStatus, QueueStatus, RestartsStatus, RestsStatus};

/// A server, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Peregrine's version.
    pub(crate) version: String,
    /// The server's process id.
    pub(crate) pid: u32,
    /// Where it listens, as `http://ADDRESS:PORT`.
    pub(crate) address: String,
    /// Since the server took its first connection.
    pub(crate) uptime_seconds: f64,
    /// What the server itself uses of the machine; absent where the system does
    /// not say.
    pub(crate) usage: Option<ServerUsage>,
    /// The access log; absent if there is none.
    #[serde(default)]
    pub(crate) access_log: Option<AccessLogStatus>,
    /// The clients' connections.
    #[serde(default)]
    pub(crate) clients: ClientsStatus,
    /// What no application hears of.
    #[serde(default)]
    pub(crate) refused: RefusedStatus,
    /// `--max-total-pool-size`; absent if it was not given.
    #[serde(default)]
    pub(crate) max_total_pool_size: Option<usize>,
    /// What it serves, in the order of its configuration.
    pub(crate) applications: Vec<ApplicationStatus>,
}

/// Clients' connections, idle ones among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientsStatus {
    /// How many there are.
    pub(crate) connected: usize,
    /// How many there may be; the next ones wait in the kernel's queue.
    pub(crate) max: usize,
    /// How many there were so far.
    pub(crate) accepted: u64,
}

/// Requests that were refused before any application heard of them, by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefusedStatus {
    /// 421: no application answers for the host.
    pub(crate) unknown_host: u64,
    /// 404: no application of that host answers for the path.
    pub(crate) unknown_path: u64,
    /// 400: no host, several, or one that is none.
    pub(crate) bad_host: u64,
    /// 400: no HTTP/1.1.
    pub(crate) malformed: u64,
    /// 431: the head is too large.
    pub(crate) large_head: u64,
    /// 408 in the access log, but not answered: the head did not end in time.
    pub(crate) slow_head: u64,
}

/// What a server uses of the machine, its applications not counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerUsage {
    /// Processor time, user and system.
    pub(crate) cpu_seconds: f64,
    /// Resident memory.
    pub(crate) memory_bytes: u64,
    /// Address space, most of which need not be there.
    pub(crate) virtual_bytes: u64,
    /// Threads.
    pub(crate) threads: u64,
    /// Open files, clients' connections among them.
    pub(crate) open_files: usize,
    /// How many there may be; absent if that is not limited.
    pub(crate) max_open_files: Option<u64>,
    /// When it was started, in seconds since 1970.
    pub(crate) started_at_seconds: f64,
}

/// The lines of an access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessLogStatus {
    /// Written.
    pub(crate) written: u64,
    /// Left out: the disk was full, or too slow.
    pub(crate) dropped: u64,
}

/// One application that a server serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ApplicationStatus {
    /// What the operator calls it; no two have the same.
    pub(crate) name: String,
    /// Its environment: `development`, `production`, …
    pub(crate) environment: String,
    /// What is served: the application's folder and command, or the upstream.
    pub(crate) serves: String,
    /// Its processes; absent in front of an upstream.
    pub(crate) pool: Option<PoolStatus>,
    /// The requests that came for it, hits among them.
    pub(crate) requests: RequestsStatus,
    /// How many of them ended per second; absent in the server's first moments.
    pub(crate) per_second: Option<RatesStatus>,
    /// How long those that came to a process had waited for it; absent before
    /// the first.
    pub(crate) queue_ms: Option<Latency>,
    /// How long processes took from then to the head of the answer; absent before
    /// the first.
    pub(crate) application_ms: Option<Latency>,
    /// Its response cache; absent when that is off.
    pub(crate) cache: Option<CacheStatus>,
    /// What waits for slow clients, in both directions.
    #[serde(default)]
    pub(crate) buffers: BuffersStatus,
}

/// The bodies of an application's requests and answers that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "a name says its unit")]
pub(crate) struct BuffersStatus {
    /// In memory. May be a little more than the most, by what could not go into a
    /// file.
    pub(crate) memory_bytes: u64,
    /// `--data-buffer-memory`.
    pub(crate) memory_max_bytes: u64,
    /// In temporary files.
    pub(crate) file_bytes: u64,
    /// `--data-buffer-size`.
    pub(crate) file_max_bytes: u64,
}

/// The requests that came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RequestsStatus {
    /// Those that are being served.
    pub(crate) in_flight: usize,
    /// Those that are over, however they ended.
    pub(crate) finished: u64,
    /// Of the finished: cut off by an error on our side or the application's.
    pub(crate) failed: u64,
    /// Of the finished: the client left before the end.
    pub(crate) aborted: u64,
    /// Of the finished: upgraded connections, such as a WebSocket, that the server has
    /// ended, as at a restart.
    #[serde(default)]
    pub(crate) stopped: u64,
    /// Bytes of content in the answers.
    pub(crate) bytes: u64,
    /// Of the finished: those that were answered, by the answer's status.
    pub(crate) by_status: StatusClasses,
    /// Of the finished: those that were answered, by what the cache did.
    pub(crate) by_cache_outcome: CacheOutcomes,
    /// From a request's arrival to its answer's last byte; absent before the
    /// first is over.
    pub(crate) latency_ms: Option<Latency>,
}

/// Answers by the class of their status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatusClasses {
    /// 100 to 199.
    pub(crate) informational: u64,
    /// 200 to 299.
    pub(crate) successful: u64,
    /// 300 to 399.
    pub(crate) redirection: u64,
    /// 400 to 499.
    pub(crate) client_error: u64,
    /// 500 and above.
    pub(crate) server_error: u64,
}

/// Answers by what the cache did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CacheOutcomes {
    /// Answered from memory.
    pub(crate) hit: u64,
    /// Sent on, since nothing was stored.
    pub(crate) miss: u64,
    /// Answered together with another request that had been sent on.
    pub(crate) collapsed: u64,
    /// Sent on, since what was stored was no longer fresh.
    pub(crate) stale: u64,
    /// Sent on, since the cache was not to handle the request.
    pub(crate) pass: u64,
    /// The cache is off.
    pub(crate) none: u64,
}

/// How many requests ended per second, on average over a time, or over the
/// server's life if that is shorter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RatesStatus {
    /// Over a minute.
    pub(crate) minute: f64,
    /// Over five.
    pub(crate) five_minutes: f64,
    /// Over fifteen.
    pub(crate) fifteen_minutes: f64,
}

/// How long something took, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// How often it happened.
    #[serde(default)]
    pub(crate) count: u64,
    /// All of it together.
    #[serde(default)]
    pub(crate) sum: f64,
    /// The arithmetic mean.
    pub(crate) mean: f64,
    /// What half of the requests did not exceed.
    pub(crate) p50: f64,
    /// What 90 % of the requests did not exceed.
    pub(crate) p90: f64,
    /// What 99 % of the requests did not exceed.
    pub(crate) p99: f64,
    /// The slowest request.
    pub(crate) max: f64,
    /// How many took no longer than what, from fast to slow; absent for single
    /// processes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) buckets: Vec<LatencyBucket>,
}

/// How many took no longer than so long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LatencyBucket {
    /// So long, in seconds.
    pub(crate) le_seconds: f64,
    /// So many.
    pub(crate) count: u64,
}

/// The response cache. Each request is one of `hits`, `misses`, `collapsed` and
/// `passes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CacheStatus {
    /// Requests answered from memory.
    pub(crate) hits: u64,
    /// Requests that the cache looked for in vain.
    pub(crate) misses: u64,
    /// Requests answered together with another one.
    pub(crate) collapsed: u64,
    /// Requests that were not for the cache.
    pub(crate) passes: u64,
    /// Responses that were stored.
    pub(crate) stored: u64,
    /// Responses to misses that were not.
    pub(crate) not_stored: u64,
    /// Of the hits: no longer fresh, and given while it was asked whether they
    /// still hold.
    pub(crate) stale_hits: u64,
    /// Given no longer fresh, since the application failed.
    pub(crate) stale_if_error: u64,
    /// Stored responses that turned out to hold still.
    pub(crate) validated: u64,
    /// Requests to the application for a page that was given meanwhile.
    pub(crate) background: u64,
    /// Stored responses purged or made invalid.
    pub(crate) purged: u64,
    /// Stored responses that had to make room.
    pub(crate) evicted: u64,
    /// Responses that are stored now.
    pub(crate) entries: u64,
    /// What they weigh, keys and headers included.
    pub(crate) bytes: u64,
    /// What they may weigh in all.
    pub(crate) capacity_bytes: u64,
}

impl Status {
    /// What it serves, in a line.
    pub(crate) fn serves(&self) -> String {
        let serves: Vec<_> = self.applications.iter().map(|it| &*it.serves).collect();
        serves.join(", ")
    }
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

#[cfg(test)]
mod example;

#[cfg(test)]
pub(super) use self::example::example;
