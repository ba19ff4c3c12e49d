//! hyper decides when a body is read, and how far: whether a client has left
//! must not depend on that.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, header::CONTENT_LENGTH};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use peregrine_request_accounting::{RequestAccounting, Snapshot};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::timeout,
};
use tower::{Layer, ServiceExt};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What the application answers, by path.
fn answer(path: &str) -> Response<Body> {
    let stream = |chunks: &[&'static str]| {
        let frames: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok(Frame::data(Bytes::from(*chunk))))
            .collect();
        stream::iter(frames)
    };
    let response = Response::builder();
    match path {
        "/page" => response.body(Full::from("page").boxed_unsync()),
        "/chunked" => response.body(StreamBody::new(stream(&["pa", "ge"])).boxed_unsync()),
        "/sized" => response
            .header(CONTENT_LENGTH, 4)
            .body(StreamBody::new(stream(&["pa", "ge"])).boxed_unsync()),
        "/not-modified" => response
            .status(304)
            .body(StreamBody::new(stream(&["page"])).boxed_unsync()),
        "/endless" => {
            let never = stream(&["pa"]).chain(stream::pending());
            response.body(StreamBody::new(never).boxed_unsync())
        }
        _ => unreachable!("no such path"),
    }
    .unwrap()
}

async fn serve(accounting: RequestAccounting, connection: DuplexStream) {
    let service = service_fn(move |request: Request<Incoming>| {
        let app = tower::service_fn(|request: Request<Incoming>| async move {
            Ok::<_, Infallible>(answer(request.uri().path()))
        });
        accounting.layer(app).oneshot(request)
    });
    // An error here is a client that left, and some of them are to.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(connection), service)
        .await;
}

/// What is counted once the client has read what it wanted of one exchange.
async fn counted(method: &str, path: &str, leave_after: Option<&str>) -> Snapshot {
    let accounting = RequestAccounting::new();
    let (mut client, server) = tokio::io::duplex(1024);
    let server = tokio::spawn(serve(accounting.clone(), server));

    let request = format!("{method} {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    if let Some(seen) = leave_after {
        while !response.ends_with(seen) {
            response.push(char::from(client.read_u8().await.unwrap()));
        }
    } else {
        client.read_to_string(&mut response).await.unwrap();
    }
    drop(client);
    timeout(Duration::from_secs(10), server)
        .await
        .expect("the server sees that its client is gone")
        .unwrap();
    accounting.snapshot()
}

#[tokio::test]
async fn a_client_that_got_everything_has_not_left() {
    let cases = [
        ("GET", "/page", 4),
        ("GET", "/chunked", 4),
        ("GET", "/sized", 4),
        ("GET", "/not-modified", 0),
        ("HEAD", "/page", 0),
        ("HEAD", "/chunked", 0),
        ("HEAD", "/sized", 0),
    ];
    for (method, path, bytes) in cases {
        let snapshot = counted(method, path, None).await;
        assert_eq!(
            (snapshot.in_flight, snapshot.finished),
            (0, 1),
            "{method} {path}"
        );
        assert_eq!(snapshot.aborted, 0, "{method} {path}");
        assert_eq!(snapshot.bytes, bytes, "{method} {path}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_is_an_abort() {
    let snapshot = counted("GET", "/endless", Some("pa\r\n")).await;
    assert_eq!((snapshot.in_flight, snapshot.finished), (0, 1));
    assert_eq!((snapshot.aborted, snapshot.failed), (1, 0));
}
