//! A line for each request, and nobody who waits for it.

use std::path::Path;

use http::StatusCode;
use integration_tests::{processes, wait};
use rustix::process::Signal;
use serde_json::Value;

use crate::unruly;

#[tokio::test]
async fn an_access_log_is_written_and_opened_anew_at_sigusr1() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let server = unruly::start(&[
        "--access-log",
        log.to_str().unwrap(),
        "--access-log-format",
        "json",
    ])
    .await;
    let lines = |path: &Path| -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap()
    };
    let page = "/answer/Cache-Control=public,max-age=60?q=1";
    server.get(page).await;
    server.get(page).await;
    let written = wait::until("two lines", async || {
        Some(lines(&log)).filter(|lines| lines.len() == 2)
    })
    .await;
    assert_eq!(written[0]["client"], "127.0.0.1");
    assert_eq!(written[0]["target"], page);
    assert_eq!(written[0]["cache"], "miss");
    assert_eq!(written[0]["pid"], server.ready_processes().await[0]);
    let why = written[0]["cache_status"].as_str().unwrap();
    assert!(why.starts_with("fwd=uri-miss; stored; ttl="), "{why}");
    assert_eq!(written[1]["cache"], "hit");
    assert!(written[1]["duration_ms"].as_f64().unwrap() > 0.0);

    let moved = folder.path().join("access.log.1");
    std::fs::rename(&log, &moved).unwrap();
    processes::signal(server.pid(), Signal::USR1);
    wait::until("a new file", async || log.exists().then_some(())).await;
    server.get("/answer").await;
    // Stopping writes out what is left.
    server.stop().await;
    assert_eq!((lines(&moved).len(), lines(&log).len()), (2, 1));
}

#[tokio::test]
async fn what_is_no_request_is_in_the_access_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let server = unruly::start(&["--access-log", log.to_str().unwrap()]).await;
    let large = format!("GET / HTTP/1.1\r\nX-A: {}\r\n\r\n", "x".repeat(1 << 17));
    let cases = [
        ("GET /?q=1 HTTP/1.1\r\n\r\n", "\"GET /?q=1 HTTP/1.1\" 400 0"),
        ("Good morning!\r\n\r\n", "\"-\" 400 0"),
        (&large, "\"-\" 431 0"),
    ];
    for (number, (request, expected)) in cases.into_iter().enumerate() {
        server.exchange(request.as_bytes()).await;
        let line = wait::until(expected, async || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            (lines.len() == number + 1).then(|| lines[number].to_owned())
        })
        .await;
        assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
        assert!(line.contains(expected), "{line}");
    }
    let status = server.status().await;
    let refused = &status["refused"];
    for reason in ["bad_host", "malformed", "large_head"] {
        assert_eq!(refused[reason], 1, "{reason}: {refused}");
    }
    assert_eq!(refused["unknown_host"], 0, "{refused}");
    assert_eq!(status["applications"][0]["requests"]["finished"], 0);
}

#[tokio::test]
async fn a_head_that_does_not_end_is_in_the_access_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let options = [
        "--access-log",
        log.to_str().unwrap(),
        "--header-timeout",
        "1",
    ];
    let server = unruly::start(&options).await;
    // More than once, if all of a second goes by before anything is said.
    let line = wait::until("a line", async || {
        let answer = server.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n").await;
        assert_eq!(answer, "");
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.lines().next().map(str::to_owned)
    })
    .await;
    assert!(line.contains("\"-\" 408 0 "), "{line}");
    assert!(server.status().await["refused"]["slow_head"].as_u64() > Some(0));
}

#[tokio::test]
async fn a_full_disk_under_the_access_log_holds_up_nobody() {
    let server = unruly::start(&["--access-log", "/dev/full"]).await;
    for _ in 0..50 {
        assert_eq!(server.get("/answer").await.status, StatusCode::OK);
    }
    wait::until("lost lines that are counted", async || {
        (server.status().await["access_log"]["dropped"] == 50).then_some(())
    })
    .await;
    server.logs("the access log has lost lines").await;
}

#[tokio::test]
async fn sigusr1_without_an_access_log_ends_nothing() {
    let server = unruly::start(&[]).await;
    processes::signal(server.pid(), Signal::USR1);
    wait::until("the signal to be seen", async || {
        server
            .stderr()
            .to_string()
            .contains("SIGUSR1")
            .then_some(())
    })
    .await;
    assert_eq!(server.get("/answer").await.status, StatusCode::OK);
}
