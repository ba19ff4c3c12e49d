//! Alone in its process, whose open files it counts.
//!
//! `FAILED_STARTS=10000` has so many starts fail of each kind that does so at once, and
//! says with `--nocapture` what was there before and after.

use std::{env, fs, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use peregrine_upstream_pool::{AppCommand, UpstreamPool};
use tower::ServiceExt;

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// What of us is in memory, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kib.parse().unwrap()
}

/// Our children, as the system describes them.
fn children() -> Vec<String> {
    let of_us = |stat: &String| {
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        rest[2..].starts_with(&format!("{} ", std::process::id()))
    };
    let all = fs::read_dir("/proc").unwrap();
    all.filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok())
        .filter(of_us)
        .collect()
}

#[tokio::test]
async fn starts_that_fail_leave_no_file_open_and_no_process() {
    let exits = AppCommand::new("sh").args(["-c", "echo no; exit 1", "{socket}"]);
    let missing = AppCommand::new("peregrine-no-such-program");
    let deaf = AppCommand::new("sh").args(["-c", "exec sleep 1000", "{socket}"]);
    let many = env::var("FAILED_STARTS").map_or(300, |starts| starts.parse().unwrap());
    for (name, command, starts) in [
        ("exits", exits, many),
        ("missing", missing, many),
        ("deaf", deaf, 20),
    ] {
        let (pool, handle) = UpstreamPool::builder(command)
            .start_timeout(Duration::from_millis(20))
            .spawn()
            .unwrap();
        // The first one opens what stays open.
        let request = Request::new(Empty::<Bytes>::new());
        pool.oneshot(request).await.unwrap_err();
        let (before, memory) = (open_files(), resident());
        for _ in 0..starts {
            // Asked for, a start is tried without a pause.
            let error = handle.restart().await.unwrap_err();
            assert!(error.is_not_started(), "{name}: {error:?}");
        }
        let after = open_files();
        println!(
            "{name}: {starts} starts, {before} and {after} files, {memory} and {} KiB",
            resident()
        );
        assert_eq!(after, before, "{name}");
        let children = children();
        let [_guard] = children.as_slice() else {
            panic!("{name}: {children:?}");
        };
        handle.stop().await;
        assert_eq!(self::children(), [""; 0], "{name}");
    }
}
