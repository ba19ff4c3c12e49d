//! What counts as what: each way for an exchange to go, driven directly.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use peregrine_core::{CacheStatus, EndedBy, ForwardReason, LeaveNotice, Upgraded};
use peregrine_request_accounting::{
    AccountedBody, CacheCounts, FinishedRequest, Observed, Observer, RequestAccounting,
    RequestHead, Snapshot, StatusCounts,
};
use tokio::time::{self, Instant};
use tower::{Layer, Service, ServiceExt, load::Load, service_fn};
use tower_test::mock;

type Page = Full<Bytes>;
type Stream = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, &'static str>>>>;

fn page() -> Response<Page> {
    Response::new(Full::from("page"))
}

/// A body whose end only its end tells.
fn streamed(chunks: &[Result<&'static str, &'static str>]) -> Response<Stream> {
    let frames: Vec<_> = chunks
        .iter()
        .map(|chunk| chunk.map(|data| Frame::data(Bytes::from(data))))
        .collect();
    Response::new(StreamBody::new(stream::iter(frames)))
}

async fn send<B: Body>(
    accounting: &RequestAccounting,
    method: Method,
    response: Response<B>,
) -> Response<AccountedBody<B>> {
    let mut response = Some(response);
    let service = accounting.layer(service_fn(move |_: Request<()>| {
        let response = response.take().unwrap();
        async { Ok::<_, Infallible>(response) }
    }));
    let request = Request::builder().method(method).body(()).unwrap();
    service.oneshot(request).await.unwrap()
}

#[tokio::test]
async fn a_request_is_in_flight_until_its_body_has_ended() {
    let (mut service, mut handle) = mock::pair::<Request<()>, Response<Page>>();
    handle.allow(1);
    let accounting = RequestAccounting::new();
    service.ready().await.unwrap();
    let mut service = accounting.layer(service);
    service.ready().await.unwrap();
    assert_eq!(service.load(), 0, "readiness is no request");

    let response = service.call(Request::new(()));
    assert_eq!(service.load(), 1, "before anybody polled the future");
    handle.next_request().await.unwrap().1.send_response(page());
    let response = response.await.unwrap();
    assert_eq!(service.load(), 1, "the head is not all");
    assert_eq!(accounting.snapshot().finished, 0);

    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "page");
    assert_eq!(service.load(), 0);
    let snapshot = accounting.snapshot();
    assert_eq!((snapshot.finished, snapshot.bytes), (1, 4));
    assert_eq!((snapshot.failed, snapshot.aborted), (0, 0));
}

#[tokio::test]
async fn the_last_frame_is_the_end_if_the_body_says_so() {
    let accounting = RequestAccounting::new();
    let mut response = send(&accounting, Method::GET, page()).await;
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "page");
    assert_eq!(accounting.in_flight(), 0, "no second poll is needed");
    drop(response);
    assert_eq!(accounting.snapshot().finished, 1, "and it counts once");
}

#[tokio::test]
async fn an_empty_response_is_over_with_its_head() {
    let accounting = RequestAccounting::new();
    let response = Response::new(Empty::<Bytes>::new());
    let response = send(&accounting, Method::GET, response).await;
    assert_eq!(accounting.in_flight(), 0);
    drop(response);
    let snapshot = accounting.snapshot();
    assert_eq!((snapshot.finished, snapshot.aborted), (1, 0));
}

#[tokio::test]
async fn readiness_is_the_inner_services() {
    let (mut service, mut handle) =
        mock::spawn_layer::<Request<()>, Response<Page>, _>(RequestAccounting::new());
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.is_woken());
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
}

#[tokio::test]
async fn an_error_of_the_service_is_a_failure_and_passes_unchanged() {
    let (mut service, mut handle) =
        mock::spawn_layer::<Request<()>, Response<Page>, _>(RequestAccounting::new());
    handle.allow(1);
    assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
    let response = service.call(Request::new(()));
    let (_, send) = handle.next_request().await.unwrap();
    send.send_error("unplugged");
    assert_eq!(response.await.unwrap_err().to_string(), "unplugged");

    let snapshot = service.get_ref().accounting().snapshot();
    assert_eq!((snapshot.finished, snapshot.failed), (1, 1));
    assert_eq!((snapshot.in_flight, snapshot.latency.count), (0, 1));
    assert_eq!(snapshot.status, StatusCounts::default());
    assert_eq!(snapshot.cache, CacheCounts::default());
}

#[tokio::test]
async fn an_error_of_the_body_is_a_failure_with_a_status() {
    let accounting = RequestAccounting::new();
    let broken = streamed(&[Ok("pa"), Err("broken")]);
    let response = send(&accounting, Method::GET, broken).await;
    assert_eq!(response.into_body().collect().await.unwrap_err(), "broken");
    let snapshot = accounting.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.finished), (0, 1));
    assert_eq!((snapshot.failed, snapshot.aborted), (1, 0));
    assert_eq!((snapshot.status.successful, snapshot.bytes), (1, 2));
}

#[tokio::test]
async fn a_future_dropped_before_its_head_is_an_abort() {
    let accounting = RequestAccounting::new();
    let mut service = accounting.layer(service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<Page>, Infallible>>()
    }));
    let response = service.call(Request::new(()));
    assert_eq!(accounting.in_flight(), 1);
    drop(response);
    let snapshot = accounting.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.finished), (0, 1));
    assert_eq!((snapshot.failed, snapshot.aborted), (0, 1));
    assert_eq!(snapshot.status, StatusCounts::default());
}

#[tokio::test]
async fn a_body_dropped_before_its_end_is_an_abort() {
    let accounting = RequestAccounting::new();
    let response = send(&accounting, Method::GET, streamed(&[Ok("page")])).await;
    let mut body = Box::pin(response.into_body());
    body.frame().await.unwrap().unwrap();
    assert_eq!(accounting.in_flight(), 1);
    drop(body);
    let snapshot = accounting.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.aborted), (0, 1));
    assert_eq!((snapshot.status.successful, snapshot.bytes), (1, 4));
}

#[tokio::test]
async fn a_body_that_needs_no_more_reading_may_be_dropped() {
    let cases = [
        ("HEAD", Method::HEAD, 200, Some("4"), 0, false),
        ("not modified", Method::GET, 304, Some("4"), 0, false),
        ("all announced bytes", Method::GET, 200, Some("4"), 1, false),
        ("not all yet", Method::GET, 200, Some("5"), 1, true),
        ("nothing announced", Method::GET, 200, None, 1, true),
    ];
    for (name, method, status, length, frames, aborted) in cases {
        let accounting = RequestAccounting::new();
        let mut response = streamed(&[Ok("page")]);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        if let Some(length) = length {
            let length = length.parse().unwrap();
            response.headers_mut().insert("content-length", length);
        }
        let response = send(&accounting, method, response).await;
        let mut body = Box::pin(response.into_body());
        for _ in 0..frames {
            body.frame().await.unwrap().unwrap();
        }
        drop(body);
        let snapshot = accounting.snapshot();
        assert_eq!(snapshot.finished, 1, "{name}");
        assert_eq!(snapshot.aborted, u64::from(aborted), "{name}");
    }
}

#[tokio::test]
async fn a_panic_leaves_nothing_in_flight() {
    let accounting = RequestAccounting::new();
    let service = accounting.layer(service_fn(|request: Request<bool>| {
        assert!(!request.body(), "asked to panic in the call");
        async move {
            assert!(*request.body(), "asked to panic in the future");
            Ok::<_, Infallible>(page())
        }
    }));
    for in_the_call in [true, false] {
        let service = service.clone();
        // Called within the task, whose runtime catches the panic.
        let task = tokio::spawn(async move { service.oneshot(Request::new(in_the_call)).await });
        assert!(task.await.unwrap_err().is_panic());
    }
    let snapshot = accounting.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.aborted), (0, 2));
}

#[tokio::test]
async fn responses_are_told_apart_by_status_and_cache() {
    let accounting = RequestAccounting::new();
    let forward = CacheStatus::forward;
    let cases = [
        (200, Some(CacheStatus::hit(Duration::from_secs(1)))),
        (200, Some(CacheStatus::hit(Duration::from_secs(1)))),
        (200, Some(forward(ForwardReason::UriMiss).stored())),
        (404, Some(forward(ForwardReason::UriMiss).collapsed())),
        (304, Some(forward(ForwardReason::Stale))),
        (200, Some(forward(ForwardReason::Method))),
        (503, None),
    ];
    for (status, cache) in cases {
        let mut response = page();
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        if let Some(cache) = cache {
            response.extensions_mut().insert(cache);
        }
        let response = send(&accounting, Method::GET, response).await;
        response.into_body().collect().await.unwrap();
    }
    let Snapshot {
        finished,
        status,
        cache,
        ..
    } = accounting.snapshot();
    assert_eq!(finished, 7);
    assert_eq!((status.informational, status.successful), (0, 4));
    assert_eq!((status.redirection, status.client_error), (1, 1));
    assert_eq!(status.server_error, 1);
    assert_eq!((cache.hit, cache.miss, cache.collapsed), (2, 1, 1));
    assert_eq!((cache.stale, cache.pass, cache.none), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn time_runs_from_the_call_to_the_end_of_the_body() {
    let accounting = RequestAccounting::new();
    let since = Instant::now();
    assert_eq!(accounting.snapshot().since, since);
    assert_eq!(accounting.snapshot().last_used, None);

    time::advance(Duration::from_secs(10)).await;
    let mut service = accounting.layer(service_fn(|_: Request<()>| async {
        time::sleep(Duration::from_secs(2)).await;
        Ok::<_, Infallible>(page())
    }));
    let response = service.call(Request::new(()));
    let ten = since + Duration::from_secs(10);
    assert_eq!(accounting.snapshot().last_used, Some(ten));

    let response = response.await.unwrap();
    time::advance(Duration::from_secs(1)).await;
    assert_eq!(accounting.snapshot().latency.count, 0, "not over yet");
    response.into_body().collect().await.unwrap();

    let snapshot = accounting.snapshot();
    let three = Duration::from_secs(3);
    // The timer of a paused clock rounds up to the next millisecond.
    assert!((three..three + Duration::from_millis(2)).contains(&snapshot.latency.max));
    assert!(snapshot.latency.p50.abs_diff(three) <= three / 32);
    assert_eq!(snapshot.latency.count, 1);
    assert!(snapshot.last_used >= Some(ten + three));
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_connection_is_in_flight_but_nobody_waits_for_it() {
    let accounting = RequestAccounting::new();
    let mut switched = streamed(&[]);
    *switched.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let response = send(&accounting, Method::GET, switched).await;
    time::advance(Duration::from_secs(3600)).await;
    assert_eq!(accounting.in_flight(), 1);

    drop(response);
    let snapshot = accounting.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.aborted), (0, 0));
    assert_eq!(snapshot.status.informational, 1);
    assert!(snapshot.latency.max < Duration::from_secs(1));
}

#[tokio::test]
async fn an_upgraded_connection_ends_as_whoever_carried_it_says() {
    let cases = [
        ("in order", Some(EndedBy::Both), (0, 0, 0)),
        ("by the application", Some(EndedBy::Application), (1, 0, 0)),
        ("by the client", Some(EndedBy::Client), (0, 1, 0)),
        ("by the server", Some(EndedBy::Server), (0, 0, 1)),
        ("never taken", None, (0, 1, 0)),
    ];
    for (name, by, expected) in cases {
        let accounting = RequestAccounting::new();
        let (_application, connection) = tokio::io::duplex(64);
        let upgraded = Upgraded::new(connection, LeaveNotice::never());
        let mut switched = streamed(&[]);
        *switched.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        switched.extensions_mut().insert(upgraded.clone());
        let mut response = send(&accounting, Method::GET, switched).await;
        // As the one does who takes it.
        response.extensions_mut().remove::<Upgraded>();
        if let Some(by) = by {
            upgraded.ended(by);
        }
        drop(response);
        let snapshot = accounting.snapshot();
        let ended = (snapshot.failed, snapshot.aborted, snapshot.stopped);
        assert_eq!((snapshot.finished, ended), (1, expected), "{name}");
    }
}

#[tokio::test]
async fn clones_share_their_numbers_and_new_ones_do_not() {
    let accounting = RequestAccounting::new();
    let other = RequestAccounting::new();
    let response = send(&accounting.clone(), Method::GET, page()).await;
    assert_eq!((accounting.in_flight(), other.in_flight()), (1, 0));
    drop(response);
    assert_eq!(accounting.snapshot().finished, 1);
    assert_eq!(other.snapshot().finished, 0);
}

#[tokio::test]
async fn a_request_may_end_on_another_thread_than_it_began_on() {
    let accounting = RequestAccounting::new();
    // More than there are shards, so that some must meet.
    for finished in 1..=20 {
        let response = send(&accounting, Method::GET, page()).await;
        assert_eq!(accounting.in_flight(), 1);
        std::thread::scope(|scope| {
            scope.spawn(|| drop(response));
        });
        let snapshot = accounting.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.finished), (0, finished));
    }
}

/// Keeps what was in flight when it was told of the end of a request.
#[derive(Clone, Default)]
struct Witness {
    accounting: RequestAccounting,
    seen: Arc<Mutex<Vec<(usize, u64)>>>,
}

impl Observer for Witness {
    fn begin(&self, _: RequestHead<'_>) -> Box<dyn Observed> {
        Box::new(self.clone())
    }
}

impl Observed for Witness {
    fn finish(self: Box<Self>, _: &FinishedRequest) {
        let Snapshot {
            in_flight,
            finished,
            ..
        } = self.accounting.snapshot();
        self.seen.lock().unwrap().push((in_flight, finished));
    }
}

#[tokio::test]
async fn who_is_told_that_a_request_is_over_finds_it_so() {
    let witness = Witness::default();
    let accounting = witness.accounting.clone();
    let accounting = accounting.observed_by(Arc::new(witness.clone()));
    drop(send(&accounting, Method::GET, page()).await);
    assert_eq!(*witness.seen.lock().unwrap(), [(0, 1)]);
}
