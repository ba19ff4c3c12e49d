//! Connections that are told to end.

use tokio::task::coop::consume_budget;

use super::*;

#[tokio::test]
async fn a_connection_that_waits_ends_when_it_is_told_to() {
    for heard in ["", "\r\n", "GET / HTTP/1.1\r\n\r\n"] {
        let (mut client, mut server) = pair(1024, path);
        assert!(poll(&mut server).is_pending());
        client.write_all(heard.as_bytes()).await.unwrap();
        assert!(poll(&mut server).is_pending());
        server.as_mut().graceful_shutdown();
        let end = poll(&mut server);
        assert!(
            matches!(end, Poll::Ready(Ok(End::Over))),
            "{heard:?}: {end:?}"
        );
        let expected = if heard.starts_with('G') { PAGE } else { "" };
        assert_eq!(rest(&mut client).await, expected, "{heard:?}");
    }
}

#[tokio::test]
async fn a_request_that_has_begun_is_answered_before_the_connection_ends() {
    let (mut client, mut server) = pair(1024, path);
    client.write_all(b"GET / HT").await.unwrap();
    assert!(poll(&mut server).is_pending());
    server.as_mut().graceful_shutdown();
    assert!(poll(&mut server).is_pending());
    client.write_all(b"TP/1.1\r\n\r\n").await.unwrap();
    client.write_all(GET).await.unwrap();
    let end = poll(&mut server);
    assert!(matches!(end, Poll::Ready(Ok(End::Over))), "{end:?}");
    assert_eq!(rest(&mut client).await, LAST);
}

/// What a client has sent before is there, also if nobody has looked yet.
#[tokio::test]
async fn a_request_that_has_come_is_answered_whatever_the_budget_of_the_task() {
    let (mut client, mut server) = pair(1024, path);
    client.write_all(GET).await.unwrap();
    server.as_mut().graceful_shutdown();
    while is_left(pin!(consume_budget())) {}
    let end = run(&mut server).await;
    assert!(matches!(end, Ok(End::Over)), "{end:?}");
    assert_eq!(server.requests(), 1);
    assert_eq!(rest(&mut client).await, LAST);
}

fn is_left(budget: Pin<&mut impl Future<Output = ()>>) -> bool {
    budget
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

#[tokio::test]
async fn an_exchange_goes_on_to_its_end_when_the_connection_is_told_to_end() {
    // Before there is an answer.
    let (answer, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let (mut client, mut server) = pair(1024, move |_| {
        let answer = answers.try_recv().unwrap();
        async move {
            let answer: tokio::sync::oneshot::Receiver<Response<Content>> = answer;
            answer.await.unwrap()
        }
    });
    let (send, receive) = tokio::sync::oneshot::channel();
    answer.send(receive).unwrap();
    client.write_all(&[GET, GET].concat()).await.unwrap();
    assert!(poll(&mut server).is_pending());
    server.as_mut().graceful_shutdown();
    assert!(poll(&mut server).is_pending());
    send.send(page("/")).unwrap();
    let end = poll(&mut server);
    assert!(matches!(end, Poll::Ready(Ok(End::Over))), "{end:?}");
    assert_eq!(server.requests(), 1);
    assert!(server.has_left_unread());
    assert_eq!(rest(&mut client).await, LAST);

    // When its head is sent.
    let (frames, mut body) = tokio::sync::mpsc::unbounded_channel();
    let body = stream::poll_fn(move |cx| body.poll_recv(cx));
    let mut body = Some(StreamBody::new(body));
    let (mut client, mut server) =
        pair(1024, |_| ready(Response::new(boxed(body.take().unwrap()))));
    client.write_all(&[GET, GET].concat()).await.unwrap();
    assert!(poll(&mut server).is_pending());
    server.as_mut().graceful_shutdown();
    assert!(poll(&mut server).is_pending());
    frames.send(piece("page")).unwrap();
    assert!(poll(&mut server).is_pending());
    drop(frames);
    let end = poll(&mut server);
    assert!(matches!(end, Poll::Ready(Ok(End::Over))), "{end:?}");
    assert_eq!(server.requests(), 1);
    assert_eq!(
        rest(&mut client).await,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n"
    );
}
