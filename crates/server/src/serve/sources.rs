mod rates;
mod requests;

use std::{collections::HashMap, net::SocketAddr, process, sync::Arc, time::SystemTime};

use peregrine::{
    ProcessAccounting, ProcessRest, Stack,
    buffering::BufferSpace,
    out_of_band::{RestState, Rests},
    request_accounting::{RequestAccounting, tracking::RequestTracking},
    turbocache::TurboCacheHandle,
    upstream_pool::{PoolHandle, ProcessBudget, ProcessSnapshot, ProcessState, Restarts},
};
use tokio::time::Instant;

use self::{
    rates::SampledRates,
    requests::{latency, oldest_first, requests, running, waiting},
};

use crate::{
    access_log::AccessLogHandle,
    admin::{
        AccessLogStatus, ApplicationRequests, ApplicationStatus, BuffersStatus, CacheStatus,
        ClientsStatus, Controls, GroupUsage, PoolStatus, ProcessStatus, QueueStatus, RefusedStatus,
        RestartsStatus, RestsStatus, Served, ServerUsage, Status,
    },
    front::Connections,
    line_buffer::Lines,
    refused::{Refusal, Refusals},
};

/// Where a server's status is read from: the handles of its parts. Clones
/// share them.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    server: Arc<ServerIdentity>,
    applications: Arc<[ApplicationSources]>,
    budget: Option<ProcessBudget>,
    refusals: Refusals,
    access_log: Option<AccessLogHandle>,
}

/// What there is of a server, once.
#[derive(Debug)]
struct ServerIdentity {
    address: String,
    since: Instant,
    connections: Connections,
}

/// What is known of one application.
#[derive(Debug)]
pub(super) struct ApplicationSources {
    name: String,
    environment: String,
    serves: String,
    requests: RequestAccounting,
    tracking: RequestTracking,
    rates: SampledRates,
    buffers: BufferSpace,
    cache: Option<TurboCacheHandle>,
    pool: Option<PoolSources>,
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
        connections: Connections,
        applications: impl IntoIterator<Item = ApplicationSources>,
        budget: Option<ProcessBudget>,
        refusals: Refusals,
        access_log: Option<AccessLogHandle>,
    ) -> Self {
        Self {
            server: Arc::new(ServerIdentity {
                address: format!("http://{address}"),
                since: Instant::now(),
                connections,
            }),
            applications: applications.into_iter().collect(),
            refusals,
            budget,
            access_log,
        }
    }
}

impl Served for Sources {
    /// Walks over `/proc`: not for each request.
    fn status(&self) -> Status {
        let pools = || self.applications.iter().filter_map(|it| it.pool.as_ref());
        let groups: Vec<_> = pools().flat_map(PoolSources::processes).collect();
        let usage = GroupUsage::of(&groups);
        let applications = self.applications.iter();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: process::id(),
            address: self.server.address.clone(),
            uptime_seconds: self.server.since.elapsed().as_secs_f64(),
            usage: ServerUsage::now(),
            access_log: self.access_log.as_ref().map(|log| {
                let Lines { written, dropped } = log.lines();
                AccessLogStatus { written, dropped }
            }),
            clients: clients(&self.server.connections),
            refused: refused(&self.refusals),
            max_total_pool_size: self.budget.as_ref().map(ProcessBudget::max),
            applications: applications.map(|it| it.status(&usage)).collect(),
        }
    }

    fn requests(&self) -> Vec<ApplicationRequests> {
        let applications = self.applications.iter();
        applications.map(ApplicationSources::running).collect()
    }

    fn controls(&self) -> Vec<Controls> {
        let applications = self.applications.iter();
        applications.map(ApplicationSources::controls).collect()
    }
}

impl ApplicationSources {
    /// `serves` is the application's command, or the upstream. Must be called
    /// inside a runtime, and before requests come.
    pub(super) fn new(
        name: impl Into<String>,
        environment: impl Into<String>,
        serves: impl Into<String>,
        stack: &Stack,
        buffers: BufferSpace,
        cache: Option<TurboCacheHandle>,
        pool: Option<PoolSources>,
    ) -> Self {
        Self {
            name: name.into(),
            environment: environment.into(),
            serves: serves.into(),
            requests: stack.accounting().clone(),
            tracking: stack.tracking().clone(),
            rates: SampledRates::of(stack.accounting().clone()),
            buffers,
            cache,
            pool,
        }
    }

    fn status(&self, usage: &HashMap<u32, GroupUsage>) -> ApplicationStatus {
        ApplicationStatus {
            name: self.name.clone(),
            environment: self.environment.clone(),
            serves: self.serves.clone(),
            pool: self.pool.as_ref().map(|pool| pool.status(usage)),
            requests: requests(&self.requests.snapshot(), Some(&self.requests.latency())),
            per_second: self.rates.look(),
            queue_ms: latency(&self.tracking.queue_time()),
            application_ms: latency(&self.tracking.application_time()),
            cache: self.cache.as_ref().map(cache),
            buffers: buffers(&self.buffers),
        }
    }

    fn running(&self) -> ApplicationRequests {
        let has_processes = self.pool.is_some();
        // In this order: who stops waiting to go on alone is listed twice rather
        // than not at all.
        let collapsed = self.cache.as_ref();
        let collapsed = collapsed.map_or_else(Vec::new, TurboCacheHandle::collapsed_requests);
        let tracked = self.tracking.requests();
        let tracked = tracked.iter().map(|it| running(it, has_processes));
        ApplicationRequests {
            name: self.name.clone(),
            requests: oldest_first(tracked, collapsed.iter().map(waiting)),
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
    /// Each is the leader of a process group of its own.
    fn processes(&self) -> Vec<u32> {
        let processes = self.handle.snapshot().processes;
        processes.iter().map(|process| process.pid).collect()
    }

    fn status(&self, usage: &HashMap<u32, GroupUsage>) -> PoolStatus {
        let pool = self.handle.snapshot();
        let process =
            |process: &ProcessSnapshot| self.process(process).with_usage(usage.get(&process.pid));
        PoolStatus {
            max: pool.max_pool_size,
            min: self.min_instances,
            queue: QueueStatus {
                length: pool.queued,
                longest_wait_seconds: pool.longest_wait.map(|wait| wait.as_secs_f64()),
                max: pool.max_request_queue_size,
            },
            processes: pool.processes.iter().map(process).collect(),
            started: pool.started,
            due: pool.due,
            restarts: restarts(&pool.restarts),
            resisting_deployment_error: pool.resisting_deployment_error,
            failed_starts: pool.start_pause.map(|(failures, _)| failures),
            next_start_seconds: pool.start_pause.map(|(_, next)| next.as_secs_f64()),
            waits_for_total: pool.waits_for_budget,
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
            pss_bytes: None,
            requests: accounted.as_ref().map(|it| requests(it, None)),
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

fn restarts(restarts: &Restarts) -> RestartsStatus {
    let since_1970 = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).ok();
    let at = restarts.last.and_then(since_1970);
    RestartsStatus {
        finished: restarts.finished,
        failed: restarts.failed,
        under_way: restarts.under_way,
        last_at_seconds: at.map(|at| at.as_secs_f64()),
        last_took_seconds: restarts.last_took.map(|took| took.as_secs_f64()),
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

fn clients(connections: &Connections) -> ClientsStatus {
    ClientsStatus {
        connected: connections.connected(),
        max: connections.max(),
        accepted: connections.accepted(),
    }
}

fn refused(refusals: &Refusals) -> RefusedStatus {
    RefusedStatus {
        unknown_host: refusals.of(Refusal::UnknownHost),
        unknown_path: refusals.of(Refusal::UnknownPath),
        bad_host: refusals.of(Refusal::BadHost),
        malformed: refusals.of(Refusal::Malformed),
        large_head: refusals.of(Refusal::LargeHead),
        slow_head: refusals.of(Refusal::SlowHead),
    }
}

fn buffers(space: &BufferSpace) -> BuffersStatus {
    BuffersStatus {
        memory_bytes: space.memory_used(),
        memory_max_bytes: space.memory_max(),
        file_bytes: space.files_used(),
        file_max_bytes: space.files_max(),
    }
}

fn cache(handle: &TurboCacheHandle) -> CacheStatus {
    let stats = handle.stats();
    CacheStatus {
        hits: stats.hits,
        misses: stats.misses,
        collapsed: stats.collapsed,
        passes: stats.passes,
        stored: stats.stored,
        not_stored: stats.not_stored,
        stale_hits: stats.stale_hits,
        stale_if_error: stats.stale_if_error,
        validated: stats.validated,
        background: stats.background,
        purged: stats.purged,
        evicted: stats.evicted,
        entries: stats.entries,
        bytes: stats.bytes,
        capacity_bytes: stats.capacity_bytes,
    }
}
