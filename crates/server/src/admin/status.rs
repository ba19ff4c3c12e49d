//! What a running server says about itself: the JSON that `GET /v1/status`
//! answers with and `peregrine status --json` prints.
//!
//! Fields are only added within `v1`; who reads it is to ignore those that it
//! does not know.

use serde::{Deserialize, Serialize};

use super::process_stats::GroupUsage;

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
    /// What it serves, in the order of its configuration.
    pub(crate) applications: Vec<ApplicationStatus>,
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
    /// Its response cache; absent when that is off.
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
    /// Of these, how many are to be replaced.
    #[serde(default)]
    pub(crate) due: usize,
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

/// How long requests took, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
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
        self
    }
}

/// A status with something in every field.
#[cfg(test)]
pub(super) fn example() -> Status {
    let usage = GroupUsage {
        cpu: std::time::Duration::from_secs(73),
        memory_bytes: 23 << 20,
    };
    let busy = ProcessStatus {
        pid: 101,
        state: "ready".to_owned(),
        sessions: 1,
        processed: 120,
        uptime_seconds: 3650.0,
        last_used_seconds_ago: Some(0.1),
        cpu_seconds: None,
        cpu_percent: None,
        memory_bytes: None,
        requests: Some(RequestsStatus {
            in_flight: 1,
            finished: 120,
            ..RequestsStatus::default()
        }),
        rests: Some(RestsStatus {
            finished: 7,
            timed_out: 0,
            given_up: 1,
            last_ms: Some(35.2),
            total_seconds: 0.25,
        }),
    };
    let starting = ProcessStatus {
        pid: 202,
        state: "starting".to_owned(),
        sessions: 0,
        processed: 0,
        uptime_seconds: 2.0,
        last_used_seconds_ago: None,
        requests: None,
        rests: None,
        ..busy.clone()
    };
    Status {
        version: "0.1.0".to_owned(),
        pid: 100,
        address: "http://127.0.0.1:3000".to_owned(),
        uptime_seconds: 3665.0,
        applications: vec![ApplicationStatus {
            name: "forum".to_owned(),
            environment: "development".to_owned(),
            serves: "/srv/app".to_owned(),
            pool: Some(PoolStatus {
                max: 6,
                min: 1,
                queue: QueueStatus {
                    length: 3,
                    max: 100,
                },
                processes: vec![busy.with_usage(Some(&usage)), starting],
                due: 1,
                resisting_deployment_error: true,
                failed_starts: Some(3),
                next_start_seconds: Some(4.0),
                last_start_failure: Some(
                    "exit status 1\ncannot load such file -- rack\n".to_owned(),
                ),
            }),
            requests: example_requests(),
            cache: Some(CacheStatus {
                hits: 75,
                misses: 25,
                entries: 12,
                bytes: 34 << 10,
                capacity_bytes: 64 << 20,
            }),
        }],
    }
}

#[cfg(test)]
fn example_requests() -> RequestsStatus {
    RequestsStatus {
        in_flight: 4,
        finished: 198,
        failed: 1,
        aborted: 2,
        bytes: 5 << 20,
        by_status: StatusClasses {
            informational: 0,
            successful: 184,
            redirection: 5,
            client_error: 4,
            server_error: 3,
        },
        by_cache_outcome: CacheOutcomes {
            hit: 75,
            miss: 20,
            collapsed: 3,
            stale: 5,
            pass: 93,
            none: 0,
        },
        latency_ms: Some(Latency {
            mean: 3.25,
            p50: 0.2,
            p90: 11.0,
            p99: 20.5,
            max: 42.0,
        }),
    }
}
