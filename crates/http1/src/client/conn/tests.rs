//! A server that is played byte by byte, on a stream in memory.

use std::{convert::Infallible, future::poll_fn, pin::pin, task::Waker, time::Duration};

use futures_util::StreamExt;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::coop::consume_budget,
    time::timeout,
};

use super::*;

type RequestBody = UnsyncBoxBody<Bytes, BoxError>;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A client and its server, with so many bytes between them.
fn pair(capacity: usize) -> (Conn<DuplexStream, RequestBody>, DuplexStream) {
    let (client, server) = duplex(capacity);
    (Conn::new(client), server)
}

fn get() -> Request<RequestBody> {
    request("GET", RequestBody::default())
}

fn request(method: &str, body: RequestBody) -> Request<RequestBody> {
    let request = Request::builder().method(method).uri("/");
    request.body(body).unwrap()
}

fn boxed<B>(body: B) -> RequestBody
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.map_err(Into::into).boxed_unsync()
}

fn full(body: impl Into<Bytes>) -> RequestBody {
    boxed(Full::new(body.into()))
}

/// A body of which nobody knows how long it is, in pieces.
fn pieces(pieces: Vec<Result<Frame<Bytes>, BoxError>>) -> RequestBody {
    boxed(StreamBody::new(futures_util::stream::iter(pieces)))
}

#[expect(clippy::unnecessary_wraps, reason = "beside others that fail")]
fn piece(bytes: &'static str) -> Result<Frame<Bytes>, BoxError> {
    Ok(Frame::data(bytes.into()))
}

/// Asks, and waits for the head of the answer.
async fn ask(
    conn: &mut Conn<DuplexStream, RequestBody>,
    mut request: Request<RequestBody>,
) -> Result<Response<()>, Failure> {
    conn.begin(&mut request)?;
    poll_fn(|cx| conn.poll_head(&mut request, |_| false, cx)).await
}

/// Reads the body of the answer to its end.
async fn body(conn: &mut Conn<DuplexStream, RequestBody>) -> Result<String, Failure> {
    let mut body = Vec::new();
    while let Some(frame) = poll_fn(|cx| conn.poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            body.extend_from_slice(&data);
        }
    }
    Ok(String::from_utf8(body).unwrap())
}

/// Reads up to the end of a head.
async fn read_head(server: &mut DuplexStream) -> String {
    read_to(server, "\r\n\r\n").await
}

async fn read_to(server: &mut DuplexStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        seen.push(server.read_u8().await.unwrap());
    }
    String::from_utf8(seen).unwrap()
}

fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[tokio::test]
async fn one_exchange_follows_the_other() {
    let (mut conn, mut server) = pair(1024);
    for _ in 0..3 {
        assert!(conn.is_reusable());
        let server = async {
            assert_eq!(read_head(&mut server).await, "GET / HTTP/1.1\r\n\r\n");
            server.write_all(OK.as_bytes()).await.unwrap();
        };
        let (response, ()) = tokio::join!(ask(&mut conn, get()), server);
        assert_eq!(response.unwrap().headers().len(), 1);
        assert!(!conn.is_answered());
        assert!(!conn.is_reusable(), "there is a body to come");
        assert_eq!(body(&mut conn).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn an_answer_has_nothing_of_its_request_but_the_memory() {
    #[derive(Clone)]
    struct Secret;
    let (mut conn, mut server) = pair(1024);
    let mut request = get();
    request
        .headers_mut()
        .insert("cookie", "secret".parse().unwrap());
    request.extensions_mut().insert(Secret);
    server.write_all(OK.as_bytes()).await.unwrap();
    let response = ask(&mut conn, request).await.unwrap();
    assert_eq!(response.headers().len(), 1);
    assert!(response.headers().contains_key("content-length"));
    assert!(response.extensions().is_empty());
    assert!(response.extensions().get::<Secret>().is_none());
}

#[tokio::test]
async fn an_answer_that_comes_at_once_is_whole_without_waiting() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    for answer in [OK, chunked] {
        let (mut conn, mut server) = pair(1024);
        server.write_all(answer.as_bytes()).await.unwrap();
        ask(&mut conn, get()).await.unwrap();
        let frame = conn.ready_frame().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "ok");
        assert!(conn.is_reusable(), "{answer}");
    }
}

#[tokio::test]
async fn bytes_may_come_one_at_a_time() {
    let answer = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n\
        HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-a: 1\r\n\r\n";
    // The stream has a place for one byte.
    let (mut conn, mut server) = pair(1);
    let server = async {
        let head = read_head(&mut server).await;
        let received = read_to(&mut server, "a=b").await;
        server.write_all(answer.as_bytes()).await.unwrap();
        (head, received)
    };
    let client = async {
        let response = ask(&mut conn, request("POST", full("a=b"))).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(!response.headers().contains_key("link"));
        body(&mut conn).await.unwrap()
    };
    let (body, (head, _)) = tokio::join!(client, server);
    assert_eq!(head, "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n");
    assert_eq!(body, "ok");
    assert!(conn.is_reusable());
}

#[tokio::test]
async fn a_body_is_sent_as_its_length_is_known() {
    let cases = [
        ("known", full("page"), "content-length: 4\r\n\r\npage"),
        (
            "unknown",
            pieces(vec![piece("pa"), piece(""), piece("ge, and more")]),
            "transfer-encoding: chunked\r\n\r\n2\r\npa\r\nc\r\nge, and more\r\n0\r\n\r\n",
        ),
        (
            "trailer fields of a request end here",
            pieces(vec![
                piece("page"),
                Ok(Frame::trailers(HeaderMap::from_iter([(
                    "x-forwarded-for".parse().unwrap(),
                    "192.0.2.1".parse().unwrap(),
                )]))),
            ]),
            "transfer-encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n",
        ),
        (
            "nothing, of which nobody knew",
            pieces(vec![]),
            "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
    ];
    for (name, content, expected) in cases {
        let (mut conn, mut server) = pair(1024);
        let expected = format!("POST / HTTP/1.1\r\n{expected}");
        let server = async {
            let mut seen = vec![0; expected.len()];
            server.read_exact(&mut seen).await.unwrap();
            assert_eq!(String::from_utf8(seen).unwrap(), expected, "{name}");
            server.write_all(OK.as_bytes()).await.unwrap();
        };
        let client = async {
            ask(&mut conn, request("POST", content)).await.unwrap();
            body(&mut conn).await.unwrap()
        };
        assert_eq!(tokio::join!(client, server).0, "ok", "{name}");
        assert!(conn.is_reusable(), "{name}");
    }
}

#[tokio::test]
async fn a_large_body_passes_through_a_narrow_stream() {
    let sent: Bytes = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    for content in [
        full(sent.clone()),
        boxed(StreamBody::new(futures_util::stream::iter(
            sent.chunks(100)
                .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece))))
                .collect::<Vec<_>>(),
        ))),
    ] {
        let (mut conn, mut server) = pair(5000);
        let mut request = request("PUT", content);
        request
            .headers_mut()
            .insert("content-length", sent.len().into());
        let server = async {
            read_head(&mut server).await;
            let mut seen = vec![0; sent.len()];
            server.read_exact(&mut seen).await.unwrap();
            assert!(seen == sent);
            server.write_all(OK.as_bytes()).await.unwrap();
        };
        let (response, ()) = tokio::join!(ask(&mut conn, request), server);
        response.unwrap();
        assert_eq!(body(&mut conn).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_was_said_never_looks_whole() {
    let cases: [(&str, Option<u64>, Vec<_>); 4] = [
        ("too short", Some(5), vec![piece("page")]),
        ("too long", Some(3), vec![piece("pa"), piece("ge")]),
        (
            "it fails, with a length",
            Some(4),
            vec![piece("pa"), Err("gone".into())],
        ),
        (
            "it fails, without a length",
            None,
            vec![piece("pa"), Err("gone".into())],
        ),
    ];
    for (name, length, content) in cases {
        let (mut conn, mut server) = pair(1024);
        let mut request = request("POST", pieces(content));
        if let Some(length) = length {
            request
                .headers_mut()
                .insert("content-length", length.into());
        }
        let failure = ask(&mut conn, request).await.unwrap_err();
        assert!(matches!(failure, Failure::Body(_)), "{name}: {failure:?}");
        assert!(!conn.is_reusable(), "{name}");
        drop(conn);
        let mut seen = String::new();
        server.read_to_string(&mut seen).await.unwrap();
        assert!(!seen.ends_with("0\r\n\r\n"), "{name}: {seen}");
        let body = seen.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let whole = length.is_some_and(|length| body.len() as u64 >= length);
        assert!(!whole, "{name}: {seen}");
    }
}

#[tokio::test]
async fn a_body_that_fails_while_the_answer_comes_never_looks_whole() {
    let (mut conn, mut server) = pair(1024);
    let (fail, failed) = tokio::sync::oneshot::channel::<()>();
    let failing = async {
        failed.await.unwrap();
        Err("gone".into())
    };
    // As most bodies do, it says that it is over when it is asked after its failure.
    let content = futures_util::stream::iter([piece("pa")]);
    let content = content.chain(futures_util::stream::once(failing));
    let content = boxed(StreamBody::new(content));
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npa";
    server.write_all(answer.as_bytes()).await.unwrap();
    ask(&mut conn, request("POST", content)).await.unwrap();
    fail.send(()).unwrap();
    let first = poll_fn(|cx| conn.poll_frame(cx)).await.unwrap().unwrap();
    assert_eq!(
        first.into_data().unwrap(),
        "pa",
        "what has come comes first"
    );
    let failure = body(&mut conn).await.unwrap_err();
    assert!(matches!(failure, Failure::Body(_)), "{failure:?}");
    assert!(!conn.is_reusable());
    drop(conn);
    let mut seen = String::new();
    server.read_to_string(&mut seen).await.unwrap();
    assert!(seen.ends_with("\r\n\r\n2\r\npa\r\n"), "{seen}");
}

#[tokio::test]
async fn a_request_that_contradicts_itself_is_not_begun() {
    let (mut conn, _server) = pair(1024);
    let mut request = request("POST", full("page"));
    request.headers_mut().insert("content-length", 3.into());
    let failure = conn.begin(&mut request).unwrap_err();
    assert!(matches!(failure, Failure::Body(_)), "{failure:?}");
    assert!(conn.is_reusable());
    assert!(!request.body().is_end_stream(), "it still has its body");
}

/// RFC 9112 §9.5.
#[tokio::test]
async fn an_answer_may_come_before_the_request_is_sent() {
    let (mut conn, mut server) = pair(64);
    let server = async {
        read_head(&mut server).await;
        let answer = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 5\r\n\r\nsmall";
        server.write_all(answer.as_bytes()).await.unwrap();
        server
    };
    let client = async {
        let response = ask(&mut conn, request("POST", full(vec![0; 1 << 20]))).await;
        assert_eq!(response.unwrap().status(), 413);
        body(&mut conn).await.unwrap()
    };
    assert_eq!(tokio::join!(client, server).0, "small");
    assert!(conn.is_answered());
    assert!(!conn.is_reusable(), "the rest of the request is owed");
}

#[tokio::test]
async fn a_request_goes_on_while_its_answer_comes() {
    let (mut conn, mut server) = pair(16);
    let sent = vec![b'x'; 1000];
    let server = async {
        read_head(&mut server).await;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        server.write_all(head.as_bytes()).await.unwrap();
        let mut part = [0; 100];
        for _ in 0..10 {
            server.read_exact(&mut part).await.unwrap();
            server.write_all(b"1\r\n.\r\n").await.unwrap();
        }
        server.write_all(b"0\r\n\r\n").await.unwrap();
    };
    let client = async {
        ask(&mut conn, request("POST", full(sent))).await.unwrap();
        body(&mut conn).await.unwrap()
    };
    let both = timeout(Duration::from_secs(90), async {
        tokio::join!(client, server)
    });
    assert_eq!(both.await.unwrap().0, "..........");
    assert!(conn.is_reusable());
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_is_said() {
    use Malformed::{ChunkEnd, ContentLength, NotOffered, TooManyInterim, TransferEncoding};
    let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(MAX_INTERIM + 1);
    let cases: [(&str, &str, Option<Malformed>); 10] = [
        ("nothing", "", None),
        ("half a head", "HTTP/1.1 200 OK\r\nx-a", None),
        (
            "half a body",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok",
            None,
        ),
        (
            "no last chunk",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
            None,
        ),
        (
            "a chunk that is longer than its size",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok!\r\n",
            Some(ChunkEnd),
        ),
        (
            "two lengths",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
            Some(ContentLength),
        ),
        (
            "a coding that nobody asked for",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\nok",
            Some(TransferEncoding),
        ),
        (
            "it switches to what was not offered",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n",
            Some(NotOffered),
        ),
        (
            "nothing but interim responses",
            &interim,
            Some(TooManyInterim),
        ),
        ("it was only interim", "HTTP/1.1 100 Continue\r\n\r\n", None),
    ];
    for (name, answer, expected) in cases {
        let (mut conn, mut server) = pair(1 << 16);
        server.write_all(answer.as_bytes()).await.unwrap();
        drop(server);
        let mut request = get();
        let mut cx = nobody();
        conn.begin(&mut request).unwrap();
        let answer = match conn.poll_head(&mut request, |_| false, &mut cx) {
            Poll::Ready(Ok(_)) => body(&mut conn).await.map(drop),
            Poll::Ready(Err(failure)) => Err(failure),
            Poll::Pending => panic!("{name}: it has an end"),
        };
        match (answer, expected) {
            (Err(Failure::Closed(_)), None) => {}
            (Err(Failure::Malformed(found)), Some(expected)) => {
                assert_eq!(found, expected, "{name}");
            }
            (answer, expected) => panic!("{name}: {answer:?}, not {expected:?}"),
        }
        assert!(!conn.is_reusable(), "{name}");
    }
}

#[tokio::test]
async fn a_connection_is_not_used_again_in_doubt() {
    let cases = [
        ("a usual answer", OK, true),
        ("no content", "HTTP/1.1 204 No Content\r\n\r\n", true),
        (
            "bytes behind the answer",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok!",
            false,
        ),
        (
            "a body behind an answer that has none",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\nok",
            false,
        ),
        (
            "it says that it closes",
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
            false,
        ),
        (
            "HTTP/1.0",
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
            false,
        ),
        (
            "HTTP/1.0 that stays",
            "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok",
            true,
        ),
        (
            "two opinions on where it ends",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            false,
        ),
    ];
    for (name, answer, expected) in cases {
        let (mut conn, mut server) = pair(1024);
        server.write_all(answer.as_bytes()).await.unwrap();
        ask(&mut conn, get()).await.unwrap();
        body(&mut conn).await.unwrap();
        assert_eq!(conn.is_reusable(), expected, "{name}");
    }
}

#[tokio::test]
async fn the_end_of_the_connection_ends_an_answer_that_says_no_other_end() {
    let (mut conn, mut server) = pair(1024);
    let server = async {
        read_head(&mut server).await;
        server
            .write_all(b"HTTP/1.1 200 OK\r\n\r\npage")
            .await
            .unwrap();
        drop(server);
    };
    let client = async {
        ask(&mut conn, get()).await.unwrap();
        assert!(!conn.is_answered());
        body(&mut conn).await.unwrap()
    };
    assert_eq!(tokio::join!(client, server).0, "page");
    assert!(conn.is_answered());
    assert!(!conn.is_reusable());
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_but_no_body() {
    let (mut conn, mut server) = pair(1024);
    server
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        .await
        .unwrap();
    let response = ask(&mut conn, request("HEAD", RequestBody::default())).await;
    assert_eq!(response.unwrap().headers()["content-length"], "1000");
    assert!(conn.is_reusable());
    assert_eq!(conn.size_hint().exact(), Some(0));
}

#[tokio::test]
async fn who_speaks_unasked_is_not_asked() {
    let (mut conn, mut server) = pair(1024);
    assert!(conn.poll_unasked(&mut nobody()).is_pending());
    server
        .write_all(b"HTTP/1.1 408 Request Timeout\r\n")
        .await
        .unwrap();
    let failure = conn.poll_unasked(&mut nobody());
    let is_unasked = matches!(failure, Poll::Ready(Failure::Malformed(Malformed::Unasked)));
    assert!(is_unasked, "{failure:?}");

    let (mut conn, server) = pair(1024);
    drop(server);
    let failure = conn.poll_unasked(&mut nobody());
    assert!(
        matches!(failure, Poll::Ready(Failure::Closed(_))),
        "{failure:?}"
    );
}

#[tokio::test]
async fn who_speaks_unasked_is_noticed_by_a_task_that_has_used_up_its_budget() {
    let (mut conn, mut server) = pair(1024);
    server.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let failure = poll_fn(|cx| {
        while pin!(consume_budget()).poll(cx).is_ready() {}
        Poll::Ready(conn.poll_unasked(cx))
    });
    let failure = failure.await;
    assert!(failure.is_ready(), "{failure:?}");
}

#[tokio::test]
async fn what_comes_after_a_switch_is_kept() {
    let (mut conn, mut server) = pair(1024);
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n\x81\x00";
    server.write_all(answer).await.unwrap();
    let mut request = get();
    conn.begin(&mut request).unwrap();
    let response =
        poll_fn(|cx| conn.poll_head(&mut request, |fields| fields["upgrade"] == "websocket", cx));
    assert_eq!(response.await.unwrap().status(), 101);
    assert!(!conn.is_reusable());
    assert_eq!(conn.into_parts().1, &b"\x81\x00"[..]);
}

#[tokio::test]
async fn a_body_is_read_only_as_far_as_it_is_asked_for() {
    let (mut conn, mut server) = pair(1024);
    let page = "x".repeat(1 << 20);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", page.len());
    server.write_all(head.as_bytes()).await.unwrap();
    ask(&mut conn, get()).await.unwrap();
    let writing = server.write_all(page.as_bytes());
    let written = timeout(Duration::ZERO, writing).await;
    assert!(written.is_err(), "nobody has read");
    assert!(conn.read.len() <= 1024);
}
