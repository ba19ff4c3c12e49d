//! What a layer around a process sends to it, beside the pool's requests.

use std::time::Duration;

use peregrine_upstream_pool::{RequestBody, UpstreamPool};
use tokio::time;
use tower::ServiceExt;

use crate::support::{Keeper, app, get, kill, lines, pid, text, until};

#[tokio::test]
async fn a_request_that_is_to_run_alone_waits_for_those_that_run() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let journal = folder.path().join("journal");
    let keeper = Keeper::default();
    let (pool, handle) = UpstreamPool::builder(app().env("JOURNAL", &journal))
        .max_pool_size(1)
        .max_concurrent_requests(2)
        .process_layer(keeper.clone())
        .spawn()
        .unwrap();
    let leader = pid(&pool).await;
    let process = keeper.handle();
    assert_eq!(process.pid(), leader);

    // Its client leaves. The process works on.
    let running = format!("/wait{}", go.display());
    let left = tokio::spawn(pool.clone().oneshot(get(running)));
    until("the process has it", || lines(&journal).len() == 2).await;
    left.abort();
    let _ = left.await;

    let alone = tokio::spawn({
        let process = process.clone();
        async move { process.send_alone(get("/pid").map(RequestBody::new)).await }
    });
    // Long enough for an answer that does not wait.
    time::sleep(Duration::from_millis(100)).await;
    assert!(!alone.is_finished());

    std::fs::write(go, "").unwrap();
    let response = alone.await.unwrap().unwrap();
    assert_eq!(handle.snapshot().processes[0].served, 1);
    assert_eq!(text(response).await, leader.to_string());
    assert_eq!(handle.snapshot().processes[0].running, 0);
    assert_eq!(process.queued(), 0);

    handle.stop().await;
    let answer = process.send_alone(get("/pid").map(RequestBody::new)).await;
    assert!(answer.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_process_that_dies_meanwhile_is_replaced_as_ever() {
    let keeper = Keeper::default();
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .process_layer(keeper.clone())
        .spawn()
        .unwrap();
    let leader = pid(&pool).await;
    let process = keeper.handle();
    let alone = tokio::spawn(async move {
        process
            .send_alone(get("/never").map(RequestBody::new))
            .await
    });
    until("it runs", || handle.snapshot().processes[0].running == 1).await;
    kill("KILL", leader);
    assert!(alone.await.unwrap().is_err());
    assert_ne!(pid(&pool).await, leader);
    handle.stop().await;
}
