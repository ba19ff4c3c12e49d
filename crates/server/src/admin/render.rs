use std::{
    fmt::{self, Write},
    time::SystemTime,
};

use super::status::{
    ApplicationStatus, CacheStatus, ProcessStatus, QueueStatus, RequestsStatus, Status,
};

/// A status for people, laid out as `passenger-status` does it, with the cache
/// and the requests below. `now` is the date that it bears.
pub(super) fn render(status: &Status, now: SystemTime) -> String {
    let mut page = String::new();
    // Writing to a `String` does not fail.
    let _ = write_page(&mut page, status, now);
    page
}

fn write_page(page: &mut String, status: &Status, now: SystemTime) -> fmt::Result {
    writeln!(page, "Version : {}", status.version)?;
    writeln!(page, "Date    : {}", httpdate::fmt_http_date(now))?;
    writeln!(
        page,
        "Server  : {}, PID {}, up {}",
        status.address,
        status.pid,
        Span(status.uptime_seconds)
    )?;
    write_general(page, status)?;
    heading(page, "Application groups")?;
    for application in &status.applications {
        write_group(page, application)?;
    }
    for application in &status.applications {
        heading(page, &title("Cache", application, status))?;
        match &application.cache {
            Some(cache) => write_cache(page, cache)?,
            None => writeln!(page, "off")?,
        }
        heading(page, &title("Requests", application, status))?;
        write_requests(page, &application.requests)?;
    }
    Ok(())
}

/// What a part of the page is about: where there is one application, it need not
/// be said which.
fn title(what: &str, application: &ApplicationStatus, status: &Status) -> String {
    if status.applications.len() == 1 {
        what.to_owned()
    } else {
        format!("{what} of {}", application.name)
    }
}

fn heading(page: &mut String, name: &str) -> fmt::Result {
    writeln!(page, "\n----------- {name} -----------")
}

fn write_general(page: &mut String, status: &Status) -> fmt::Result {
    let pools = || status.applications.iter().filter_map(|it| it.pool.as_ref());
    heading(page, "General information")?;
    let max: usize = pools().map(|pool| pool.max).sum();
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
    let QueueStatus { length, max } = &pool.queue;
    writeln!(page, "  Requests in queue: {length} of {max}")?;
    for process in &pool.processes {
        write_process(page, process)?;
    }
    if pool.due > 0 {
        writeln!(page, "  Processes to be replaced: {}", pool.due)?;
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
            writeln!(page, "    {line}")?;
        }
    }
    Ok(())
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
    writeln!(
        page,
        "    CPU: {cpu:<7} Memory  : {memory:<7} Last used: {last_used}"
    )?;
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

fn write_cache(page: &mut String, cache: &CacheStatus) -> fmt::Result {
    match cache.hit_rate() {
        Some(rate) => writeln!(page, "Hits    : {} ({:.1}%)", cache.hits, rate * 100.0)?,
        None => writeln!(page, "Hits    : {}", cache.hits)?,
    }
    writeln!(page, "Misses  : {}", cache.misses)?;
    writeln!(page, "Entries : {}", cache.entries)?;
    writeln!(
        page,
        "Memory  : {} of {}",
        Size(cache.bytes),
        Size(cache.capacity_bytes)
    )
}

fn write_requests(page: &mut String, requests: &RequestsStatus) -> fmt::Result {
    writeln!(page, "In flight : {}", requests.in_flight)?;
    writeln!(
        page,
        "Finished  : {}, of which failed: {}  aborted by the client: {}",
        requests.finished, requests.failed, requests.aborted
    )?;
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
    match &requests.latency_ms {
        Some(latency) => writeln!(
            page,
            "Latency   : mean: {:.1} ms  p50: {:.1} ms  p90: {:.1} ms  p99: {:.1} ms  \
             max: {:.1} ms",
            latency.mean, latency.p50, latency.p90, latency.p99, latency.max
        )?,
        None => writeln!(page, "Latency   : no request is over yet")?,
    }
    writeln!(page, "Content   : {}", Size(requests.bytes))
}

/// A span of seconds as `passenger-status` writes it: `14s`, `1m 2s`,
/// `3h 0m 5s`, `2d 0h 0m 1s`.
struct Span(f64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Saturates: what is negative or no number becomes 0.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let seconds = self.0 as u64;
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
        if days > 0 {
            write!(f, "{days}d {hours}h {minutes}m {seconds}s")
        } else if hours > 0 {
            write!(f, "{hours}h {minutes}m {seconds}s")
        } else if minutes > 0 {
            write!(f, "{minutes}m {seconds}s")
        } else {
            write!(f, "{seconds}s")
        }
    }
}

/// Bytes in the largest unit that leaves a digit before the point, as
/// `passenger-status` writes memory: `512K`, `23M`, `1.5G`.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        const GIB: u64 = 1 << 30;
        match self.0 {
            0..KIB => write!(f, "{}B", self.0),
            KIB..MIB => write!(f, "{}K", self.0 / KIB),
            MIB..GIB => write!(f, "{}M", self.0 / MIB),
            bytes => write!(f, "{}.{}G", bytes / GIB, bytes % GIB * 10 / GIB),
        }
    }
}

struct OrUnknown(Option<String>);

impl fmt::Display for OrUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_deref().unwrap_or("?"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::admin::status::example;

    const NOW: Duration = Duration::from_secs(1_795_248_000);

    #[test]
    fn a_status_is_laid_out_as_passenger_does_it() {
        let expected = "\
Version : 0.1.0
Date    : Sat, 21 Nov 2026 08:00:00 GMT
Server  : http://127.0.0.1:3000, PID 100, up 1h 1m 5s

----------- General information -----------
Max pool size : 6
App groups    : 1
Processes     : 2
Requests in top-level queue : 3 of 100

----------- Application groups -----------
forum (development):
  Serves: /srv/app
  Requests in queue: 3 of 100
  * PID: 101     Sessions: 1       Processed: 120     Uptime: 1h 0m 50s
    CPU: 2%      Memory  : 23M     Last used: 0s ago
    Out-of-band work: 7 times, the last for 35 ms
  * PID: 202     Sessions: 0       Processed: 0       Uptime: 2s
    CPU: ?       Memory  : ?       Last used: never
    State: starting
  Processes to be replaced: 1
  Resisting deployment error
  Starts failed in a row: 3; next in 4s
  The latest start failed:
    exit status 1
    cannot load such file -- rack

----------- Cache -----------
Hits    : 75 (75.0%)
Misses  : 25
Entries : 12
Memory  : 34K of 64M

----------- Requests -----------
In flight : 4
Finished  : 198, of which failed: 1  aborted by the client: 2
Answers   : 1xx: 0  2xx: 184  3xx: 5  4xx: 4  5xx: 3
Cache     : hit: 75  miss: 20  collapsed: 3  stale: 5  pass: 93  none: 0
Latency   : mean: 3.2 ms  p50: 0.2 ms  p90: 11.0 ms  p99: 20.5 ms  max: 42.0 ms
Content   : 5M
";
        let rendered = render(&example(), SystemTime::UNIX_EPOCH + NOW);
        assert_eq!(rendered, expected);
    }

    #[test]
    fn what_is_absent_is_said_to_be() {
        let mut status = example();
        let application = &mut status.applications[0];
        application.serves = "http://127.0.0.1:8080".to_owned();
        application.pool = None;
        application.cache = None;
        application.requests = RequestsStatus::default();
        let rendered = render(&status, SystemTime::UNIX_EPOCH + NOW);
        assert!(!rendered.contains("PID: 1"), "{rendered}");
        let parts = [
            "\n  Serves: http://127.0.0.1:8080\n",
            "- Cache -----------\noff\n",
            "Latency   : no request is over yet\n",
        ];
        for part in parts {
            assert!(rendered.contains(part), "{rendered}");
        }
    }

    #[test]
    fn spans_and_sizes_are_short() {
        let spans = [
            (0.9, "0s"),
            (59.0, "59s"),
            (62.0, "1m 2s"),
            (3600.0, "1h 0m 0s"),
            (86_401.0, "1d 0h 0m 1s"),
            (-1.0, "0s"),
            (f64::NAN, "0s"),
        ];
        for (seconds, expected) in spans {
            assert_eq!(Span(seconds).to_string(), expected);
        }
        let sizes = [
            (0, "0B"),
            (1023, "1023B"),
            (1 << 10, "1K"),
            (64 << 20, "64M"),
            (3 << 29, "1.5G"),
        ];
        for (bytes, expected) in sizes {
            assert_eq!(Size(bytes).to_string(), expected);
        }
    }
}
