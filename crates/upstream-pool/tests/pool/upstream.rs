//! A server that runs already, played by the test byte by byte.

use std::{
    future::{Future, poll_fn},
    io::{Read, Write},
    net::{self, SocketAddr},
    pin::pin,
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use peregrine_core::ServedBy;
use peregrine_upstream_pool::{
    HttpUpstream,
    forwarded::{InformLayer, PeerAddr},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    sync::oneshot,
    task::{JoinHandle, coop::consume_budget},
    time::{sleep, timeout},
};
use tower::{Layer, Service, ServiceExt};

use crate::support::{PATIENCE, get, text};

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

async fn listen() -> (TcpListener, HttpUpstream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = upstream(listener.local_addr().unwrap());
    (listener, upstream)
}

fn upstream(address: SocketAddr) -> HttpUpstream {
    HttpUpstream::new(format!("http://{address}").parse().unwrap()).unwrap()
}

fn post() -> Request<Full<Bytes>> {
    Request::post("/form").body(Full::from("a=b")).unwrap()
}

/// Reads one request, up to what ends it.
async fn read(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0, "cut off");
    }
    String::from_utf8(seen).unwrap()
}

/// Answers on one connection for as long as there is one.
fn answer_all(listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        while let Ok(1..) = stream.read(&mut request).await {
            stream.write_all(ANSWER.as_bytes()).await.unwrap();
        }
    })
}

#[tokio::test]
async fn a_server_that_runs_already_is_asked_over_a_connection_that_is_kept() {
    let (listener, upstream) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let first = read(&mut stream, "\r\n\r\n").await;
        let fields = "HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\n!~secret: 1\r\n";
        let answer = format!("{fields}content-length: 2\r\n\r\nok");
        stream.write_all(answer.as_bytes()).await.unwrap();
        let second = read(&mut stream, "a=b").await;
        stream.write_all(ANSWER.as_bytes()).await.unwrap();
        (first, second)
    });
    let response = upstream
        .clone()
        .oneshot(get("http://a.example/x"))
        .await
        .unwrap();
    assert!(response.extensions().get::<ServedBy>().is_none());
    let fields: Vec<_> = response.headers().keys().collect();
    assert_eq!(fields, ["content-length"]);
    assert_eq!(text(response).await, "ok");
    text(upstream.oneshot(post()).await.unwrap()).await;

    let (first, second) = server.await.unwrap();
    assert_eq!(first, "GET /x HTTP/1.1\r\nhost: a.example\r\n\r\n");
    assert!(second.starts_with("POST /form HTTP/1.1\r\n"), "{second}");
}

#[tokio::test]
async fn a_post_does_not_go_to_a_connection_that_was_closed() {
    let (listener, upstream) = listen().await;
    let server = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        read(&mut first, "\r\n\r\n").await;
        first.write_all(ANSWER.as_bytes()).await.unwrap();
        // Closed, without having said that it would be.
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        read(&mut second, "a=b").await;
        second.write_all(ANSWER.as_bytes()).await.unwrap();
    });
    for request in [get("/").map(|_| Full::default()), post()] {
        let response = upstream.clone().oneshot(request).await.unwrap();
        assert_eq!(text(response).await, "ok");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn what_is_told_beside_the_fields_is_written_each_time_that_a_request_is() {
    let (listener, upstream) = listen().await;
    let server = tokio::spawn(async move {
        let (mut kept, _) = listener.accept().await.unwrap();
        let first = read(&mut kept, "\r\n\r\n").await;
        kept.write_all(ANSWER.as_bytes()).await.unwrap();
        // Taken, and not answered.
        let lost = read(&mut kept, "\r\n\r\n").await;
        drop(kept);
        let (mut new, _) = listener.accept().await.unwrap();
        let again = read(&mut new, "\r\n\r\n").await;
        new.write_all(ANSWER.as_bytes()).await.unwrap();
        [first, lost, again]
    });
    let mut informed = InformLayer::new().beside_the_fields().layer(upstream);
    for peer in ["192.0.2.7:4711", "192.0.2.8:4711"] {
        let mut request = get("http://a.example/");
        let peer = PeerAddr(peer.parse().unwrap());
        request.extensions_mut().insert(peer);
        // By one and the same service, which is always ready.
        let response = informed.call(request).await.unwrap();
        assert_eq!(text(response).await, "ok");
    }

    let written = |peer| {
        format!(
            "GET / HTTP/1.1\r\nhost: a.example\r\nx-forwarded-for: {peer}\r\n\
             x-forwarded-proto: http\r\nx-forwarded-host: a.example\r\n\r\n"
        )
    };
    let expected = ["192.0.2.7", "192.0.2.8", "192.0.2.8"].map(written);
    assert_eq!(server.await.unwrap(), expected);
}

#[tokio::test]
async fn a_get_does_not_wait_on_a_connection_that_is_known_to_be_closed() {
    let (listener, upstream) = listen().await;
    let (kept, is_kept) = oneshot::channel();
    let server = tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        read(&mut first, "\r\n\r\n").await;
        first.write_all(ANSWER.as_bytes()).await.unwrap();
        is_kept.await.unwrap();
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        read(&mut second, "\r\n\r\n").await;
        second.write_all(ANSWER.as_bytes()).await.unwrap();
    });
    let response = upstream.clone().oneshot(get("/")).await.unwrap();
    assert_eq!(text(response).await, "ok");
    kept.send(()).unwrap();
    // However short: the server goes on, and the runtime asks the operating system for
    // news, so that it has heard of the end.
    sleep(Duration::from_millis(1)).await;
    let response = upstream.oneshot(get("/")).await.unwrap();
    assert_eq!(text(response).await, "ok");
    server.await.unwrap();
}

#[tokio::test]
async fn only_a_get_is_sent_again_after_silence() {
    for (request, times) in [(get("/").map(|_| Full::default()), 2), (post(), 1)] {
        let (listener, upstream) = listen().await;
        let server = tokio::spawn(async move {
            let mut asked = 0;
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                if stream.read(&mut request).await.unwrap() == 0 {
                    return asked;
                }
                asked += 1;
            }
        });
        let method = request.method().clone();
        let error = upstream.clone().oneshot(request).await.unwrap_err();
        assert!(error.is_closed_early(), "{method}: {error:?}");
        // One more connection, which says nothing, tells the server to count.
        let address = upstream.to_string();
        let address = address.strip_prefix("http://").unwrap();
        drop(TcpStream::connect(address).await.unwrap());
        assert_eq!(server.await.unwrap(), times, "{method}");
    }
}

#[tokio::test]
async fn a_task_is_woken_only_when_its_answer_has_come() {
    let (listener, upstream) = listen().await;
    let server = answer_all(listener);
    text(upstream.clone().oneshot(get("/")).await.unwrap()).await;
    // The connection is kept by now, and nothing has to be waited for but the answer.
    for _ in 0..3 {
        let mut polls = 0;
        let mut answer = pin!(upstream.clone().oneshot(get("/")));
        let response = poll_fn(|cx| {
            polls += 1;
            answer.as_mut().poll(cx)
        });
        text(response.await.unwrap()).await;
        assert_eq!(polls, 2, "when it is sent, and when it is answered");
    }
    drop(upstream);
    server.await.unwrap();
}

#[tokio::test]
async fn an_answer_is_seen_wherever_the_budget_of_a_task_runs_out() {
    // Of tokio, for one poll.
    const BUDGET: usize = 128;
    let (listener, upstream) = listen().await;
    let server = answer_all(listener);
    for used in 0..BUDGET {
        let mut answer = pin!(upstream.clone().oneshot(get("/")));
        let response = poll_fn(|cx| {
            for _ in 0..used {
                let _ = pin!(consume_budget()).poll(cx);
            }
            answer.as_mut().poll(cx)
        });
        let response = timeout(PATIENCE, response).await;
        assert_eq!(text(response.unwrap().unwrap()).await, "ok", "{used}");
    }
    drop(upstream);
    server.await.unwrap();
}

#[tokio::test]
async fn nobody_listens_or_nobody_answers() {
    let (listener, upstream) = listen().await;
    let silent = upstream.clone().response_timeout(Duration::from_millis(50));
    let error = silent.oneshot(get("/")).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");

    drop(listener);
    let error = upstream.oneshot(get("/")).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn connect_is_not_for_applications() {
    let (_listener, upstream) = listen().await;
    let request = Request::connect("a.example:443");
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let error = upstream.oneshot(request).await.unwrap_err();
    assert!(error.is_unsupported_method(), "{error:?}");
}

#[test]
fn a_connection_goes_on_in_another_runtime_though_its_own_stands_still() {
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = upstream(listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        // There is one connection, or the second runtime is left waiting.
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = 0;
        let mut request = [0; 1024];
        while stream.read(&mut request).unwrap() > 0 {
            asked += 1;
            stream.write_all(ANSWER.as_bytes()).unwrap();
        }
        asked
    });
    let runtimes = [(); 2].map(|()| {
        runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    });
    for runtime in &runtimes {
        let asking = async {
            let response = upstream.clone().oneshot(get("/")).await.unwrap();
            text(response).await
        };
        let answer = runtime.block_on(async { timeout(PATIENCE, asking).await });
        assert_eq!(answer.unwrap(), "ok");
    }
    drop(upstream);
    drop(runtimes);
    assert_eq!(server.join().unwrap(), 2);
}
