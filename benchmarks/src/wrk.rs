use std::{io::Write, net::SocketAddr, process::Stdio, time::Duration};

use tempfile::NamedTempFile;

use tokio::process::Command;

use crate::{Result, cores::CoreList, scenario::Scenario};

/// What wrk has counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: u32,
    pub(crate) per_second: f64,
    pub(crate) p99: Duration,
}

/// Asks `address` for the scenario's page, as fast as it answers, for so many
/// seconds. An error if a single answer was not a success.
pub(crate) async fn load(
    address: SocketAddr,
    scenario: Scenario,
    connections: u32,
    seconds: u32,
    cores: &CoreList,
) -> Result<Load> {
    // wrk refuses to have more threads than connections.
    let threads = cores.len().min(connections as usize);
    let mut script = NamedTempFile::new()?;
    writeln!(script, "wrk.method = \"{}\"", scenario.method())?;
    let output = Command::new("taskset")
        .arg("--cpu-list")
        .arg(cores.to_string())
        .arg("wrk")
        .args(["--latency", "--timeout", "10s"])
        .arg(format!("--threads={threads}"))
        .arg(format!("--connections={connections}"))
        .arg(format!("--duration={seconds}s"))
        .arg("--script")
        .arg(script.path())
        .arg(format!("http://{address}{}", scenario.path()))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("wrk: {}: {text}{error}", output.status).into());
    }
    Ok(parse(&text)?)
}

/// Reads what wrk 4 prints.
fn parse(text: &str) -> Result<Load, String> {
    let mut requests = None;
    let mut per_second = None;
    let mut p99 = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with("Socket errors:") || line.starts_with("Non-2xx") {
            return Err(format!("wrk: {line}"));
        }
        if let Some((count, _)) = line.split_once(" requests in ") {
            requests = count.parse().ok();
        } else if let Some(rate) = line.strip_prefix("Requests/sec:") {
            per_second = rate.trim().parse().ok();
        } else if let Some(latency) = line.strip_prefix("99%") {
            p99 = duration(latency.trim());
        }
    }
    match (requests, per_second, p99) {
        (Some(0), _, _) => Err("wrk: not a single request was answered".to_owned()),
        (Some(requests), Some(per_second), Some(p99)) => Ok(Load {
            requests,
            per_second,
            p99,
        }),
        _ => Err(format!("wrk printed something unknown:\n{text}")),
    }
}

/// A time as wrk writes it, from `1.00us` to `1.00h`.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
Running 2s test @ http://127.0.0.1:8080/hit
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   433.20us  234.55us   6.41ms   87.44%
    Req/Sec    72.63k     3.90k   79.91k    65.00%
  Latency Distribution
     50%  404.00us
     75%  532.00us
     90%  676.00us
     99%    1.17ms
  289041 requests in 2.00s, 320.89MB read
Requests/sec: 144341.68
Transfer/sec:    160.25MB
";

    #[test]
    fn reads_what_wrk_prints() {
        let load = parse(PRINTED).unwrap();
        assert_eq!(load.requests, 289_041);
        assert!((load.per_second - 144_341.68).abs() < 1e-6);
        assert_eq!(load.p99, Duration::from_micros(1170));
    }

    #[test]
    fn believes_no_load_with_errors() {
        let cases = [
            (
                "errors",
                "  Socket errors: connect 0, read 0, write 0, timeout 1",
            ),
            ("statuses", "  Non-2xx or 3xx responses: 17"),
        ];
        for (name, line) in cases {
            let printed = format!("{PRINTED}{line}\n");
            assert!(parse(&printed).unwrap_err().contains(line.trim()), "{name}");
        }
        let none = PRINTED.replace("289041 requests", "0 requests");
        assert!(parse(&none).unwrap_err().contains("not a single"));
        assert!(parse("wrk 5").unwrap_err().contains("unknown"));
    }

    #[test]
    fn reads_times() {
        let cases = [
            ("635.00us", Some(635_000)),
            ("1.17ms", Some(1_170_000)),
            ("2.50s", Some(2_500_000_000)),
            ("1.50m", Some(90_000_000_000)),
            ("1.00h", Some(3_600_000_000_000)),
            ("-1.00s", None),
            ("1.00d", None),
            ("fast", None),
            ("", None),
        ];
        for (text, nanos) in cases {
            assert_eq!(duration(text), nanos.map(Duration::from_nanos), "`{text}`");
        }
    }
}
