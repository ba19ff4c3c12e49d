//! Where a tracked request is said to be, on each way that it may go.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http::{Request, Response, header::HOST};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use peregrine_request_accounting::tracking::{
    Place, ReceivedLayer, RequestTracking, Tracked, TrackedRequest,
};
use tokio::time::advance;
use tower::{Layer, Service, service_fn};
use tower_test::mock;

#[tokio::test(start_paused = true)]
async fn a_request_is_followed_from_the_queue_to_the_last_byte() {
    let tracking = RequestTracking::new();
    let (mut service, mut handle) = mock::spawn_layer::<
        Request<()>,
        Response<StreamBody<stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>,
        _,
    >(tracking.clone());
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    let request = Request::post("/topics/7?token=secret")
        .header(HOST, "forum.example")
        .body(());
    let response = service.call(request.unwrap());
    let (request, send) = handle.next_request().await.unwrap();

    advance(Duration::from_secs(2)).await;
    let [waiting] = &tracking.requests()[..] else {
        panic!("one request: {:?}", tracking.requests());
    };
    assert_eq!(
        (waiting.method().as_str(), waiting.path()),
        ("POST", "/topics/7")
    );
    assert_eq!(waiting.host(), Some(&b"forum.example"[..]));
    assert_eq!(waiting.place(), Place::Queued);
    assert_eq!(waiting.queued(), Duration::from_secs(2));

    let tracked = request.extensions().get::<Tracked>().unwrap();
    tracked.dispatched(1);
    // The process broke off, and another one has it.
    tracked.dispatched(2);
    advance(Duration::from_secs(3)).await;
    let working = &tracking.requests()[0];
    assert_eq!(working.place(), Place::Process { pid: 2 });
    assert_eq!(working.queued(), Duration::from_secs(2));
    assert_eq!(working.age(), Duration::from_secs(5));

    let frames = stream::iter([Ok(Frame::data(Bytes::from("page")))]);
    let body = StreamBody::new(frames.chain(stream::pending()).boxed());
    send.send_response(Response::new(body));
    let mut response = response.await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    assert!(response.body_mut().frame().now_or_never().is_none());
    let sending = &tracking.requests()[0];
    assert_eq!(sending.place(), Place::Sending { pid: Some(2) });
    assert_eq!(sending.sent(), 4);

    drop(response);
    assert!(tracking.requests().is_empty());
    let (queue, application) = (tracking.queue_time(), tracking.application_time());
    assert_eq!((queue.count(), queue.max()), (1, Duration::from_secs(2)));
    assert_eq!(
        (application.count(), application.max()),
        (1, Duration::from_secs(3))
    );
}

#[tokio::test]
async fn who_leaves_or_fails_is_no_longer_on_the_list() {
    let tracking = RequestTracking::new();
    let (mut service, mut handle) =
        mock::spawn_layer::<Request<()>, Response<Full<Bytes>>, _>(tracking.clone());
    handle.allow(2);
    assert!(service.poll_ready().is_ready());
    let left = service.call(Request::new(()));
    assert_eq!(tracking.requests().len(), 1, "before anybody polled it");
    drop(left);
    assert!(tracking.requests().is_empty());

    assert!(service.poll_ready().is_ready());
    let failed = service.call(Request::new(()));
    let _first = handle.next_request().await.unwrap();
    handle.next_request().await.unwrap().1.send_error("broken");
    assert!(failed.await.is_err());
    assert!(tracking.requests().is_empty());
    assert_eq!(tracking.queue_time().count(), 0, "no process had it");
}

#[tokio::test]
async fn the_list_is_in_the_order_of_arrival() {
    let tracking = RequestTracking::new();
    let mut service = tracking.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("page")))
    }));
    let mut kept = Vec::new();
    for number in 0..20 {
        let request = Request::get(format!("/{number}")).body(()).unwrap();
        kept.push(service.call(request).await.unwrap());
    }
    // One in the middle is over, and an empty one at once.
    drop(kept.remove(7));
    let requests = tracking.requests();
    let paths: Vec<_> = requests.iter().map(TrackedRequest::path).collect();
    let mut expected: Vec<_> = (0..20).map(|number| format!("/{number}")).collect();
    expected.remove(7);
    assert_eq!(paths, expected);

    let mut empty = tracking.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    }));
    let _response = empty.call(Request::new(())).await.unwrap();
    assert_eq!(tracking.requests().len(), 19);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_received_first_is_no_time_in_the_queue() {
    // Seconds on the way to where bodies are received, which takes time only if there
    // is one, and a second in the queue.
    let cases = [("form", 1), ("", 8)];
    for (body, queued) in cases {
        let tracking = RequestTracking::new().receives_first();
        let (mut service, mut handle) =
            mock::spawn_layer::<Request<Full<Bytes>>, Response<Full<Bytes>>, _>(tracking.clone());
        handle.allow(1);
        assert!(service.poll_ready().is_ready());
        let response = service.call(Request::new(Full::from(body)));
        let (request, send) = handle.next_request().await.unwrap();
        advance(Duration::from_secs(7)).await;
        let receiving = &tracking.requests()[0];
        assert_eq!(receiving.place(), Place::Receiving);
        assert_eq!(receiving.queued(), Duration::ZERO);

        let tracked = request.extensions().get::<Tracked>().unwrap().clone();
        let mut received =
            ReceivedLayer::new().layer(service_fn(|_: Request<Full<Bytes>>| async {
                Ok::<_, Infallible>(())
            }));
        received.call(request).await.unwrap();
        advance(Duration::from_secs(1)).await;
        assert_eq!(tracking.requests()[0].place(), Place::Queued);
        tracked.dispatched(1);
        send.send_response(Response::new(Full::from("page")));
        drop(response.await.unwrap());
        let expected = Duration::from_secs(queued);
        assert_eq!(tracking.queue_time().max(), expected, "{body:?}");
    }
}
