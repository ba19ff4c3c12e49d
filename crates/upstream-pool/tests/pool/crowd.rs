//! Many requests, few processes.

use std::{path::PathBuf, time::Duration};

use http_body_util::BodyExt;
use peregrine_upstream_pool::UpstreamPool;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::support::{answered, app, get, lines, pid, ready, text, until};

/// A folder with a gate, for which requests to its path wait.
struct Gate {
    dir: tempfile::TempDir,
}

impl Gate {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        format!("/wait{}", self.file(name).display())
    }

    fn open(&self, name: &str) {
        std::fs::write(self.file(name), "").unwrap();
    }
}

type Answer = Result<String, peregrine_upstream_pool::Error>;

fn ask(pool: &UpstreamPool, path: &str) -> JoinHandle<Answer> {
    let (pool, request) = (pool.clone(), get(path));
    tokio::spawn(async move { Ok(text(pool.oneshot(request).await?).await) })
}

#[tokio::test]
async fn beyond_the_queue_a_request_is_turned_away_at_once() {
    let gate = Gate::new();
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .max_request_queue_size(1)
        .spawn()
        .unwrap();
    let only = pid(&pool).await.to_string();
    let running = ask(&pool, &gate.path("a"));
    until("it runs", || handle.snapshot().processes[0].running == 1).await;
    let waiting = ask(&pool, &gate.path("a"));
    until("it waits", || handle.snapshot().queued == 1).await;

    let error = pool.clone().oneshot(get("/pid")).await.unwrap_err();
    assert!(error.is_queue_full(), "{error:?}");
    assert!(error.retry_after().unwrap() >= Duration::from_secs(1));

    gate.open("a");
    assert_eq!(running.await.unwrap().unwrap(), only);
    assert_eq!(waiting.await.unwrap().unwrap(), only);
    handle.stop().await;
}

#[tokio::test]
async fn requests_are_served_in_the_order_in_which_they_came() {
    let gate = Gate::new();
    let journal = gate.file("journal");
    let (pool, handle) = UpstreamPool::builder(app().env("JOURNAL", &journal))
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let first = ask(&pool, &gate.path("a"));
    until("it runs", || lines(&journal).len() == 1).await;
    let mut rest = Vec::new();
    for n in 0..20 {
        rest.push(ask(&pool, &format!("/pid?{n}")));
        until("it waits", || handle.snapshot().queued == n + 1).await;
    }
    // Those who leave, leave no gap.
    for n in [0, 7, 8] {
        rest[n].abort();
    }
    until("they have left", || handle.snapshot().queued == 17).await;

    gate.open("a");
    first.await.unwrap().unwrap();
    let expected: Vec<_> = (0..20)
        .filter(|n| ![0, 7, 8].contains(n))
        .map(|n| format!("GET /pid?{n}"))
        .collect();
    for request in rest {
        // The three were aborted.
        let _ = request.await;
    }
    assert_eq!(lines(&journal)[1..], expected);
    handle.stop().await;
}

#[tokio::test]
async fn a_place_stays_taken_while_the_process_works_for_a_client_that_left() {
    let gate = Gate::new();
    let journal = gate.file("journal");
    let (pool, handle) = UpstreamPool::builder(app().env("JOURNAL", &journal))
        .min_instances(2)
        .max_pool_size(2)
        .spawn()
        .unwrap();
    until("both are ready", || ready(&handle) == 2).await;
    let running = |n: usize| handle.snapshot().processes[n].running;
    let left = ask(&pool, &gate.path("a"));
    until("the process has it", || lines(&journal).len() == 1).await;
    assert_eq!(running(0), 1);
    left.abort();
    assert!(left.await.unwrap_err().is_cancelled());

    // The other process takes the next ones: none waits behind the dead one.
    let second = handle.snapshot().processes[1].pid;
    for _ in 0..3 {
        assert_eq!(pid(&pool).await, second);
    }
    assert_eq!(running(0), 1);
    gate.open("a");
    until("the place is free", || running(0) == 0).await;
    handle.stop().await;
}

#[tokio::test]
async fn a_process_that_works_too_long_for_a_client_that_left_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let (pool, handle) = UpstreamPool::builder(app().env("JOURNAL", &journal))
        .max_pool_size(1)
        .response_timeout(Duration::from_millis(300))
        .spawn()
        .unwrap();
    until("it is ready", || ready(&handle) == 1).await;
    let stuck = handle.snapshot().processes[0].pid;
    let left = ask(&pool, "/never");
    until("the process has it", || lines(&journal).len() == 1).await;
    left.abort();
    assert_ne!(answered(&pool).await, stuck);
    handle.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_midst_of_the_answer_frees_the_process() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let only = pid(&pool).await;
    // The application sends what it gets, and it gets no end.
    let body = http_body_util::StreamBody::new(futures_util::StreamExt::chain(
        futures_util::stream::iter([Ok::<_, std::convert::Infallible>(http_body::Frame::data(
            bytes::Bytes::from("some"),
        ))]),
        futures_util::stream::pending(),
    ));
    let request = http::Request::post("/echo").body(body).unwrap();
    let mut response = pool.clone().oneshot(request).await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(handle.snapshot().processes[0].running, 1);
    drop(response);
    assert_eq!(handle.snapshot().processes[0].running, 0);
    assert_eq!(pid(&pool).await, only);
    handle.stop().await;
}

#[tokio::test]
async fn requests_spread_over_processes_and_never_exceed_their_concurrency() {
    let gate = Gate::new();
    let (pool, handle) = UpstreamPool::builder(app())
        .min_instances(3)
        .max_pool_size(3)
        .max_concurrent_requests(2)
        .spawn()
        .unwrap();
    until("all are ready", || ready(&handle) == 3).await;
    let mut requests = Vec::new();
    for n in 1..=8 {
        requests.push(ask(&pool, &gate.path("a")));
        let runs = || -> usize { handle.snapshot().processes.iter().map(|p| p.running).sum() };
        until("it runs or waits", || {
            runs() == n.min(6) && handle.snapshot().queued == n.saturating_sub(6)
        })
        .await;
        let mut loads: Vec<_> = handle
            .snapshot()
            .processes
            .iter()
            .map(|p| p.running)
            .collect();
        loads.sort_unstable();
        assert!(loads[2] - loads[0] <= 1, "{loads:?}");
    }
    gate.open("a");
    for request in requests {
        request.await.unwrap().unwrap();
    }
    handle.stop().await;
}
