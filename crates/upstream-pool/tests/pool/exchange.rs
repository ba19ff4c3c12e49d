//! A request, its response, and what may go wrong between them.

use std::time::Duration;

use crate::support::{answered, app, get, in_time, pid, script, text};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use peregrine_core::ServedBy;
use peregrine_upstream_pool::{AppCommand, BoxError, Error, UpstreamPool};
use tower::ServiceExt;

#[tokio::test]
async fn a_request_reaches_a_process_and_its_answer_comes_back() {
    for (name, command) in [
        ("a Unix socket", app()),
        ("a port", AppCommand::new("python3").arg(script())),
    ] {
        let (pool, handle) = UpstreamPool::builder(command).spawn().unwrap();
        let request = Request::get("http://forum.example/fields?a=b")
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("x-end", "1")
            .body(Full::<Bytes>::default())
            .unwrap();
        let response = pool.oneshot(request).await.unwrap();

        let process = &handle.snapshot().processes[0];
        let served_by = response.extensions().get::<ServedBy>().unwrap();
        assert_eq!(served_by.pid, process.pid, "{name}");
        let mut fields: Vec<_> = response
            .headers()
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        fields.sort_unstable();
        let expected = ["content-length", "date", "server", "x-app"];
        assert_eq!(fields, expected, "{name}: neither !~secret nor keep-alive");
        let seen = text(response).await;
        let expected = "/fields?a=b\nx-end: 1\nhost: forum.example";
        assert_eq!(seen, expected, "{name}");
        handle.stop().await;
    }
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let (pool, handle) = UpstreamPool::builder(app()).spawn().unwrap();
    let (pieces, body) = channel();
    let request = Request::post("/echo").body(body).unwrap();
    let response = pool.oneshot(request).await.unwrap();
    let mut answer = response.into_body();
    for piece in ["one", "two", "three"] {
        // The next piece is sent only after this one has come back.
        pieces.send(Ok(Bytes::from(piece))).unwrap();
        let frame = answer.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
    }
    drop(pieces);
    assert!(answer.frame().await.is_none());
    handle.stop().await;
}

type Pieces = tokio::sync::mpsc::UnboundedSender<Result<Bytes, BoxError>>;

/// A body of which one sends the pieces.
fn channel() -> (Pieces, impl http_body::Body<Data = Bytes, Error = BoxError>) {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    let frames = futures_util::StreamExt::map(stream, |piece: Result<_, _>| {
        piece.map(http_body::Frame::data)
    });
    (sender, http_body_util::StreamBody::new(frames))
}

#[tokio::test]
async fn what_an_application_does_wrong_has_a_name_and_costs_no_slot() {
    type Question = fn(&Error) -> bool;
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let only = pid(&pool).await;
    let cases: [(&str, Question); 5] = [
        ("/garbage", Error::is_bad_response),
        ("/huge", Error::is_bad_response),
        ("/upgrade", Error::is_bad_response),
        ("/close", Error::is_closed_early),
        ("/head", Error::is_closed_early),
    ];
    for (path, question) in cases {
        let error = pool.clone().oneshot(get(path)).await.unwrap_err();
        assert!(question(&error), "{path}: {error:?}");
        assert_eq!(handle.snapshot().processes[0].running, 0, "{path}");
        assert_eq!(pid(&pool).await, only, "{path}");
    }
    // The head was fine: the body breaks.
    let cases: [(&str, Question); 2] = [
        ("/half", Error::is_closed_early),
        ("/chunk", Error::is_bad_response),
    ];
    for (path, question) in cases {
        let response = pool.clone().oneshot(get(path)).await.unwrap();
        let error = response.into_body().collect().await.unwrap_err();
        assert!(question(&error), "{path}: {error:?}");
        assert_eq!(handle.snapshot().processes[0].running, 0, "{path}");
    }
    assert_eq!(pid(&pool).await, only);
    handle.stop().await;
}

#[tokio::test]
async fn a_process_that_never_answers_is_replaced() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .response_timeout(Duration::from_millis(300))
        .spawn()
        .unwrap();
    let stuck = answered(&pool).await;
    let error = pool.clone().oneshot(get("/never")).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    // Loading the application takes longer than an answer may: the start has
    // a time of its own.
    assert_ne!(answered(&pool).await, stuck);
    handle.stop().await;
}

#[tokio::test]
async fn a_late_answer_among_several_costs_only_itself() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .max_concurrent_requests(0)
        .response_timeout(Duration::from_millis(300))
        .spawn()
        .unwrap();
    let only = answered(&pool).await;
    let error = pool.clone().oneshot(get("/never")).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(answered(&pool).await, only);
    handle.stop().await;
}

#[tokio::test]
async fn the_time_that_a_client_takes_for_its_body_is_not_the_processs() {
    let limit = Duration::from_millis(200);
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .max_concurrent_requests(0)
        .response_timeout(limit)
        .spawn()
        .unwrap();
    let only = answered(&pool).await;
    let response = in_time(async || {
        let (pieces, body) = channel();
        let request = Request::post("/received")
            .header("content-length", 3)
            .body(body)
            .unwrap();
        let sender = async {
            for _ in 0..3 {
                // Real time: longer than the process may take, and nobody minds.
                tokio::time::sleep(limit * 2).await;
                let _ = pieces.send(Ok(Bytes::from("x")));
            }
        };
        let (response, ()) = tokio::join!(pool.clone().oneshot(request), sender);
        response
    });
    assert_eq!(text(response.await).await, only.to_string());
    handle.stop().await;
}

#[tokio::test]
async fn a_body_that_the_client_cuts_off_is_the_clients_fault() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let only = pid(&pool).await;
    let slow: fn() -> BoxError = || Box::new(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let gone: fn() -> BoxError = || "gone".into();
    for (reason, timed_out) in [(slow, true), (gone, false)] {
        let (pieces, body) = channel();
        pieces.send(Ok(Bytes::from("some"))).unwrap();
        pieces.send(Err(reason())).unwrap();
        let request = Request::post("/wait/nowhere").body(body).unwrap();
        let error = pool.clone().oneshot(request).await.unwrap_err();
        assert!(error.is_request_body(), "{error:?}");
        assert_eq!(error.is_request_body_timeout(), timed_out, "{error:?}");
        assert_eq!(handle.snapshot().processes[0].running, 0);
        assert_eq!(pid(&pool).await, only);
    }
    handle.stop().await;
}

#[tokio::test]
async fn an_answer_may_come_before_the_body_is_sent() {
    let (pool, handle) = UpstreamPool::builder(app())
        .max_pool_size(1)
        .spawn()
        .unwrap();
    let only = pid(&pool).await;
    for _ in 0..20 {
        let body = Full::new(Bytes::from(vec![0; 4 << 20]));
        let request = Request::post("/early").body(body).unwrap();
        let response = pool.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 413);
        assert_eq!(text(response).await, "small");
    }
    assert_eq!(pid(&pool).await, only);
    handle.stop().await;
}
