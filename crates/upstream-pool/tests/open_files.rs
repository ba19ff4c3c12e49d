//! Alone in its process, whose open files it counts.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use peregrine_upstream_pool::{AppCommand, UpstreamPool};
use tower::ServiceExt;

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Our children, as the system describes them.
fn children() -> Vec<String> {
    let of_us = |stat: &String| {
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        rest[2..].starts_with(&format!("{} ", std::process::id()))
    };
    let all = std::fs::read_dir("/proc").unwrap();
    all.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok())
        .filter(of_us)
        .collect()
}

#[tokio::test]
async fn starts_that_fail_leave_no_file_open_and_no_process() {
    let exits = AppCommand::new("sh").args(["-c", "echo no; exit 1", "{socket}"]);
    let missing = AppCommand::new("peregrine-no-such-program");
    let deaf = AppCommand::new("sh").args(["-c", "exec sleep 1000", "{socket}"]);
    for (name, command, starts) in [
        ("exits", exits, 300),
        ("missing", missing, 300),
        ("deaf", deaf, 20),
    ] {
        let (pool, handle) = UpstreamPool::builder(command)
            .start_timeout(std::time::Duration::from_millis(20))
            .spawn()
            .unwrap();
        // The first one opens what stays open.
        let request = Request::new(Empty::<Bytes>::new());
        pool.oneshot(request).await.unwrap_err();
        let before = open_files();
        for _ in 0..starts {
            // Asked for, a start is tried without a pause.
            let error = handle.restart().await.unwrap_err();
            assert!(error.is_not_started(), "{name}: {error:?}");
        }
        assert_eq!(open_files(), before, "{name}");
        handle.stop().await;
        assert_eq!(children(), [""; 0], "{name}");
    }
}
