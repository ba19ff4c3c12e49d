use std::{convert::Infallible, fs, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use peregrine::{
    core::{CacheStatus, ServedBy},
    request_accounting::RequestAccounting,
    upstream_pool::forwarded::PeerAddr,
};
use serde_json::Value;
use tempfile::TempDir;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::front::{Report, UpgradeReport};

fn open(folder: &TempDir, format: Format, omit_query: bool) -> (AccessLog, PathBuf) {
    let path = folder.path().join("access.log");
    let settings = AccessLogSettings {
        destination: Destination::new(path.clone()),
        format,
        omit_query,
    };
    (AccessLog::open(&settings, &[]).unwrap(), path)
}

fn request(target: &str) -> Request<()> {
    let mut request = Request::get(target).body(()).unwrap();
    let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
    request.extensions_mut().insert(PeerAddr(peer));
    request
}

/// Serves `request` with a page, and counts it into `log`.
async fn serve(log: &AccessLog, request: Request<()>) {
    let accounting = RequestAccounting::new().observed_by(log.handle().of("forum"));
    let service = accounting.layer(service_fn(|_: Request<()>| async {
        let mut response = Response::new(Full::<Bytes>::from("page"));
        let extensions = response.extensions_mut();
        extensions.insert(ServedBy { pid: 4711 });
        extensions.insert(CacheStatus::hit(Duration::from_secs(60)));
        Ok::<_, Infallible>(response)
    }));
    let response = service.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
}

/// A line without its date, which stands in square brackets.
fn undated(line: &str) -> String {
    let (before, rest) = line.split_once('[').unwrap();
    let (date, after) = rest.split_once(']').unwrap();
    assert_eq!(date.len(), "21/Nov/2026:08:00:00 +0000".len(), "{line}");
    assert!(date.ends_with(" +0000"), "{line}");
    format!("{before}[]{after}")
}

#[tokio::test]
async fn a_combined_line_is_what_nginx_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (log, path) = open(&folder, Format::Combined, false);
    serve(&log, request("/topics/7?page=2")).await;

    let mut old = request("/");
    *old.version_mut() = Version::HTTP_10;
    let headers = old.headers_mut();
    headers.insert("referer", HeaderValue::from_static("http://a/?q=1"));
    headers.insert("user-agent", HeaderValue::from_static("curl/8.0"));
    headers.insert("authorization", HeaderValue::from_static("Basic c2VjcmV0"));
    serve(&log, old).await;

    // Quotes, a backslash, a tab and what is no ASCII; line breaks are no value.
    let mut hostile = request("/\"a");
    let agent = HeaderValue::from_bytes(b"a\" \\ \t 1 \x80\xff [").unwrap();
    hostile.headers_mut().insert("user-agent", agent);
    serve(&log, hostile).await;
    drop(log);

    let lines = fs::read_to_string(path).unwrap();
    assert!(lines.ends_with('\n'), "{lines}");
    let lines: Vec<_> = lines.lines().map(undated).collect();
    let expected = [
        r#"192.0.2.7 - - [] "GET /topics/7?page=2 HTTP/1.1" 200 4 "-" "-""#,
        r#"192.0.2.7 - - [] "GET / HTTP/1.0" 200 4 "http://a/?q=1" "curl/8.0""#,
        r#"192.0.2.7 - - [] "GET /\x22a HTTP/1.1" 200 4 "-" "a\x22 \x5C \x09 1 \x80\xFF [""#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_no_application_hears_of_is_a_line_too() {
    let peer: SocketAddr = "192.0.2.9:4711".parse().unwrap();
    let refuse = |log: &AccessLog| {
        let handle = log.handle();
        let request = request("/topics?page=2");
        handle.refused((&request).into(), StatusCode::MISDIRECTED_REQUEST, 36);
        handle.refused_client(peer, StatusCode::REQUEST_TIMEOUT, End::Aborted);
    };
    let folder = tempfile::tempdir().unwrap();
    let (log, path) = open(&folder, Format::Combined, true);
    refuse(&log);
    drop(log);
    let lines = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = lines.lines().map(undated).collect();
    let expected = [
        r#"192.0.2.7 - - [] "GET /topics HTTP/1.1" 421 36 "-" "-""#,
        r#"192.0.2.9 - - [] "-" 408 0 "-" "-""#,
    ];
    assert_eq!(lines, expected);

    let folder = tempfile::tempdir().unwrap();
    let (log, path) = open(&folder, Format::Json, false);
    refuse(&log);
    drop(log);
    let lines = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        assert_eq!(line["application"], Value::Null, "{line}");
        assert_eq!(line["duration_ms"], 0.0, "{line}");
    }
    assert_eq!(lines[0]["target"], "/topics?page=2");
    assert_eq!(lines[0]["end"], "complete");
    for unknown in ["method", "host", "target", "protocol"] {
        assert_eq!(lines[1][unknown], Value::Null, "{unknown}");
    }
    assert_eq!(
        (&lines[1]["client"], &lines[1]["end"]),
        (&"192.0.2.9".into(), &"aborted".into())
    );
}

#[tokio::test]
async fn a_json_line_has_what_a_program_wants_to_know() {
    let folder = tempfile::tempdir().unwrap();
    let (log, path) = open(&folder, Format::Json, false);
    let mut request = request("/topics?page=2");
    let headers = request.headers_mut();
    headers.insert("host", HeaderValue::from_static("forum.example"));
    headers.insert("user-agent", HeaderValue::from_bytes(b"\"\xff").unwrap());
    headers.insert("cookie", HeaderValue::from_static("session=secret"));
    serve(&log, request).await;
    drop(log);

    let text = fs::read_to_string(path).unwrap();
    assert!(!text.contains("secret"), "{text}");
    let [line] = &text.lines().collect::<Vec<_>>()[..] else {
        panic!("{text}")
    };
    let mut line: Value = serde_json::from_str(line).unwrap();
    let duration = line["duration_ms"].take().as_f64().unwrap();
    assert!((0.0..60_000.0).contains(&duration), "{duration}");
    let time = line["time"].take();
    let time = time.as_str().unwrap();
    assert_eq!(time.len(), "2026-11-21T08:00:00.000Z".len(), "{time}");
    let expected = serde_json::json!({
        "time": null,
        "application": "forum",
        "client": "192.0.2.7",
        "method": "GET",
        "host": "forum.example",
        "target": "/topics?page=2",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 4,
        "duration_ms": null,
        "end": "complete",
        "cache": "hit",
        "cache_status": "hit; ttl=60",
        "pid": 4711,
        "upgraded": null,
        "referer": null,
        "user_agent": "\"\u{fffd}",
    });
    assert_eq!(line, expected);
}

#[tokio::test]
async fn a_line_says_how_an_upgraded_connection_was() {
    let folder = tempfile::tempdir().unwrap();
    let (log, path) = open(&folder, Format::Json, false);
    let mut request = request("/chat");
    let report = UpgradeReport::default();
    request.extensions_mut().insert(report.clone());
    report.close(Report {
        ending: "process-leaves",
        up: 70,
        down: 1000,
        lasted: Duration::from_secs(90),
    });
    serve(&log, request).await;
    drop(log);
    let line: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let expected = serde_json::json!({
        "end": "process-leaves",
        "received": 70,
        "sent": 1000,
        "duration_ms": 90_000.0,
    });
    assert_eq!(line["upgraded"], expected);
    assert_eq!(line["bytes"], 1004, "as nginx counts them");
}

#[tokio::test]
async fn queries_are_left_out_wherever_they_stand() {
    for format in [Format::Combined, Format::Json] {
        let folder = tempfile::tempdir().unwrap();
        let (log, path) = open(&folder, format, true);
        for target in [
            "/reset?token=secret",
            "http://forum.example/reset?token=secret",
        ] {
            let mut request = request(target);
            let referer = HeaderValue::from_static("http://a/reset?token=secret");
            request.headers_mut().insert("referer", referer);
            serve(&log, request).await;
        }
        drop(log);
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(text.matches("/reset").count(), 4, "{text}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_logged_as_by_nginx() {
    let folder = tempfile::tempdir().unwrap();
    let (log, path) = open(&folder, Format::Combined, false);
    let accounting = RequestAccounting::new().observed_by(log.handle().of("forum"));
    let service = accounting.layer(service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    }));
    assert!(service.oneshot(request("/")).now_or_never().is_none());
    let service = accounting.layer(service_fn(|_: Request<()>| async {
        let mut response = Response::new(Full::<Bytes>::from("page"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        Ok::<_, Infallible>(response)
    }));
    // The head only: the client left within the body.
    drop(service.oneshot(request("/none")).await.unwrap());
    drop(log);
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("\"GET / HTTP/1.1\" 499 0 "), "{text}");
    assert!(text.contains("\"GET /none HTTP/1.1\" 404 0 "), "{text}");
}

#[tokio::test]
async fn a_log_that_was_moved_away_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (log, path) = open(&folder, Format::Combined, false);
    serve(&log, request("/before")).await;
    while log.handle().lines().written < 1 {
        tokio::task::yield_now().await;
    }
    let moved = folder.path().join("access.log.1");
    fs::rename(&path, &moved).unwrap();
    log.handle().reopen();
    serve(&log, request("/after")).await;
    drop(log);
    let (old, new) = (
        fs::read_to_string(moved).unwrap(),
        fs::read_to_string(path).unwrap(),
    );
    assert!(old.contains("/before") && !old.contains("/after"), "{old}");
    assert!(new.contains("/after") && !new.contains("/before"), "{new}");
}

#[tokio::test]
async fn a_full_disk_holds_up_nobody_and_is_counted() {
    let settings = AccessLogSettings {
        destination: Destination::new("/dev/full".into()),
        format: Format::Combined,
        omit_query: false,
    };
    let log = AccessLog::open(&settings, &[]).unwrap();
    for _ in 0..100 {
        serve(&log, request("/")).await;
    }
    let handle = log.handle();
    drop(log);
    let expected = Lines {
        written: 0,
        dropped: 100,
    };
    assert_eq!(handle.lines(), expected);
}

#[test]
fn a_log_that_cannot_be_is_refused() {
    let settings = AccessLogSettings {
        destination: Destination::new("/nowhere/at/all/access.log".into()),
        format: Format::Combined,
        omit_query: false,
    };
    let error = AccessLog::open(&settings, &[]).unwrap_err().to_string();
    assert!(error.contains("--access-log"), "{error}");
}
