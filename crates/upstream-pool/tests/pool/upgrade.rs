//! Connections that stop speaking HTTP.

use std::{pin::Pin, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use peregrine_core::{ByteStream, UpgradeOffer, Upgraded};
use peregrine_upstream_pool::{AppCommand, PoolHandle, UpstreamPool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::support::{app, get, pid, until};

/// One process with two places, and `patience` for upgraded connections when it
/// is to leave.
fn pool(command: AppCommand, patience: Duration) -> (UpstreamPool, PoolHandle) {
    UpstreamPool::builder(command)
        .max_pool_size(1)
        .max_concurrent_requests(2)
        .upgrade_timeout(patience)
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

/// A connection on which the application shouts, after its first word.
async fn shouting(pool: &UpstreamPool) -> Pin<Box<dyn ByteStream>> {
    let offer = offering("/shout", "whisper, shout");
    let response = pool.clone().oneshot(offer).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["connection"], "Upgrade");
    assert_eq!(response.headers()["upgrade"], "shout");
    assert_eq!(response.headers()["x-saw"], "whisper, shout");
    let upgraded = response.extensions().get::<Upgraded>().unwrap();
    let mut stream = upgraded.take().unwrap();
    assert_eq!(hear(&mut stream, 5).await, "HELLO", "it came with the head");
    stream
}

async fn hear(stream: &mut Pin<Box<dyn ByteStream>>, bytes: usize) -> String {
    let mut heard = vec![0; bytes];
    stream.read_exact(&mut heard).await.unwrap();
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn what_was_agreed_upon_is_spoken_until_both_have_ended() {
    let (pool, handle) = pool(app(), Duration::from_secs(5));
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
async fn a_process_that_is_to_leave_ends_what_does_not_end_by_itself() {
    let (pool, handle) = pool(app(), Duration::from_millis(200));
    let old = pid(&pool).await;
    let mut stream = shouting(&pool).await;
    handle.restart().await.unwrap();

    // The drain would last for 30 s.
    let error = stream.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
    drop(stream);
    until("the old one has left", || {
        handle.snapshot().processes.iter().all(|it| it.pid != old)
    })
    .await;
    handle.stop().await;
}

#[tokio::test]
async fn who_died_ends_it_at_once() {
    let (pool, handle) = pool(app(), Duration::from_secs(600));
    let old = pid(&pool).await;
    let mut stream = shouting(&pool).await;
    crate::support::kill("KILL", old);
    assert!(!matches!(stream.read(&mut [0]).await, Ok(1)));
    drop(stream);
    handle.stop().await;
}

#[tokio::test]
async fn an_answer_that_was_not_offered_is_none() {
    let (pool, handle) = pool(app(), Duration::from_secs(5));
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
