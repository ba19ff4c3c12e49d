//! Processes that have reached a limit, or hang.

use std::time::Duration;

use peregrine_upstream_pool::UpstreamPool;
use tower::ServiceExt;

use crate::support::{Clients, answered, app, get, kill, pid, ready, text, until};

#[tokio::test]
async fn a_process_that_has_served_its_requests_is_replaced_under_load() {
    let (pool, handle) = UpstreamPool::builder(app())
        .min_instances(2)
        .max_pool_size(2)
        .max_requests(20)
        .spawn()
        .unwrap();
    until("both are ready", || ready(&handle) == 2).await;
    let clients = Clients::ask(&pool);
    let mut seen = std::collections::BTreeSet::new();
    until("there were six processes", || {
        let snapshot = handle.snapshot();
        assert!(snapshot.processes.len() <= 3, "{snapshot:?}");
        seen.extend(snapshot.processes.iter().map(|process| process.pid));
        seen.len() >= 6
    })
    .await;
    clients.stop().await;
    handle.stop().await;
}

#[tokio::test]
async fn a_process_over_its_memory_limit_is_replaced_under_load() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .memory_limit(1)
        .spawn()
        .unwrap();
    let first = pid(&pool).await;
    let clients = Clients::ask(&pool);
    until("it is replaced", || {
        let processes = handle.snapshot().processes;
        !processes.is_empty() && processes.iter().all(|process| process.pid != first)
    })
    .await;
    clients.stop().await;
    handle.stop().await;
}

#[tokio::test]
async fn a_process_below_its_memory_limit_stays() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .memory_limit(1 << 40)
        .spawn()
        .unwrap();
    let first = pid(&pool).await;
    // For two looks at the memory. There is nothing to wait for.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(pid(&pool).await, first);
    handle.stop().await;
}

#[tokio::test]
async fn a_process_that_hangs_with_several_requests_is_replaced() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .max_concurrent_requests(10)
        .response_timeout(Duration::from_millis(200))
        .shutdown_timeout(Duration::from_millis(200))
        .spawn()
        .unwrap();
    let first = answered(&pool).await;
    kill("STOP", first);
    // Told to, its threads still may go on for a moment.
    until("all of it has stopped", || {
        let mut threads = std::fs::read_dir(format!("/proc/{first}/task")).unwrap();
        threads.all(|thread| {
            let stat = std::fs::read_to_string(thread.unwrap().path().join("stat"));
            stat.is_ok_and(|stat| stat.contains(") T "))
        })
    })
    .await;
    let error = pool.clone().oneshot(get("/pid")).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    // It is not given a second one to be late with.
    let next = tokio::spawn(pool.clone().oneshot(get("/pid")));
    until("the next one waits for its successor", || {
        handle.snapshot().queued == 1
    })
    .await;
    until("it is replaced", || {
        let processes = handle.snapshot().processes;
        ready(&handle) == 1 && processes.iter().all(|process| process.pid != first)
    })
    .await;
    assert_ne!(answered(&pool).await, first);
    // Whoever was answered at all, on a slow machine, was so by the successor.
    if let Ok(answer) = next.await.unwrap() {
        assert_ne!(text(answer).await, first.to_string());
    }
    handle.stop().await;
}

#[tokio::test]
async fn a_process_that_is_only_slow_with_one_of_several_requests_stays() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .max_concurrent_requests(10)
        .response_timeout(Duration::from_millis(200))
        .spawn()
        .unwrap();
    let first = answered(&pool).await;
    let error = pool.clone().oneshot(get("/never")).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    for _ in 0..20 {
        assert_eq!(answered(&pool).await, first);
    }
    assert_eq!(handle.snapshot().due, 0);
    handle.stop().await;
}
