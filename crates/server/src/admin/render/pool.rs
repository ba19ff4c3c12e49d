use std::fmt::{self, Write};

use super::{
    heading,
    units::{Date, OrUnknown, Plain, Size, Span},
};
use crate::admin::status::{ApplicationStatus, ProcessStatus, QueueStatus, RestartsStatus, Status};

/// The part that `passenger-status` shows.
pub(super) fn write(page: &mut String, status: &Status) -> fmt::Result {
    write_general(page, status)?;
    heading(page, "Application groups")?;
    for application in &status.applications {
        write_group(page, application)?;
    }
    Ok(())
}

fn write_general(page: &mut String, status: &Status) -> fmt::Result {
    let pools = || status.applications.iter().filter_map(|it| it.pool.as_ref());
    heading(page, "General information")?;
    let max: usize = pools().map(|pool| pool.max).sum();
    let max = status
        .max_total_pool_size
        .map_or(max, |total| total.min(max));
    writeln!(page, "Max pool size : {max}")?;
    writeln!(page, "App groups    : {}", status.applications.len())?;
    let processes: usize = pools().map(|pool| pool.processes.len()).sum();
    writeln!(page, "Processes     : {processes}")?;
    let (queued, bound) = pools().fold((0, 0), |(queued, bound), pool| {
        (queued + pool.queue.length, bound + pool.queue.max)
    });
    writeln!(page, "Requests in top-level queue : {queued} of {bound}")
}

fn write_group(page: &mut String, application: &ApplicationStatus) -> fmt::Result {
    let ApplicationStatus {
        name,
        environment,
        serves,
        pool,
        ..
    } = application;
    writeln!(page, "{name} ({environment}):")?;
    writeln!(page, "  Serves: {serves}")?;
    let Some(pool) = pool else {
        return Ok(());
    };
    let QueueStatus { length, max, .. } = &pool.queue;
    write!(page, "  Requests in queue: {length} of {max}")?;
    if let Some(seconds) = pool.queue.longest_wait_seconds {
        write!(page, ", one of them for {seconds:.1} s")?;
    }
    writeln!(page)?;
    if let Some(waited) = &application.queue_ms {
        writeln!(
            page,
            "  Time in queue: p50: {:.1} ms  p90: {:.1} ms  p99: {:.1} ms  max: {:.1} ms",
            waited.p50, waited.p90, waited.p99, waited.max
        )?;
    }
    for process in &pool.processes {
        write_process(page, process)?;
    }
    writeln!(page, "  Processes started so far: {}", pool.started)?;
    if pool.due > 0 {
        writeln!(page, "  Processes to be replaced: {}", pool.due)?;
    }
    write_restarts(page, &pool.restarts)?;
    if pool.waits_for_total {
        writeln!(
            page,
            "  Waits for a process: all of --max-total-pool-size are there"
        )?;
    }
    // The words of `passenger-status`.
    if pool.resisting_deployment_error {
        writeln!(page, "  Resisting deployment error")?;
    }
    if let (Some(failures), Some(next)) = (pool.failed_starts, pool.next_start_seconds) {
        let next = Span(next);
        writeln!(page, "  Starts failed in a row: {failures}; next in {next}")?;
    }
    if let Some(failure) = &pool.last_start_failure {
        writeln!(page, "  The latest start failed:")?;
        for line in failure.lines() {
            writeln!(page, "    {}", Plain(line))?;
        }
    }
    Ok(())
}

fn write_restarts(page: &mut String, restarts: &RestartsStatus) -> fmt::Result {
    let RestartsStatus {
        finished,
        failed,
        under_way,
        last_at_seconds,
        last_took_seconds,
    } = restarts;
    write!(page, "  Restarts: {finished}, failed: {failed}")?;
    if let (Some(at), Some(took)) = (last_at_seconds, last_took_seconds) {
        let took = Span(*took);
        let how = if *under_way { "under way for" } else { "took" };
        write!(page, "; the latest: {}, {how} {took}", Date(*at))?;
    }
    writeln!(page)
}

fn write_process(page: &mut String, process: &ProcessStatus) -> fmt::Result {
    writeln!(
        page,
        "  * PID: {:<7} Sessions: {:<7} Processed: {:<7} Uptime: {}",
        process.pid,
        process.sessions,
        process.processed,
        Span(process.uptime_seconds)
    )?;
    let cpu = OrUnknown(process.cpu_percent.map(|percent| format!("{percent:.0}%")));
    let memory = OrUnknown(process.memory_bytes.map(|bytes| Size(bytes).to_string()));
    let last_used = match process.last_used_seconds_ago {
        Some(seconds) => format!("{} ago", Span(seconds)),
        None => "never".to_owned(),
    };
    write!(
        page,
        "    CPU: {cpu:<7} Memory  : {memory:<7} Last used: {last_used}"
    )?;
    match process.pss_bytes {
        Some(bytes) => writeln!(page, "  PSS: {}", Size(bytes))?,
        None => writeln!(page)?,
    }
    if let Some(rests) = &process.rests
        && rests.finished > 0
    {
        writeln!(
            page,
            "    Out-of-band work: {} times, the last for {:.0} ms",
            rests.finished,
            rests.last_ms.unwrap_or_default()
        )?;
    }
    // As `passenger-status`, which only mentions what is out of the ordinary.
    if process.state != "ready" {
        writeln!(page, "    State: {}", process.state)?;
    }
    Ok(())
}
