//! Who reads the body of a request, when, and who is woken.

use std::time::Duration;

use tokio::{task::yield_now, time::timeout};

use super::*;

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
