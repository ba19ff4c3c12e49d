//! A status for Prometheus: `GET /metrics`.
//!
//! Labels have few values each: applications, classes of status, outcomes, states.
//! A process's id is none, since ids come and go; what processes use is summed up.

mod text;

use self::text::{Kind, Text};
use super::status::{
    ApplicationStatus, CacheStatus, Latency, PoolStatus, ProcessStatus, ServerUsage, Status,
};

/// The text exposition format, version 0.0.4.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The states of a process, so that one that no process is in is told as 0.
const STATES: [&str; 5] = ["starting", "ready", "resting", "draining", "terminating"];

/// The status as text.
pub(super) fn metrics(status: &Status) -> String {
    let mut text = Text::new();
    text.family(
        "peregrine_build_info",
        Kind::Gauge,
        "The version that runs.",
    );
    text.sample(&[("version", &status.version)], 1.0);
    if let Some(usage) = &status.usage {
        process(&mut text, usage);
    }
    if let Some(log) = &status.access_log {
        let help = "Lines of the access log that were written.";
        text.family(
            "peregrine_access_log_written_lines_total",
            Kind::Counter,
            help,
        );
        text.sample(&[], number(log.written));
        let help = "Lines of the access log that were left out, for want of a disk.";
        text.family(
            "peregrine_access_log_dropped_lines_total",
            Kind::Counter,
            help,
        );
        text.sample(&[], number(log.dropped));
    }
    requests(&mut text, &status.applications);
    latencies(&mut text, &status.applications);
    caches(&mut text, &status.applications);
    pools(&mut text, &status.applications);
    text.into_string()
}

/// What every Prometheus client library says of its process, in the same names.
fn process(text: &mut Text, usage: &ServerUsage) {
    let cpu = "Processor time that the server has used, user and system.";
    text.family("process_cpu_seconds_total", Kind::Counter, cpu);
    text.sample(&[], usage.cpu_seconds);
    let memory = "Resident memory of the server.";
    text.family("process_resident_memory_bytes", Kind::Gauge, memory);
    text.sample(&[], number(usage.memory_bytes));
    let space = "Address space of the server.";
    text.family("process_virtual_memory_bytes", Kind::Gauge, space);
    text.sample(&[], number(usage.virtual_bytes));
    text.family("process_threads", Kind::Gauge, "Threads of the server.");
    text.sample(&[], number(usage.threads));
    text.family("process_open_fds", Kind::Gauge, "Open files of the server.");
    text.sample(&[], number(usage.open_files as u64));
    if let Some(max) = usage.max_open_files {
        let files = "Open files that the server may have.";
        text.family("process_max_fds", Kind::Gauge, files);
        text.sample(&[], number(max));
    }
    let started = "When the server was started, in seconds since 1970.";
    text.family("process_start_time_seconds", Kind::Gauge, started);
    text.sample(&[], usage.started_at_seconds);
}

fn requests(text: &mut Text, applications: &[ApplicationStatus]) {
    let help = "Requests that are being served.";
    text.family("peregrine_http_requests_in_flight", Kind::Gauge, help);
    for it in applications {
        let in_flight = it.requests.in_flight as u64;
        text.sample(&[("application", &it.name)], number(in_flight));
    }
    let help = "Requests that are over, by the class of their status; `none` if they got none.";
    text.family("peregrine_http_requests_total", Kind::Counter, help);
    for it in applications {
        let by = &it.requests.by_status;
        let classes = [
            ("1xx", by.informational),
            ("2xx", by.successful),
            ("3xx", by.redirection),
            ("4xx", by.client_error),
            ("5xx", by.server_error),
        ];
        let answered: u64 = classes.iter().map(|(_, count)| count).sum();
        let none = ("none", it.requests.finished.saturating_sub(answered));
        for (class, count) in classes.into_iter().chain([none]) {
            let labels = [("application", &*it.name), ("status", class)];
            text.sample(&labels, number(count));
        }
    }
    let help = "Requests that ended before their answer did, by who ended them.";
    text.family("peregrine_http_requests_cut_off_total", Kind::Counter, help);
    for it in applications {
        for (by, count) in [
            ("error", it.requests.failed),
            ("client", it.requests.aborted),
        ] {
            text.sample(&[("application", &*it.name), ("by", by)], number(count));
        }
    }
    let help = "Answers, by what the cache did.";
    text.family("peregrine_http_responses_total", Kind::Counter, help);
    for it in applications {
        let by = &it.requests.by_cache_outcome;
        let outcomes = [
            ("hit", by.hit),
            ("miss", by.miss),
            ("collapsed", by.collapsed),
            ("stale", by.stale),
            ("pass", by.pass),
            ("none", by.none),
        ];
        for (cache, count) in outcomes {
            text.sample(
                &[("application", &*it.name), ("cache", cache)],
                number(count),
            );
        }
    }
    let help = "Bytes of content in the answers.";
    text.family(
        "peregrine_http_response_content_bytes_total",
        Kind::Counter,
        help,
    );
    for it in applications {
        text.sample(&[("application", &it.name)], number(it.requests.bytes));
    }
}

fn latencies(text: &mut Text, applications: &[ApplicationStatus]) {
    type Times = fn(&ApplicationStatus) -> Option<&Latency>;
    let families: [(&str, &str, Times); 3] = [
        (
            "peregrine_http_request_duration_seconds",
            "From a request's arrival to its answer's last byte.",
            |it| it.requests.latency_ms.as_ref(),
        ),
        (
            "peregrine_http_request_queue_seconds",
            "How long requests waited for a process.",
            |it| it.queue_ms.as_ref(),
        ),
        (
            "peregrine_http_request_application_seconds",
            "How long processes took until the head of their answer.",
            |it| it.application_ms.as_ref(),
        ),
    ];
    for (name, help, times) in families {
        text.family(name, Kind::Histogram, help);
        for it in applications {
            let Some(times) = times(it) else { continue };
            let buckets = times.buckets.iter();
            let buckets = buckets.map(|bucket| (bucket.le_seconds, bucket.count));
            let sum = times.sum / 1000.0;
            text.histogram(&[("application", &it.name)], buckets, times.count, sum);
        }
    }
}

fn caches(text: &mut Text, applications: &[ApplicationStatus]) {
    type Counted = fn(&CacheStatus) -> u64;
    let caches = || {
        let caches = applications.iter();
        caches.filter_map(|it| Some((&*it.name, it.cache.as_ref()?)))
    };
    let families: [(&str, Kind, &str, Counted); 11] = [
        (
            "stored_total",
            Kind::Counter,
            "Responses that were stored.",
            |it| it.stored,
        ),
        (
            "not_stored_total",
            Kind::Counter,
            "Responses to misses that were not stored.",
            |it| it.not_stored,
        ),
        (
            "stale_hits_total",
            Kind::Counter,
            "Hits that were no longer fresh.",
            |it| it.stale_hits,
        ),
        (
            "stale_if_error_total",
            Kind::Counter,
            "Pages that were given no longer fresh, since the application failed.",
            |it| it.stale_if_error,
        ),
        (
            "validated_total",
            Kind::Counter,
            "Stored responses that turned out to hold still.",
            |it| it.validated,
        ),
        (
            "background_requests_total",
            Kind::Counter,
            "Requests to the application for a page that was given meanwhile.",
            |it| it.background,
        ),
        (
            "purged_total",
            Kind::Counter,
            "Stored responses that were purged or made invalid.",
            |it| it.purged,
        ),
        (
            "evicted_total",
            Kind::Counter,
            "Stored responses that had to make room.",
            |it| it.evicted,
        ),
        ("entries", Kind::Gauge, "Responses that are stored.", |it| {
            it.entries
        }),
        (
            "bytes",
            Kind::Gauge,
            "What the stored responses weigh.",
            |it| it.bytes,
        ),
        (
            "capacity_bytes",
            Kind::Gauge,
            "What the stored responses may weigh.",
            |it| it.capacity_bytes,
        ),
    ];
    for (name, kind, help, counted) in families {
        text.family(&format!("peregrine_cache_{name}"), kind, help);
        for (application, cache) in caches() {
            text.sample(&[("application", application)], number(counted(cache)));
        }
    }
}

fn pools(text: &mut Text, applications: &[ApplicationStatus]) {
    type Told = fn(&PoolStatus) -> u64;
    let pools = || {
        let pools = applications.iter();
        pools.filter_map(|it| Some((&*it.name, it.pool.as_ref()?)))
    };
    let help = "Processes that were started.";
    text.family(
        "peregrine_pool_started_processes_total",
        Kind::Counter,
        help,
    );
    for (application, pool) in pools() {
        text.sample(&[("application", application)], number(pool.started));
    }
    let help = "Processes, by what they are doing.";
    text.family("peregrine_pool_processes", Kind::Gauge, help);
    for (application, pool) in pools() {
        for state in STATES {
            let count = pool.processes.iter().filter(|it| it.state == state).count();
            let labels = [("application", application), ("state", state)];
            text.sample(&labels, number(count as u64));
        }
    }
    let families: [(&str, &str, Told); 10] = [
        ("max_processes", "Processes that may run.", |it| {
            it.max as u64
        }),
        ("min_processes", "Processes that always run.", |it| {
            it.min as u64
        }),
        ("queue_length", "Requests that wait for a process.", |it| {
            it.queue.length as u64
        }),
        ("queue_max_length", "Requests that may wait.", |it| {
            it.queue.max as u64
        }),
        ("sessions", "Requests that processes work on.", |it| {
            it.processes
                .iter()
                .map(|process| process.sessions as u64)
                .sum()
        }),
        (
            "processes_due",
            "Processes that are to be replaced.",
            |it| it.due as u64,
        ),
        (
            "resisting_deployment_error",
            "1 if old processes stay since a restart has failed.",
            |it| it.resisting_deployment_error.into(),
        ),
        (
            "failed_starts",
            "How many starts in a row have come to nothing; 0 unless the next one waits.",
            |it| it.failed_starts.unwrap_or(0).into(),
        ),
        (
            "resident_memory_bytes",
            "Resident memory of all processes; pages that they share count in each.",
            |it| sum(it, |process| process.memory_bytes),
        ),
        (
            "proportional_memory_bytes",
            "Memory of all processes; pages that they share count once.",
            |it| sum(it, |process| process.pss_bytes),
        ),
    ];
    for (name, help, told) in families {
        text.family(&format!("peregrine_pool_{name}"), Kind::Gauge, help);
        for (application, pool) in pools() {
            text.sample(&[("application", application)], number(told(pool)));
        }
    }
}

fn sum(pool: &PoolStatus, bytes: fn(&ProcessStatus) -> Option<u64>) -> u64 {
    pool.processes.iter().filter_map(bytes).sum()
}

/// Prometheus knows floating point numbers alone. Exact up to 2^53.
#[expect(clippy::cast_precision_loss)]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
