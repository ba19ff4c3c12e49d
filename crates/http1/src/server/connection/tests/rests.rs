//! What becomes of the rest of a body that nobody reads, or that is none.

use tokio::task::yield_now;

use super::*;

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
