use std::fmt::{self, Write};

use super::{
    heading, title,
    units::{Plain, Size},
};
use crate::admin::{
    running::{ApplicationRequests, RunningRequest},
    status::{ApplicationStatus, Latency, RefusedStatus, Status},
};

/// How many requests there were, and how long they took.
pub(super) fn write(page: &mut String, status: &Status) -> fmt::Result {
    for application in &status.applications {
        heading(page, &title("Requests", application, status))?;
        write_requests(page, application)?;
    }
    write_refused(page, status.refused)
}

/// What no application hears of, if there was any.
fn write_refused(page: &mut String, refused: RefusedStatus) -> fmt::Result {
    if refused == RefusedStatus::default() {
        return Ok(());
    }
    heading(page, "Refused, without an application")?;
    writeln!(
        page,
        "Unknown host: {}  unknown path: {}",
        refused.unknown_host, refused.unknown_path
    )?;
    writeln!(
        page,
        "No valid host: {}  no HTTP/1.1: {}  head too large: {}  head too slow: {}",
        refused.bad_host, refused.malformed, refused.large_head, refused.slow_head
    )
}

/// The requests that are being served, one by one.
pub(super) fn write_running(
    page: &mut String,
    applications: &[ApplicationRequests],
) -> fmt::Result {
    for ApplicationRequests { name, requests } in applications {
        heading(page, &format!("Being served by {name}: {}", requests.len()))?;
        if requests.is_empty() {
            continue;
        }
        writeln!(
            page,
            "{:>8}  {:>8}  {:<16} {:>6}  Request",
            "Age", "Queued", "Where", "Sent"
        )?;
        for request in requests {
            write_one(page, request)?;
        }
    }
    writeln!(
        page,
        "\ncache: waits for the answer to another request for the same page.\n\
         Not listed: what is answered from memory."
    )
}

fn write_one(page: &mut String, request: &RunningRequest) -> fmt::Result {
    let queued = request
        .queued_seconds
        .map_or_else(String::new, |it| format!("{it:.3}s"));
    let place = match request.pid {
        Some(pid) => format!("{} {pid}", request.state),
        None => request.state.clone(),
    };
    writeln!(
        page,
        "{:>7.3}s  {queued:>8}  {place:<16} {:>6}  {} {}{}",
        request.age_seconds,
        Size(request.sent_bytes).to_string(),
        Plain(&request.method),
        Plain(request.host.as_deref().unwrap_or_default()),
        Plain(&request.path),
    )
}

fn write_requests(page: &mut String, application: &ApplicationStatus) -> fmt::Result {
    let requests = &application.requests;
    writeln!(page, "In flight : {}", requests.in_flight)?;
    write!(
        page,
        "Finished  : {}, of which failed: {}  aborted by the client: {}",
        requests.finished, requests.failed, requests.aborted
    )?;
    // Only what was upgraded can be.
    if requests.stopped > 0 {
        write!(page, "  ended by the server: {}", requests.stopped)?;
    }
    writeln!(page)?;
    if let Some(rates) = &application.per_second {
        writeln!(
            page,
            "Per second: {:.1} over 1 minute  {:.1} over 5  {:.1} over 15",
            rates.minute, rates.five_minutes, rates.fifteen_minutes
        )?;
    }
    let status = &requests.by_status;
    writeln!(
        page,
        "Answers   : 1xx: {}  2xx: {}  3xx: {}  4xx: {}  5xx: {}",
        status.informational,
        status.successful,
        status.redirection,
        status.client_error,
        status.server_error
    )?;
    let cache = &requests.by_cache_outcome;
    writeln!(
        page,
        "Cache     : hit: {}  miss: {}  collapsed: {}  stale: {}  pass: {}  none: {}",
        cache.hit, cache.miss, cache.collapsed, cache.stale, cache.pass, cache.none
    )?;
    write_latency(page, "Queue     ", application.queue_ms.as_ref())?;
    write_latency(page, "App       ", application.application_ms.as_ref())?;
    match &requests.latency_ms {
        None => writeln!(page, "Latency   : no request is over yet")?,
        latency => write_latency(page, "Latency   ", latency.as_ref())?,
    }
    writeln!(page, "Content   : {}", Size(requests.bytes))
}

fn write_latency(page: &mut String, name: &str, latency: Option<&Latency>) -> fmt::Result {
    let Some(latency) = latency else {
        return Ok(());
    };
    writeln!(
        page,
        "{name}: mean: {:.1} ms  p50: {:.1} ms  p90: {:.1} ms  p99: {:.1} ms  max: {:.1} ms",
        latency.mean, latency.p50, latency.p90, latency.p99, latency.max
    )
}
