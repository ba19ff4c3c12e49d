//! Connections that stop speaking HTTP.

use std::pin::{Pin, pin};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, StatusCode};
use http_body_util::Empty;
use peregrine_core::{ByteStream, LeaveNotice, UpgradeOffer, Upgraded, UpgradedConnection};
use peregrine_upstream_pool::{AppCommand, PoolHandle, UpstreamPool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::support::{app, get, pid, until};

/// One process with two places.
fn pool(command: AppCommand) -> (UpstreamPool, PoolHandle) {
    UpstreamPool::builder(command)
        .max_pool_size(1)
        .max_concurrent_requests(2)
        .spawn()
        .unwrap()
}

fn offering(path: &str, protocols: &str) -> Request<Empty<Bytes>> {
    let mut request = get(path);
    let headers = request.headers_mut();
    headers.insert("connection", "upgrade".parse().unwrap());
    headers.insert("upgrade", protocols.parse().unwrap());
    let offer = UpgradeOffer::of(&request).unwrap();
    request.extensions_mut().insert(offer);
    request
}

/// A connection on which the application shouts.
async fn shouting(pool: &UpstreamPool) -> Pin<Box<dyn ByteStream>> {
    noticed(pool).await.0
}

/// The same after its first word, and when to end it.
async fn noticed(pool: &UpstreamPool) -> (Pin<Box<dyn ByteStream>>, LeaveNotice) {
    let offer = offering("/shout", "whisper, shout");
    let response = pool.clone().oneshot(offer).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["connection"], "Upgrade");
    assert_eq!(response.headers()["upgrade"], "shout");
    assert_eq!(response.headers()["x-saw"], "whisper, shout");
    let upgraded = response.extensions().get::<Upgraded>().unwrap();
    let UpgradedConnection { mut stream, leave } = upgraded.take().unwrap();
    assert_eq!(hear(&mut stream, 5).await, "HELLO", "it came with the head");
    (stream, leave)
}

async fn hear(stream: &mut Pin<Box<dyn ByteStream>>, bytes: usize) -> String {
    let mut heard = vec![0; bytes];
    stream.read_exact(&mut heard).await.unwrap();
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn what_was_agreed_upon_is_spoken_until_both_have_ended() {
    let (pool, handle) = pool(app());
    let mut stream = shouting(&pool).await;
    stream.write_all(b"louder").await.unwrap();
    assert_eq!(hear(&mut stream, 6).await, "LOUDER");

    // It takes one place of two, and is no other's business.
    assert_eq!(handle.snapshot().processes[0].running, 1);
    let mut second = shouting(&pool).await;
    let third = pool.clone();
    let waiting = tokio::spawn(async move { pid(&third).await });
    until("one queues", || handle.snapshot().queued == 1).await;
    second.shutdown().await.unwrap();
    drop(second);
    waiting.await.unwrap();

    stream.shutdown().await.unwrap();
    assert_eq!(
        hear(&mut stream, 3).await,
        "bye",
        "half of it is open still"
    );
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    drop(stream);
    assert_eq!(handle.snapshot().processes[0].running, 0);
    handle.stop().await;
}

#[tokio::test]
async fn who_carries_it_is_told_that_the_process_is_to_leave_and_waited_for() {
    let (pool, handle) = pool(app());
    let old = pid(&pool).await;
    let ((mut stream, leave), (other, late)) = tokio::join!(noticed(&pool), noticed(&pool));
    let mut leave = pin!(leave);
    assert!(leave.as_mut().now_or_never().is_none());
    handle.restart().await.unwrap();

    leave.await;
    // Also who asks only now.
    late.await;
    // It is still there, and would be for the 30 s of the drain.
    stream.write_all(b"goodbye").await.unwrap();
    assert_eq!(hear(&mut stream, 7).await, "GOODBYE");
    assert!(handle.snapshot().processes.iter().any(|it| it.pid == old));
    drop((stream, other));
    until("the old one has left", || {
        handle.snapshot().processes.iter().all(|it| it.pid != old)
    })
    .await;
    handle.stop().await;
}

#[tokio::test]
async fn who_died_ends_it_at_once() {
    let (pool, handle) = pool(app());
    let old = pid(&pool).await;
    let mut stream = shouting(&pool).await;
    crate::support::kill("KILL", old);
    assert!(!matches!(stream.read(&mut [0]).await, Ok(1)));
    drop(stream);
    handle.stop().await;
}

#[tokio::test]
async fn an_answer_that_was_not_offered_is_none() {
    let (pool, handle) = pool(app());
    let cases = [
        ("nothing was offered", get("/upgrade")),
        ("something else was", offering("/upgrade", "shout")),
    ];
    for (name, request) in cases {
        let error = pool.clone().oneshot(request).await.unwrap_err();
        assert!(error.is_bad_response(), "{name}: {error:?}");
        assert_eq!(handle.snapshot().processes[0].running, 0, "{name}");
    }
    // An ordinary answer is an ordinary answer.
    let response = pool.clone().oneshot(offering("/pid", "shout")).await;
    assert_eq!(response.unwrap().status(), StatusCode::OK);
    handle.stop().await;
}
