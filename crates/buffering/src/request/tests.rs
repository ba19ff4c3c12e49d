use std::{convert::Infallible, fs, io, pin::pin};

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use peregrine_core::Replay;
use tokio::sync::mpsc;
use tower::{BoxError, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};
use tower_layer::Layer;
use tower_service::Service;

use super::*;
use crate::BufferSpace;

type Pieces = mpsc::UnboundedSender<Result<Frame<Bytes>, io::Error>>;

/// A body whose pieces come one by one, of a length that nobody knows.
fn channel() -> (Pieces, impl Body<Data = Bytes, Error = io::Error> + Send) {
    let (tx, mut rx) = mpsc::unbounded_channel();
    (
        tx,
        StreamBody::new(stream::poll_fn(move |cx| rx.poll_recv(cx))),
    )
}

fn send(client: &Pieces, data: impl Into<Bytes>) {
    client.send(Ok(Frame::data(data.into()))).unwrap();
}

fn post<B>(body: B) -> Request<B> {
    Request::post("/upload/1").body(body).unwrap()
}

/// What the service was asked: its fields, and its body.
async fn asked<B>(
    layer: &RequestBuffering,
    request: Request<B>,
) -> Result<(HeaderMap, Bytes), RequestError<BoxError>>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    let service = service_fn(|request: Request<RequestBody<B>>| async {
        let (head, body) = request.into_parts();
        assert_eq!(body.is_end_stream(), body.size_hint().exact() == Some(0));
        let body = body.collect().await?.to_bytes();
        Ok::<_, BoxError>((head.headers, body))
    });
    layer.layer(service).oneshot(request).await
}

fn refusal<T>(result: Result<T, RequestError<BoxError>>) -> BufferError {
    match result {
        Err(RequestError::Body(error)) => error,
        Err(RequestError::Service(error)) => panic!("{error}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[tokio::test]
async fn a_body_in_chunks_arrives_with_its_length() {
    let (client, body) = channel();
    for piece in ["in ", "three ", "pieces"] {
        send(&client, piece);
    }
    drop(client);
    let mut request = post(body);
    request
        .headers_mut()
        .insert("transfer-encoding", "chunked".parse().unwrap());

    let (headers, body) = asked(&RequestBuffering::new(BufferSpace::new()), request)
        .await
        .unwrap();
    assert_eq!(body, "in three pieces");
    assert_eq!(headers["content-length"], "15");
    assert!(!headers.contains_key("transfer-encoding"), "{headers:?}");
}

#[tokio::test]
async fn trailers_are_kept_and_so_are_the_chunks() {
    let (client, body) = channel();
    send(&client, "piece");
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    client.send(Ok(Frame::trailers(trailers))).unwrap();
    drop(client);

    let service = service_fn(|request: Request<RequestBody<_>>| async {
        assert!(!request.headers().contains_key("content-length"));
        assert_eq!(request.body().size_hint().exact(), None);
        request.into_body().collect().await
    });
    let layer = RequestBuffering::new(BufferSpace::new());
    let body = layer.layer(service).oneshot(post(body)).await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "1");
    assert_eq!(body.to_bytes(), "piece");
}

#[tokio::test]
async fn the_service_hears_of_a_request_when_its_body_is_whole() {
    let (service, mut handle) = tower_test::mock::pair::<Request<RequestBody<_>>, ()>();
    let (client, body) = channel();
    let mut service = RequestBuffering::new(BufferSpace::new()).layer(service);
    let mut answer = pin!(service.ready().await.unwrap().call(post(body)));

    send(&client, "piece");
    assert!(answer.as_mut().now_or_never().is_none());
    assert!(handle.next_request().now_or_never().is_none());

    drop(client);
    assert!(answer.as_mut().now_or_never().is_none());
    let (request, respond) = handle.next_request().now_or_never().unwrap().unwrap();
    assert_eq!(request.headers()["content-length"], "5");
    respond.send_response(());
    answer.await.unwrap();
}

#[tokio::test]
async fn a_slow_upload_takes_no_place_in_the_service() {
    let mut service = ServiceBuilder::new()
        .layer(RequestBuffering::new(BufferSpace::new()))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(service_fn(|_| async {
            Ok::<_, Infallible>(Response::new(()))
        }));
    let (client, body) = channel();
    send(&client, "slow");
    let mut slow = pin!(
        service
            .ready()
            .await
            .unwrap()
            .call(post(body.boxed_unsync()))
    );
    assert!(slow.as_mut().now_or_never().is_none());

    // The one that was called is the one that holds what it has reserved.
    for _ in 0..2 {
        let (other, body) = channel();
        drop(other);
        let fast = service.ready().now_or_never().unwrap().unwrap();
        fast.call(post(body.boxed_unsync())).await.unwrap();
    }
    drop(client);
    slow.await.unwrap();
}

#[tokio::test]
async fn a_request_without_a_body_is_passed_on_as_it_is() {
    let service = service_fn(|request: Request<RequestBody<Empty<Bytes>>>| async move {
        assert!(request.headers().is_empty(), "{request:?}");
        Ok::<_, Infallible>(format!("{:?}", request.body()))
    });
    // Not even one who has too much to do is asked.
    let layer = RequestBuffering::new(BufferSpace::new()).refuse_while(|| true);
    let request = Request::new(Empty::new());
    let body = layer.layer(service).oneshot(request).await.unwrap();
    assert!(body.contains("buffered: false"), "{body}");
}

#[tokio::test]
async fn what_is_too_much_for_memory_goes_through_a_file() {
    let cases = [
        ("all of it in memory", 64, 1000, 10, 6),
        ("just as much as fits", 60, 1000, 10, 6),
        ("one piece over", 59, 1000, 10, 6),
        ("several times as much", 16, 1000, 10, 60),
        ("each piece larger", 5, 1000, 10, 6),
        ("no memory left for it", 64, 0, 10, 6),
        ("only a little left", 64, 25, 10, 6),
        ("several reads", 1 << 10, 1 << 20, 100_000, 3),
    ];
    for (name, per_body, memory, piece, count) in cases {
        let dir = tempfile::tempdir().unwrap();
        let space = BufferSpace::new().memory(memory).dir(dir.path());
        let layer = RequestBuffering::new(space.clone()).memory_per_body(per_body);
        let (client, body) = channel();
        let mut sent = Vec::new();
        for number in 0..count {
            let piece = vec![b'a' + u8::try_from(number % 26).unwrap(); piece];
            sent.extend_from_slice(&piece);
            send(&client, piece);
        }
        drop(client);

        let (headers, body) = asked(&layer, post(body)).await.unwrap();
        assert_eq!(body, sent, "{name}");
        assert_eq!(headers["content-length"], sent.len().to_string(), "{name}");
        assert_eq!((space.memory_used(), space.files_used()), (0, 0), "{name}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused() {
    let layer = RequestBuffering::new(BufferSpace::new()).max_body_size(5);
    let (_, body) = asked(&layer, post(Full::from("12345"))).await.unwrap();
    assert_eq!(body, "12345");

    // A length that is known is refused before anything is read.
    let known = pin_known(Full::from("123456"));
    assert!(refusal(asked(&layer, post(known)).await).is_too_large());

    let (client, body) = channel();
    send(&client, "123");
    send(&client, "456");
    let error = refusal(asked(&layer, post(body)).await);
    assert!(
        error.is_too_large() && error.retry_after().is_none(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_body_can_be_had_again_if_it_may_be_sent_again() {
    for (method, expected) in [("PUT", true), ("DELETE", true), ("POST", false)] {
        let space = BufferSpace::new();
        let layer = RequestBuffering::new(space.clone()).memory_per_body(8);
        let service = service_fn(|request: Request<RequestBody<_>>| async {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, BoxError>((head.extensions.get::<Replay>().cloned(), body))
        });
        let (client, body) = channel();
        for piece in ["one ", "two ", "three"] {
            send(&client, piece);
        }
        drop(client);
        let mut request = post(body);
        *request.method_mut() = method.parse().unwrap();
        let (replay, first) = layer.layer(service).oneshot(request).await.unwrap();
        assert_eq!(first, "one two three");
        assert_eq!(replay.is_some(), expected, "{method}");
        if let Some(replay) = replay {
            assert!(space.files_used() > 0);
            for _ in 0..2 {
                let again = replay.body();
                assert_eq!(again.size_hint().exact(), Some(13));
                assert_eq!(again.collect().await.unwrap().to_bytes(), first);
            }
        }
        assert_eq!((space.memory_used(), space.files_used()), (0, 0));
    }
}

/// A body that nobody may read.
fn pin_known(body: Full<Bytes>) -> impl Body<Data = Bytes, Error = Infallible> + Send {
    struct Unread(Full<Bytes>);
    impl Body for Unread {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("it was read")
        }

        fn size_hint(&self) -> http_body::SizeHint {
            self.0.size_hint()
        }
    }
    Unread(body)
}

#[tokio::test]
async fn one_that_has_too_much_to_do_says_so_before_anything_is_read() {
    let layer = RequestBuffering::new(BufferSpace::new()).refuse_while(|| true);
    let error = refusal(asked(&layer, post(pin_known(Full::from("1")))).await);
    assert!(
        error.is_overloaded() && error.retry_after().is_some(),
        "{error:?}"
    );
}

#[tokio::test]
async fn without_space_a_body_is_refused_and_the_next_one_is_not() {
    let space = BufferSpace::new().memory(4).files(10);
    let layer = RequestBuffering::new(space.clone());
    let error = refusal(asked(&layer, post(Full::from("12345678901"))).await);
    assert!(
        error.is_no_space() && error.retry_after().is_some(),
        "{error:?}"
    );

    asked(&layer, post(Full::from("1234567890"))).await.unwrap();
    assert_eq!((space.memory_used(), space.files_used()), (0, 0));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_no_space() {
    let space = BufferSpace::new().memory(0).dir("/nowhere");
    let layer = RequestBuffering::new(space);
    assert!(refusal(asked(&layer, post(Full::from("1"))).await).is_no_space());
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let space = BufferSpace::new().dir(dir.path());
    let (service, mut handle) = tower_test::mock::pair::<Request<RequestBody<_>>, ()>();
    let layer = RequestBuffering::new(space.clone()).memory_per_body(4);
    let (client, body) = channel();
    let answer = tokio::spawn(layer.layer(service).oneshot(post(body)));
    send(&client, "12345");
    // Another thread writes it.
    while space.files_used() == 0 {
        tokio::task::yield_now().await;
    }
    answer.abort();
    assert!(answer.await.unwrap_err().is_cancelled());
    assert_eq!((space.memory_used(), space.files_used()), (0, 0));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(handle.next_request().await.is_none(), "nobody was asked");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_passed_on() {
    let layer = RequestBuffering::new(BufferSpace::new());
    for (kind, late) in [
        (io::ErrorKind::ConnectionReset, false),
        (io::ErrorKind::TimedOut, true),
    ] {
        let (client, body) = channel();
        send(&client, "half of ");
        client.send(Err(kind.into())).unwrap();
        let error = refusal(asked(&layer, post(body)).await);
        assert!(error.is_client(), "{error:?}");
        assert_eq!(error.is_client_timeout(), late, "{error:?}");
    }
}

#[tokio::test]
async fn where_bodies_are_streamed_the_service_hears_of_them_at_once() {
    let (service, mut handle) = tower_test::mock::pair::<Request<RequestBody<_>>, ()>();
    let layer = RequestBuffering::new(BufferSpace::new())
        .max_body_size(1)
        .stream_below("/upload");
    let (client, body) = channel();
    let answer = tokio::spawn(layer.layer(service).oneshot(post(body)));
    let (request, respond) = handle.next_request().await.unwrap();
    let mut body = pin!(request.into_body());
    send(&client, "piece");
    let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(piece, "piece");
    respond.send_response(());
    answer.await.unwrap().unwrap();
}
