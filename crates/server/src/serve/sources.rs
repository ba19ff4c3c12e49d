use std::{collections::HashMap, net::SocketAddr, process, sync::Arc, time::Duration};

use peregrine::{
    ProcessAccounting, ProcessRest,
    out_of_band::{RestState, Rests},
    request_accounting::{RequestAccounting, Snapshot},
    turbocache::TurboCacheHandle,
    upstream_pool::{PoolHandle, ProcessSnapshot, ProcessState},
};
use tokio::time::Instant;

use crate::admin::{
    ApplicationStatus, CacheOutcomes, CacheStatus, Controls, GroupUsage, Latency, PoolStatus,
    ProcessStatus, QueueStatus, RequestsStatus, RestsStatus, Served, Status, StatusClasses,
};

/// Where a server's status is read from: the handles of its parts. Clones
/// share them.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    server: Arc<ServerIdentity>,
    applications: Arc<[ApplicationSources]>,
}

/// What never changes while a server runs.
#[derive(Debug)]
struct ServerIdentity {
    address: String,
    since: Instant,
}

/// What is known of one application.
#[derive(Debug)]
pub(super) struct ApplicationSources {
    pub(super) name: String,
    pub(super) environment: String,
    /// The application's command, or the upstream.
    pub(super) serves: String,
    pub(super) requests: RequestAccounting,
    pub(super) cache: Option<TurboCacheHandle>,
    pub(super) pool: Option<PoolSources>,
}

/// What is known of the application's processes.
#[derive(Clone, Debug)]
pub(super) struct PoolSources {
    pub(super) handle: PoolHandle,
    pub(super) accounting: ProcessAccounting,
    pub(super) rest: ProcessRest,
    pub(super) min_instances: usize,
}

impl Sources {
    pub(super) fn new(
        address: SocketAddr,
        applications: impl IntoIterator<Item = ApplicationSources>,
    ) -> Self {
        Self {
            server: Arc::new(ServerIdentity {
                address: format!("http://{address}"),
                since: Instant::now(),
            }),
            applications: applications.into_iter().collect(),
        }
    }
}

impl Served for Sources {
    /// Walks over `/proc`: not for each request.
    fn status(&self) -> Status {
        let usage = GroupUsage::of_all();
        let applications = self.applications.iter();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: process::id(),
            address: self.server.address.clone(),
            uptime_seconds: self.server.since.elapsed().as_secs_f64(),
            applications: applications.map(|it| it.status(&usage)).collect(),
        }
    }

    fn controls(&self) -> Vec<Controls> {
        let applications = self.applications.iter();
        applications.map(ApplicationSources::controls).collect()
    }
}

impl ApplicationSources {
    fn status(&self, usage: &HashMap<u32, GroupUsage>) -> ApplicationStatus {
        ApplicationStatus {
            name: self.name.clone(),
            environment: self.environment.clone(),
            serves: self.serves.clone(),
            pool: self.pool.as_ref().map(|pool| pool.status(usage)),
            requests: requests(&self.requests.snapshot()),
            cache: self.cache.as_ref().map(cache),
        }
    }

    fn controls(&self) -> Controls {
        Controls {
            name: self.name.clone(),
            pool: self.pool.as_ref().map(|pool| pool.handle.clone()),
            cache: self.cache.clone(),
        }
    }
}

impl PoolSources {
    fn status(&self, usage: &HashMap<u32, GroupUsage>) -> PoolStatus {
        let pool = self.handle.snapshot();
        let process =
            |process: &ProcessSnapshot| self.process(process).with_usage(usage.get(&process.pid));
        PoolStatus {
            max: pool.max_pool_size,
            min: self.min_instances,
            queue: QueueStatus {
                length: pool.queued,
                max: pool.max_request_queue_size,
            },
            processes: pool.processes.iter().map(process).collect(),
            due: pool.due,
            resisting_deployment_error: pool.resisting_deployment_error,
            failed_starts: pool.start_pause.map(|(failures, _)| failures),
            next_start_seconds: pool.start_pause.map(|(_, next)| next.as_secs_f64()),
            last_start_failure: pool.last_start_failure.map(|report| report.to_string()),
        }
    }

    fn process(&self, process: &ProcessSnapshot) -> ProcessStatus {
        // None before a process is ready, and none once it is leaving.
        let accounted = self.accounting.snapshot(process.pid);
        let rest = self.rest.snapshot(process.pid);
        ProcessStatus {
            pid: process.pid,
            state: state(process.state, rest.map(|(state, _)| state)).to_owned(),
            sessions: process.running,
            processed: process.served,
            uptime_seconds: process.uptime.as_secs_f64(),
            last_used_seconds_ago: accounted
                .as_ref()
                .and_then(|requests| requests.last_used)
                .map(|at| at.elapsed().as_secs_f64()),
            cpu_seconds: None,
            cpu_percent: None,
            memory_bytes: None,
            requests: accounted.as_ref().map(requests),
            rests: rest.map(|(_, rests)| rests_status(&rests)),
        }
    }
}

/// A process that rests is ready for those who run it, but takes no requests.
fn state(process: ProcessState, rest: Option<RestState>) -> &'static str {
    match (process, rest) {
        (ProcessState::Ready, Some(RestState::Draining | RestState::Resting)) => "resting",
        _ => process.as_str(),
    }
}

fn rests_status(rests: &Rests) -> RestsStatus {
    RestsStatus {
        finished: rests.finished,
        timed_out: rests.timed_out,
        given_up: rests.given_up,
        last_ms: rests.last.map(|took| took.as_secs_f64() * 1000.0),
        total_seconds: rests.total.as_secs_f64(),
    }
}

fn requests(snapshot: &Snapshot) -> RequestsStatus {
    let Snapshot { status, cache, .. } = snapshot;
    RequestsStatus {
        in_flight: snapshot.in_flight,
        finished: snapshot.finished,
        failed: snapshot.failed,
        aborted: snapshot.aborted,
        bytes: snapshot.bytes,
        by_status: StatusClasses {
            informational: status.informational,
            successful: status.successful,
            redirection: status.redirection,
            client_error: status.client_error,
            server_error: status.server_error,
        },
        by_cache_outcome: CacheOutcomes {
            hit: cache.hit,
            miss: cache.miss,
            collapsed: cache.collapsed,
            stale: cache.stale,
            pass: cache.pass,
            none: cache.none,
        },
        latency_ms: (snapshot.latency.count > 0).then(|| latency(snapshot)),
    }
}

fn latency(snapshot: &Snapshot) -> Latency {
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let latency = snapshot.latency;
    Latency {
        mean: millis(latency.mean),
        p50: millis(latency.p50),
        p90: millis(latency.p90),
        p99: millis(latency.p99),
        max: millis(latency.max),
    }
}

fn cache(handle: &TurboCacheHandle) -> CacheStatus {
    let stats = handle.stats();
    CacheStatus {
        hits: stats.hits,
        misses: stats.misses,
        entries: stats.entries,
        bytes: stats.bytes,
        capacity_bytes: stats.capacity_bytes,
    }
}
