//! A status for people, laid out as `passenger-status` does it, with the cache
//! and the requests below.

mod cache;
mod pool;
mod requests;
mod server;
mod units;

use std::{
    fmt::{self, Write},
    time::SystemTime,
};

use super::{
    running::Running,
    status::{ApplicationStatus, Status},
};
use crate::cli::Show;

use self::units::Span;
pub(super) use self::units::{Plain, Size};

/// What `show` chooses, or else what most want to know. `now` is the date that it
/// bears.
pub(super) fn render(status: &Status, show: Option<Show>, now: SystemTime) -> String {
    let mut page = String::new();
    // Writing to a `String` does not fail.
    let _ = write_page(&mut page, status, show, now);
    page
}

/// The requests that are being served, below their numbers.
pub(super) fn render_requests(status: &Status, running: &Running, now: SystemTime) -> String {
    let mut page = render(status, Some(Show::Requests), now);
    let _ = requests::write_running(&mut page, &running.applications);
    page
}

fn write_page(
    page: &mut String,
    status: &Status,
    show: Option<Show>,
    now: SystemTime,
) -> fmt::Result {
    writeln!(page, "Version : {}", status.version)?;
    writeln!(page, "Date    : {}", httpdate::fmt_http_date(now))?;
    writeln!(
        page,
        "Server  : {}, PID {}, up {}",
        status.address,
        status.pid,
        Span(status.uptime_seconds)
    )?;
    match show {
        Some(Show::Pool) => pool::write(page, status),
        Some(Show::Requests) => requests::write(page, status),
        Some(Show::Cache) => cache::write(page, status),
        Some(Show::Server) => server::write(page, status),
        None => {
            pool::write(page, status)?;
            cache::write(page, status)?;
            requests::write(page, status)
        }
    }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::admin::status::{BuffersStatus, RequestsStatus, example};

    const NOW: Duration = Duration::from_secs(1_795_248_000);

    #[test]
    fn a_status_is_laid_out_as_passenger_does_it() {
        let expected = "\
Version : 0.1.0
Date    : Sat, 21 Nov 2026 08:00:00 GMT
Server  : http://127.0.0.1:3000, PID 100, up 1h 1m 5s

----------- General information -----------
Max pool size : 5
App groups    : 1
Processes     : 2
Requests in top-level queue : 3 of 100

----------- Application groups -----------
forum (development):
  Serves: /srv/app
  Requests in queue: 3 of 100, one of them for 1.2 s
  Time in queue: p50: 0.1 ms  p90: 5.5 ms  p99: 10.2 ms  max: 21.0 ms
  * PID: 101     Sessions: 1       Processed: 120     Uptime: 1h 0m 50s
    CPU: 2%      Memory  : 23M     Last used: 0s ago  PSS: 17M
    Out-of-band work: 7 times, the last for 35 ms
  * PID: 202     Sessions: 0       Processed: 0       Uptime: 2s
    CPU: ?       Memory  : ?       Last used: never
    State: starting
  Processes started so far: 9
  Processes to be replaced: 1
  Restarts: 2, failed: 1; the latest: Sat, 21 Nov 2026 07:58:00 GMT, took 4s
  Waits for a process: all of --max-total-pool-size are there
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
Finished  : 198, of which failed: 1  aborted by the client: 2  ended by the server: 3
Per second: 12.5 over 1 minute  10.0 over 5  0.2 over 15
Answers   : 1xx: 0  2xx: 184  3xx: 5  4xx: 4  5xx: 3
Cache     : hit: 75  miss: 20  collapsed: 3  stale: 5  pass: 93  none: 0
Queue     : mean: 1.6 ms  p50: 0.1 ms  p90: 5.5 ms  p99: 10.2 ms  max: 21.0 ms
App       : mean: 26.0 ms  p50: 1.6 ms  p90: 88.0 ms  p99: 164.0 ms  max: 336.0 ms
Latency   : mean: 3.2 ms  p50: 0.2 ms  p90: 11.0 ms  p99: 20.5 ms  max: 42.0 ms
Content   : 5M

----------- Refused, without an application -----------
Unknown host: 7  unknown path: 1
No valid host: 0  no HTTP/1.1: 2  head too large: 0  head too slow: 1
";
        let rendered = render(&example(), None, SystemTime::UNIX_EPOCH + NOW);
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
        let rendered = render(&status, None, SystemTime::UNIX_EPOCH + NOW);
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
    fn each_part_can_be_shown_alone() {
        let parts = ["Max pool size", "Answers   :", "Entries", "Open files"];
        let cases = [
            (Show::Pool, parts[0]),
            (Show::Requests, parts[1]),
            (Show::Cache, parts[2]),
            (Show::Server, parts[3]),
        ];
        for (show, expected) in cases {
            let page = render(&example(), Some(show), SystemTime::UNIX_EPOCH + NOW);
            for part in parts {
                assert_eq!(page.contains(part), part == expected, "{show:?}: {page}");
            }
        }
    }

    #[test]
    fn the_server_is_shown_without_its_applications() {
        let mut status = example();
        let page = |status: &_| render(status, Some(Show::Server), SystemTime::UNIX_EPOCH + NOW);
        let expected = "
----------- Server -----------
PID        : 100
Address    : http://127.0.0.1:3000
Uptime     : 1h 1m 5s
Serves     : /srv/app
Clients    : 12 of 10000 connected, 180 so far
Access log : 197 lines, 1 left out
Buffers    : 3M of 64M in memory, 512M of 4.0G in files
CPU        : 12.2 s
Memory     : 14M, of address space 900M
Threads    : 5
Open files : 42 of 20000
";
        let one = page(&status);
        assert!(one.ends_with(expected), "{one}");

        let mut other = status.applications[0].clone();
        other.name = "shop".to_owned();
        other.buffers = BuffersStatus::default();
        status.applications.push(other);
        let two = page(&status);
        let expected = "\
Buffers of forum : 3M of 64M in memory, 512M of 4.0G in files
Buffers of shop : 0B of 0B in memory, 0B of 0B in files
";
        assert!(two.contains(expected), "{two}");
    }

    #[test]
    fn running_requests_are_listed_with_where_they_are() {
        let running = crate::admin::running::example();
        let page = render_requests(&example(), &running, SystemTime::UNIX_EPOCH + NOW);
        let list = "
----------- Being served by forum: 3 -----------
     Age    Queued  Where              Sent  Request
  2.500s    0.125s  process 101          0B  GET forum.example/topics/7
  1.500s            cache                0B  GET forum.example/topics/7
  0.004s    0.004s  queue                0B  POST ?[2J/topics

cache: waits for the answer to another request for the same page.
Not listed: what is answered from memory.
";
        assert!(page.ends_with(list), "{page}");
    }
}
