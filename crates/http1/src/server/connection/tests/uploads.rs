//! Bodies of requests: who reads them, when, and what becomes of the rest.

use std::{future::Ready, sync::Mutex, time::Duration};

use tokio::{task::yield_now, time::timeout};

use super::*;

/// Where a service leaves the bodies that somebody else is to read.
#[derive(Clone, Default)]
struct Bodies(Arc<Mutex<Vec<Incoming>>>);

impl Bodies {
    /// A service that answers at once.
    fn early(&self) -> impl FnMut(Request<Incoming>) -> Ready<Response<Content>> + use<> {
        let bodies = self.clone();
        move |request| {
            bodies.0.lock().unwrap().push(request.into_body());
            ready(page("early"))
        }
    }

    fn take(&self) -> Incoming {
        self.0.lock().unwrap().pop().unwrap()
    }
}

async fn read(body: Incoming) -> Result<Bytes, Failure> {
    Ok(body.collect().await?.to_bytes())
}

fn poll_body(body: &mut Incoming) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
    Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
}

const EARLY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly";
const EARLY_AND_LAST: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nearly";

#[tokio::test]
async fn a_service_reads_the_body_while_it_comes() {
    let bodies = [
        ("content-length: 4\r\n\r\npa", "ge"),
        (
            "transfer-encoding: chunked\r\n\r\n2\r\npa\r",
            "\n2\r\nge\r\n0\r\n\r\n",
        ),
        (
            "transfer-encoding: chunked\r\n\r\n",
            "4\r\npage\r\n0\r\nx-a: 1\r\n\r\n",
        ),
    ];
    for (begin, end) in bodies {
        let (mut client, mut server) = pair(1024, echo);
        for _ in 0..2 {
            let begin = format!("POST / HTTP/1.1\r\n{begin}");
            client.write_all(begin.as_bytes()).await.unwrap();
            assert!(poll(&mut server).is_pending());
            client.write_all(end.as_bytes()).await.unwrap();
            assert!(poll(&mut server).is_pending());
            assert_eq!(
                read_to(&mut client, "page").await,
                "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage"
            );
            assert!(server.is_waiting() && !server.has_heard());
        }
    }
}

#[tokio::test]
async fn the_body_of_an_answer_can_be_that_of_the_request() {
    let (mut client, mut server) = pair(1024, |request: Request<Incoming>| {
        ready(Response::new(boxed(request.into_body())))
    });
    let client = async {
        client.write_all(POST).await.unwrap();
        let mut heard = read_to(&mut client, "\r\n\r\n").await;
        for byte in *b"page" {
            client.write_u8(byte).await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), byte);
        }
        client
            .write_all(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\npa\r\n")
            .await
            .unwrap();
        heard += &read_to(&mut client, "2\r\npa\r\n").await;
        client.write_all(b"0\r\n\r\n").await.unwrap();
        heard += &read_to(&mut client, "0\r\n\r\n").await;
        drop(client);
        heard
    };
    let (end, heard) = tokio::join!(run(&mut server), client);
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
    assert_eq!(
        heard,
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\
         HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\npa\r\n0\r\n\r\n"
    );
}

#[tokio::test]
async fn a_reader_in_another_task_goes_on_after_the_answer() {
    let asks = [
        ("it persists", "1.1", "", EARLY),
        (
            "the client ends it",
            "1.1",
            "connection: close\r\n",
            EARLY_AND_LAST,
        ),
        (
            "HTTP/1.0",
            "1.0",
            "",
            "HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nearly",
        ),
    ];
    for (name, version, fields, expected) in asks {
        let bodies = Bodies::default();
        let (mut client, mut server) = pair(1024, bodies.early());
        let head = format!("POST / HTTP/{version}\r\n{fields}content-length: 4\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        assert!(poll(&mut server).is_pending(), "{name}");
        assert_eq!(read_to(&mut client, "early").await, expected, "{name}");

        let server = tokio::spawn(async move { run(&mut server).await });
        let reader = tokio::spawn(read(bodies.take()));
        client.write_all(b"pa").await.unwrap();
        yield_now().await;
        client.write_all(b"ge").await.unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), "page", "{name}");
        client.shutdown().await.unwrap();
        assert!(matches!(server.await.unwrap(), Ok(End::Over)), "{name}");
    }
}

#[tokio::test]
async fn a_reader_goes_on_after_the_connection_was_told_to_end() {
    let bodies = Bodies::default();
    let (mut client, mut server) = pair(1024, bodies.early());
    client.write_all(POST).await.unwrap();
    assert!(poll(&mut server).is_pending());
    server.as_mut().graceful_shutdown();
    assert!(poll(&mut server).is_pending());
    client.write_all(b"page").await.unwrap();
    let (end, body) = tokio::join!(run(&mut server), read(bodies.take()));
    assert_eq!(body.unwrap(), "page");
    assert!(matches!(end, Ok(End::Over)));
    assert!(!server.has_left_unread());
}

/// Nothing but the task that both are in wakes them.
#[tokio::test(start_paused = true)]
async fn a_reader_may_be_in_the_task_of_the_connection() {
    let bodies = Bodies::default();
    let (mut client, mut server) = pair(16, bodies.early());
    let client = tokio::spawn(async move {
        client.write_all(POST).await.unwrap();
        let heard = read_to(&mut client, "early").await;
        for byte in b"page" {
            yield_now().await;
            client.write_u8(*byte).await.unwrap();
        }
        heard
    });
    let reader = async {
        while bodies.0.lock().unwrap().is_empty() {
            yield_now().await;
        }
        read(bodies.take()).await
    };
    let both = async { tokio::join!(run(&mut server), reader) };
    let (end, body) = timeout(Duration::from_secs(60), both).await.unwrap();
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
    assert_eq!(body.unwrap(), "page");
    assert_eq!(client.await.unwrap(), EARLY);
}

/// A connection that waits for its client, with the reader in its own task, is not woken
/// by that again and again.
#[tokio::test]
async fn who_waits_for_the_client_pauses() {
    let bodies = Bodies::default();
    let (mut client, mut server) = pair(1024, bodies.early());
    client.write_all(POST).await.unwrap();
    let (task, waker) = Task::new();
    let mut cx = Context::from_waker(&waker);
    assert!(server.as_mut().poll(&mut cx).is_pending());
    let mut body = bodies.take();
    let mut poll = || {
        assert!(server.as_mut().poll(&mut cx).is_pending());
        assert!(Pin::new(&mut body).poll_frame(&mut cx).is_pending());
        task.woken()
    };
    assert_eq!(poll(), 1, "there is somebody who wants more");
    assert_eq!(poll(), 0);
    assert_eq!(poll(), 0);
    client.write_all(b"pa").await.unwrap();
    assert_eq!(task.woken(), 1);
}

/// Nothing else would wake it: the client may have nothing to say.
#[tokio::test]
async fn a_connection_is_woken_by_a_reader_who_gives_up() {
    for has_asked in [false, true] {
        let bodies = Bodies::default();
        let (mut client, mut server) = pair(1024, bodies.early());
        client.write_all(POST).await.unwrap();
        let (task, waker) = Task::new();
        let mut cx = Context::from_waker(&waker);
        assert!(server.as_mut().poll(&mut cx).is_pending());
        assert_eq!(read_to(&mut client, "early").await, EARLY);
        let mut body = bodies.take();
        if has_asked {
            assert!(poll_body(&mut body).is_pending());
            assert_eq!(task.woken(), 1);
            assert!(server.as_mut().poll(&mut cx).is_pending());
        }
        drop(body);
        assert_eq!(task.woken(), 1, "asked: {has_asked}");
        let end = server.as_mut().poll(&mut cx);
        assert!(matches!(end, Poll::Ready(Ok(End::Over))), "{end:?}");
        assert!(server.has_left_unread());
    }
}

#[tokio::test]
async fn no_more_is_read_than_somebody_asks_for() {
    let bodies = Bodies::default();
    let (mut client, mut server) = pair(16, bodies.early());
    let head = b"POST / HTTP/1.1\r\ncontent-length: 1000\r\n\r\n";
    let (sent, ()) = tokio::join!(client.write_all(head), async {
        while server.is_waiting() {
            assert!(poll(&mut server).is_pending());
            yield_now().await;
        }
    });
    sent.unwrap();
    // Of what is in the stream, none is taken.
    client.write_all(&[b'x'; 16]).await.unwrap();
    for _ in 0..3 {
        assert!(poll(&mut server).is_pending());
    }
    let more = poll_fn(|cx| Pin::new(&mut client).poll_write(cx, b"x").map(|_| ()));
    assert!(!is_ready(more), "there is room for more");
    let mut body = bodies.take();
    assert!(poll_body(&mut body).is_pending());
    assert!(poll(&mut server).is_pending());
    let Poll::Ready(Some(Ok(frame))) = poll_body(&mut body) else {
        panic!("it is there");
    };
    assert_eq!(frame.into_data().unwrap(), [b'x'; 16][..]);
}

fn is_ready(future: impl Future<Output = ()>) -> bool {
    let future = std::pin::pin!(future);
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

/// RFC 9112 §9.6, and §9.3: a server has to read it all, or to close the connection.
#[tokio::test]
async fn what_is_left_of_a_body_is_skipped_if_it_is_here_and_else_the_connection_ends() {
    let next = "GET /next HTTP/1.1\r\n\r\n";
    let skipped = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n/\
        HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n/next";
    let ended = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n/";
    let cases = [
        ("all of it", "content-length: 4\r\n\r\npage", true),
        (
            "all of its chunks",
            "transfer-encoding: chunked\r\n\r\n4;x\r\npage\r\n0\r\nx-a: 1\r\n\r\n",
            true,
        ),
        (
            "no chunks",
            "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            true,
        ),
        ("none of it", "content-length: 100\r\n\r\n", false),
        ("not all of it", "content-length: 100\r\n\r\npage", false),
        (
            "not the last chunk",
            "transfer-encoding: chunked\r\n\r\n4\r\npage\r\n",
            false,
        ),
        (
            "not the end of the last chunk",
            "transfer-encoding: chunked\r\n\r\n0\r\nx",
            false,
        ),
        (
            "no chunks at all",
            "transfer-encoding: chunked\r\n\r\npage\r\n0\r\n\r\n",
            false,
        ),
    ];
    for (name, body, is_skipped) in cases {
        let said = format!("POST / HTTP/1.1\r\n{body}{next}");
        let (mut client, mut server) = pair(1024, path);
        client.write_all(said.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        let end = run(&mut server).await;
        assert!(matches!(end, Ok(End::Over)), "{name}: {end:?}");
        assert_eq!(server.has_left_unread(), !is_skipped, "{name}");
        assert_eq!(server.requests(), if is_skipped { 2 } else { 1 }, "{name}");
        let expected = if is_skipped { skipped } else { ended };
        assert_eq!(rest(&mut client).await, expected, "{name}");
    }
}

/// A service that keeps the body may read it yet.
#[tokio::test]
async fn the_rest_is_waited_for_while_somebody_may_read_it() {
    let bodies = Bodies::default();
    let (mut client, mut server) = pair(1024, bodies.early());
    client.write_all(POST).await.unwrap();
    client.write_all(b"page").await.unwrap();
    client.write_all(GET).await.unwrap();
    assert!(poll(&mut server).is_pending());
    assert_eq!(read_to(&mut client, "early").await, EARLY);
    assert_eq!(server.requests(), 1, "the next one is not taken yet");
    drop(bodies.take());
    assert!(poll(&mut server).is_pending());
    assert_eq!(server.requests(), 2);
    assert_eq!(read_to(&mut client, "early").await, EARLY);
}

#[tokio::test]
async fn a_body_that_is_cut_off_never_looks_whole() {
    let bodies = [
        ("§8: less than its length", "content-length: 5\r\n\r\npage"),
        ("§8: nothing of it", "content-length: 5\r\n\r\n"),
        (
            "§8: no last chunk",
            "transfer-encoding: chunked\r\n\r\n4\r\npage\r\n",
        ),
        (
            "§8: no end of the last chunk",
            "transfer-encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n",
        ),
        (
            "§8: no end of the trailers",
            "transfer-encoding: chunked\r\n\r\n0\r\nx-a: 1\r\n",
        ),
    ];
    for (name, body) in bodies {
        let said = format!("POST / HTTP/1.1\r\n{body}");
        let (end, heard) = all_of(said.as_bytes(), echo).await;
        assert!(matches!(end, Ok(End::Over)), "{name}: {end:?}");
        assert_eq!(
            heard,
            "HTTP/1.1 200 OK\r\ncontent-length: 25\r\nconnection: close\r\n\r\n\
             the connection was closed",
            "{name}"
        );
    }
}

/// Whoever is told that a body was cut off may say what it makes of that, in its own time.
#[tokio::test]
async fn a_request_whose_body_is_cut_off_is_answered_all_the_same() {
    let slow = |request: Request<Incoming>| async {
        let answer = echo(request).await;
        yield_now().await;
        answer
    };
    let (end, heard) = all_of(&[POST, b"pa"].concat(), slow).await;
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
    assert!(heard.ends_with("the connection was closed"), "{heard}");
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_once_its_body_is_read() {
    let (mut client, mut server) = pair(1024, |request: Request<Incoming>| async {
        let answer = echo(request).await;
        std::future::pending::<()>().await;
        answer
    });
    client.write_all(&[POST, b"page"].concat()).await.unwrap();
    assert!(poll(&mut server).is_pending());
    drop(client);
    let end = poll(&mut server);
    assert!(
        matches!(end, Poll::Ready(Err(Failure::Closed(_)))),
        "{end:?}"
    );
}

#[tokio::test]
async fn who_keeps_a_body_that_is_read_to_its_end_keeps_nobody_waiting() {
    let bodies = Bodies::default();
    let (mut client, mut server) = pair(1024, bodies.early());
    client
        .write_all(&[POST, b"page", GET].concat())
        .await
        .unwrap();
    assert!(poll(&mut server).is_pending());
    let mut body = bodies.take();
    assert!(poll_body(&mut body).is_pending());
    assert!(poll(&mut server).is_pending());
    assert!(poll_body(&mut body).is_ready());
    assert!(body.is_end_stream());
    assert_eq!(server.requests(), 2);
}

/// Each time it is woken, it looks at everything once more.
#[tokio::test]
async fn a_service_that_reads_asks_nobody_for_more_who_looks_anyway() {
    let (mut client, mut server) = pair(1024, echo);
    let (task, waker) = Task::new();
    let mut cx = Context::from_waker(&waker);
    for piece in [POST, b"p", b"a", b"g"] {
        client.write_all(piece).await.unwrap();
        task.woken();
        assert!(server.as_mut().poll(&mut cx).is_pending());
        // It may be in that task without being a part of the connection, so it is told
        // that there is something.
        assert!(task.woken() <= 1, "{}", piece.escape_ascii());
    }
}

#[tokio::test]
async fn behind_what_is_not_a_body_nothing_is_understood() {
    let bodies = [
        ("§7.1: no size", "\r\npage"),
        ("§7.1: not a size", "4x\r\npage\r\n0\r\n\r\n"),
        ("§7.1: longer than its size", "4\r\npages\r\n0\r\n\r\n"),
        ("§7.1: a line feed alone", "4\npage\r\n0\r\n\r\n"),
        ("§7.1.2: no trailer section", "0\r\nx\r\n\r\n"),
    ];
    for (name, body) in bodies {
        let said = format!(
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{body}GET / HTTP/1.1\r\n\r\n"
        );
        let (mut client, mut server) = pair(1024, echo);
        client.write_all(said.as_bytes()).await.unwrap();
        let end = run(&mut server).await;
        assert!(matches!(end, Ok(End::Over)), "{name}: {end:?}");
        assert_eq!(server.requests(), 1, "{name}");
        assert!(server.has_left_unread(), "{name}");
        assert_eq!(
            rest(&mut client).await,
            "HTTP/1.1 200 OK\r\ncontent-length: 23\r\nconnection: close\r\n\r\n\
             what came is not HTTP/1",
            "{name}"
        );
    }
}

#[tokio::test]
async fn whoever_reads_hears_that_the_connection_is_gone() {
    let bodies = Bodies::default();
    let (mut client, mut server) = pair(1024, bodies.early());
    client.write_all(POST).await.unwrap();
    client.write_all(b"pa").await.unwrap();
    assert!(poll(&mut server).is_pending());
    let (task, waker) = Task::new();
    let mut body = bodies.take();
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut body).poll_frame(&mut cx).is_pending());
    drop(server);
    assert_eq!(task.woken(), 1);
    let end = poll_body(&mut body);
    assert!(
        matches!(end, Poll::Ready(Some(Err(Failure::Closed(_))))),
        "{end:?}"
    );
}

const WAITS: &[u8] = b"POST / HTTP/1.1\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage";

/// RFC 9110 §10.1.1.
#[tokio::test]
async fn a_client_that_waits_is_told_to_go_on_when_somebody_reads() {
    let (mut client, mut server) = pair(1024, echo);
    let client = async {
        for _ in 0..2 {
            client.write_all(WAITS).await.unwrap();
            assert_eq!(read_to(&mut client, "\r\n\r\n").await, CONTINUE);
            client.write_all(b"pa").await.unwrap();
            yield_now().await;
            client.write_all(b"ge").await.unwrap();
            assert_eq!(read_to(&mut client, "page").await, PAGE);
        }
        drop(client);
    };
    let (end, ()) = tokio::join!(run(&mut server), client);
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
}

#[tokio::test]
async fn nobody_is_told_to_go_on_who_does_so_or_does_not_ask_or_has_nothing() {
    let cases = [
        (
            "it goes on",
            "1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\npage",
        ),
        ("it does not ask", "1.1\r\ncontent-length: 4\r\n\r\npage"),
        (
            "it expects something else",
            "1.1\r\nexpect: page\r\ncontent-length: 4\r\n\r\npage",
        ),
        (
            "it has nothing",
            "1.1\r\nexpect: 100-continue\r\ncontent-length: 0\r\n\r\n",
        ),
        (
            "HTTP/1.0",
            "1.0\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\npage",
        ),
    ];
    for (name, request) in cases {
        let said = format!("POST / HTTP/{request}");
        let (end, heard) = all_of(said.as_bytes(), echo).await;
        assert!(matches!(end, Ok(End::Over)), "{name}: {end:?}");
        assert!(!heard.contains("100 Continue"), "{name}: {heard}");
        assert!(heard.contains(" 200 OK\r\n"), "{name}: {heard}");
    }
    // Its version alone is what makes the difference to one that is told.
    let (mut client, mut server) = pair(1024, echo);
    let old = b"POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
    client.write_all(old).await.unwrap();
    assert!(poll(&mut server).is_pending());
    client.write_all(b"page").await.unwrap();
    assert!(poll(&mut server).is_ready());
    assert!(rest(&mut client).await.starts_with("HTTP/1.0 200 OK\r\n"));
}

#[tokio::test]
async fn nobody_is_told_to_go_on_in_the_midst_of_an_answer() {
    let (mut client, mut server) = pair(1024, |request: Request<Incoming>| {
        ready(Response::new(boxed(request.into_body())))
    });
    client.write_all(WAITS).await.unwrap();
    assert!(poll(&mut server).is_pending());
    client.write_all(b"page").await.unwrap();
    let end = poll(&mut server);
    assert!(matches!(end, Poll::Ready(Ok(End::Over))), "{end:?}");
    assert_eq!(
        rest(&mut client).await,
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\npage"
    );
}

/// It may send its body or not, so what comes next could be either.
#[tokio::test]
async fn who_was_not_told_to_go_on_is_not_understood_after_the_answer() {
    let bodies = Bodies::default();
    for keeps in [false, true] {
        let mut early = bodies.early();
        let (mut client, mut server) = pair(1024, |request: Request<Incoming>| {
            if keeps {
                early(request)
            } else {
                ready(page("early"))
            }
        });
        client.write_all(WAITS).await.unwrap();
        let end = poll(&mut server);
        assert!(matches!(end, Poll::Ready(Ok(End::Over))), "{end:?}");
        assert!(server.has_left_unread());
        assert_eq!(rest(&mut client).await, EARLY_AND_LAST);
        if keeps {
            assert!(
                read(bodies.take()).await.is_err(),
                "nobody may take it for a whole one"
            );
        }
    }
}

/// RFC 9112 §9.3: a large rest is not read for the sake of the connection.
#[tokio::test]
async fn a_large_rest_is_not_read() {
    let (mut client, mut server) = pair(1 << 20, path);
    let mut said = b"POST /a HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n".to_vec();
    said.resize(900_000, b'x');
    client.write_all(&said).await.unwrap();
    let end = run(&mut server).await;
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
    assert!(server.has_left_unread());
    let ahead = server.as_mut().take_ahead().len();
    assert!(ahead < 200_000, "{ahead} bytes are read ahead");
    assert_eq!(
        rest(&mut client).await,
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n/a"
    );
}
