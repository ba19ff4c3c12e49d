use std::{
    fs, io,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tokio::{sync::mpsc, task::yield_now};
use tower::{BoxError, ServiceExt, service_fn};
use tower_layer::Layer;

use super::*;
use crate::BufferSpace;

/// A body that tells whether it is still there.
struct Held<B> {
    body: Pin<Box<B>>,
    _there: Arc<()>,
}

fn held<B>(body: B) -> (Held<B>, Weak<()>) {
    let there = Arc::new(());
    let weak = Arc::downgrade(&there);
    let body = Box::pin(body);
    let held = Held {
        body,
        _there: there,
    };
    (held, weak)
}

impl<B: Body> Body for Held<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.body.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

async fn answer<B>(layer: &ResponseBuffering, body: B) -> ResponseBody<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    answer_to(layer, Response::new(body)).await
}

async fn answer_to<B>(layer: &ResponseBuffering, response: Response<B>) -> ResponseBody<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let mut response = Some(response);
    let service = service_fn(move |_: Request<()>| {
        std::future::ready(Ok::<_, BoxError>(response.take().unwrap()))
    });
    let response = layer.layer(service).oneshot(Request::new(())).await;
    response.unwrap().into_body()
}

#[tokio::test]
async fn what_a_connection_was_upgraded_to_lasts_for_as_long_as_the_body() {
    let (body, there) = held(StreamBody::new(stream::empty::<
        Result<Frame<Bytes>, io::Error>,
    >()));
    let mut switched = Response::new(body);
    *switched.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    let layer = ResponseBuffering::new(BufferSpace::new());
    let answer = answer_to(&layer, switched).await;
    assert!(there.upgrade().is_some());
    assert!(!answer.is_end_stream());
    drop(answer);
    assert!(there.upgrade().is_none());
}

type Pieces = mpsc::UnboundedSender<Result<Frame<Bytes>, io::Error>>;

fn channel() -> (
    Pieces,
    Held<impl Body<Data = Bytes, Error = io::Error> + Send>,
    Weak<()>,
) {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let (body, there) = held(StreamBody::new(stream::poll_fn(move |cx| rx.poll_recv(cx))));
    (tx, body, there)
}

fn send(service: &Pieces, data: impl Into<Bytes>) {
    service.send(Ok(Frame::data(data.into()))).unwrap();
}

async fn gone(there: &Weak<()>) {
    while there.upgrade().is_some() {
        yield_now().await;
    }
}

#[test]
fn what_is_here_in_one_piece_takes_no_task_and_holds_nothing() {
    // There is no runtime in which a task could run.
    let layer = ResponseBuffering::new(BufferSpace::new());
    let (body, there) = held(Full::<Bytes>::from("page"));
    let body = answer(&layer, body).now_or_never().unwrap();
    assert!(there.upgrade().is_none(), "the service is free");
    assert_eq!(body.size_hint().exact(), Some(4));
    assert!(!body.is_end_stream());
    let page = body.collect().now_or_never().unwrap().unwrap();
    assert_eq!(page.to_bytes(), "page");
}

#[test]
fn one_chunk_and_its_end_are_one_piece_too() {
    let layer = ResponseBuffering::new(BufferSpace::new());
    let frames = [Ok::<_, io::Error>(Frame::data(Bytes::from("page")))];
    let (body, there) = held(StreamBody::new(stream::iter(frames)));
    let body = answer(&layer, body).now_or_never().unwrap();
    assert!(there.upgrade().is_none(), "the service is free");
    assert_eq!(body.size_hint().exact(), Some(4));
}

#[test]
fn what_is_empty_is_passed_on_with_what_it_holds() {
    let layer = ResponseBuffering::new(BufferSpace::new());
    let (body, there) = held(Empty::<Bytes>::new());
    let body = answer(&layer, body).now_or_never().unwrap();
    assert!(body.is_end_stream() && there.upgrade().is_some());
    drop(body);
    assert!(there.upgrade().is_none());
}

#[tokio::test]
async fn a_stream_flows_as_it_is_made() {
    let layer = ResponseBuffering::new(BufferSpace::new());
    let (service, body, _) = channel();
    let mut body = answer(&layer, body).await;
    for piece in ["one", "two", "three"] {
        send(&service, piece);
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
    }
    drop(service);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn the_service_is_free_when_it_has_said_everything_and_the_client_nothing_yet() {
    // Pieces of 1,000 bytes; what a body may have in memory; what all may.
    let cases = [
        ("in memory", 100, 1 << 20, 1 << 20),
        ("in memory and a file", 100, 10_000, 1 << 20),
        ("in a file", 100, 0, 1 << 20),
        ("no memory for anyone", 100, 1 << 20, 0),
        (
            "more than is written or read at a time",
            1000,
            10_000,
            1 << 20,
        ),
    ];
    for (name, count, per_body, memory) in cases {
        let dir = tempfile::tempdir().unwrap();
        let space = BufferSpace::new().memory(memory).dir(dir.path());
        let layer = ResponseBuffering::new(space.clone()).memory_per_body(per_body);
        let (service, body, there) = channel();
        let body = answer(&layer, body).await;
        let mut sent = Vec::new();
        for number in 0..count {
            let piece = vec![b'a' + u8::try_from(number % 26).unwrap(); 1000];
            sent.extend_from_slice(&piece);
            send(&service, piece);
        }
        drop(service);
        gone(&there).await;

        let received = body.collect().await.unwrap().to_bytes();
        assert_eq!(received, sent, "{name}");
        assert_eq!((space.memory_used(), space.files_used()), (0, 0), "{name}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{name}");
    }
}

#[tokio::test]
async fn beyond_the_bounds_the_service_waits_for_the_client_and_nothing_is_lost() {
    let space = BufferSpace::new;
    let nowhere = || space().dir("/nowhere");
    // Bytes of memory for the body, its high watermark.
    let cases = [
        ("no file is wanted", space(), 100_000, 0),
        ("no file is possible", nowhere(), 100_000, 1 << 30),
        ("the file is full", space(), 100_000, 300_000),
        (
            "all files are full",
            space().files(200_000),
            100_000,
            1 << 30,
        ),
        ("nothing at all", space().files(0).memory(0), 0, 0),
    ];
    for (name, space, memory, watermark) in cases {
        let layer = ResponseBuffering::new(space.clone())
            .memory_per_body(memory)
            .high_watermark(watermark);
        let (service, body, there) = channel();
        let mut body = answer(&layer, body).await;
        let mut sent = Vec::new();
        for number in 0..200 {
            let piece = vec![b'a' + u8::try_from(number % 26).unwrap(); 10_000];
            sent.extend_from_slice(&piece);
            send(&service, piece);
        }
        drop(service);
        let mut received = Vec::new();
        while let Some(frame) = body.frame().await {
            received.extend_from_slice(&frame.unwrap().into_data().unwrap());
            // All that may wait, and what is on its way to a file, is not half
            // of it.
            let early = received.len() < sent.len() / 2;
            assert!(!early || there.upgrade().is_some(), "{name}");
            assert!(space.files_used() <= 200_000, "{name}");
        }
        assert_eq!(received, sent, "{name}");
        assert_eq!((space.memory_used(), space.files_used()), (0, 0), "{name}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_service_and_the_space() {
    let space = BufferSpace::new();
    let layer = ResponseBuffering::new(space.clone()).memory_per_body(1000);
    let (service, body, there) = channel();
    let body = answer(&layer, body).await;
    send(&service, vec![0; 1000]);
    send(&service, vec![0; 1000]);
    while space.files_used() == 0 {
        yield_now().await;
    }
    assert!(there.upgrade().is_some());
    drop(body);
    gone(&there).await;
    assert_eq!((space.memory_used(), space.files_used()), (0, 0));
}

#[tokio::test]
async fn a_failure_comes_after_what_came_before_it() {
    for (name, memory) in [("in memory", 1 << 20), ("in a file", 0)] {
        let layer = ResponseBuffering::new(BufferSpace::new()).memory_per_body(memory);
        let (service, body, there) = channel();
        let mut body = answer(&layer, body).await;
        for _ in 0..3 {
            send(&service, "piece");
        }
        service.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        gone(&there).await;

        let mut received = Vec::new();
        let error = loop {
            match body.frame().await.unwrap() {
                Ok(frame) => received.extend_from_slice(&frame.into_data().unwrap()),
                Err(error) => break error,
            }
        };
        assert_eq!(received, b"piecepiecepiece", "{name}");
        let error = error.downcast_ref::<io::Error>().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{name}");
    }
}

#[tokio::test]
async fn a_body_that_panics_leaves_no_client_waiting() {
    let layer = ResponseBuffering::new(BufferSpace::new());
    let mut polls = 0;
    let frames = stream::poll_fn(move |cx| {
        polls += 1;
        match polls {
            1 => Poll::Ready(Some(Ok::<_, io::Error>(Frame::data(Bytes::from("half"))))),
            2 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => panic!("as it should"),
        }
    });
    let (body, _) = held(StreamBody::new(frames));
    let mut body = answer(&layer, body).await;
    let piece = body.frame().await.unwrap().unwrap();
    assert_eq!(piece.into_data().unwrap(), "half");
    body.frame().await.unwrap().unwrap_err();
}

#[tokio::test]
async fn trailers_come_last() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    let trailers = || Ok(Frame::trailers(trailers.clone()));
    let layer = ResponseBuffering::new(BufferSpace::new()).memory_per_body(0);

    let (service, body, _) = channel();
    send(&service, "piece");
    service.send(trailers()).unwrap();
    let body = answer(&layer, body).await;
    assert_eq!(body.size_hint().exact(), None, "they would be dropped");
    let whole = body.collect().await.unwrap();
    assert_eq!(whole.trailers().unwrap()["x-sum"], "1");
    assert_eq!(whole.to_bytes(), "piece");

    let (service, body, _) = channel();
    let body = answer(&layer, body).await;
    for piece in ["a", "b", "c"] {
        send(&service, piece);
    }
    service.send(trailers()).unwrap();
    let whole = body.collect().await.unwrap();
    assert_eq!(whole.trailers().unwrap()["x-sum"], "1");
    assert_eq!(whole.to_bytes(), "abc");
}

#[tokio::test]
async fn a_length_that_is_known_is_told_as_it_shrinks() {
    let layer = ResponseBuffering::new(BufferSpace::new());
    let mut body = answer(&layer, Split(vec!["1234", "5"])).await;
    assert_eq!(body.size_hint().exact(), Some(5));
    body.frame().await.unwrap().unwrap();
    assert_eq!(body.size_hint().exact(), Some(1));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut body).poll_frame(&mut cx).is_ready());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(body.is_end_stream());
}

/// A body of a known length, in several pieces.
struct Split(Vec<&'static str>);

impl Body for Split {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}
