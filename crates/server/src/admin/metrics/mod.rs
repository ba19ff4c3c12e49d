//! A status for Prometheus: `GET /metrics`.
//!
//! Labels have few values each: applications, classes of status, outcomes, states.
//! A process's id is none, since ids come and go; what processes use is summed up.

mod buffers;
mod cache;
mod pool;
mod text;

use self::text::{Kind, Text};
use super::status::{
    ApplicationStatus, ClientsStatus, Latency, RefusedStatus, ServerUsage, Status,
};

/// The text exposition format, version 0.0.4.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

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
    clients(&mut text, status.clients);
    refused(&mut text, status.refused);
    if let Some(max) = status.max_total_pool_size {
        let help = "Processes that all applications may run together.";
        text.family("peregrine_max_total_processes", Kind::Gauge, help);
        text.sample(&[], number(max as u64));
    }
    requests(&mut text, &status.applications);
    latencies(&mut text, &status.applications);
    cache::write(&mut text, &status.applications);
    buffers::write(&mut text, &status.applications);
    pool::write(&mut text, &status.applications);
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

fn clients(text: &mut Text, clients: ClientsStatus) {
    let help = "Connections of clients, idle ones among them.";
    text.family("peregrine_client_connections", Kind::Gauge, help);
    text.sample(&[], number(clients.connected as u64));
    let help = "Connections that clients may have.";
    text.family("peregrine_client_max_connections", Kind::Gauge, help);
    text.sample(&[], number(clients.max as u64));
    let help = "Connections of clients that were accepted.";
    let name = "peregrine_client_accepted_connections_total";
    text.family(name, Kind::Counter, help);
    text.sample(&[], number(clients.accepted));
}

fn refused(text: &mut Text, refused: RefusedStatus) {
    let help = "Requests that no application heard of, by why they were refused.";
    let name = "peregrine_http_refused_requests_total";
    text.family(name, Kind::Counter, help);
    for (reason, count) in [
        ("unknown-host", refused.unknown_host),
        ("unknown-path", refused.unknown_path),
        ("bad-host", refused.bad_host),
        ("malformed", refused.malformed),
        ("large-head", refused.large_head),
        ("slow-head", refused.slow_head),
    ] {
        text.sample(&[("reason", reason)], number(count));
    }
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
            ("server", it.requests.stopped),
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

/// Prometheus knows floating point numbers alone. Exact up to 2^53.
#[expect(clippy::cast_precision_loss)]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
