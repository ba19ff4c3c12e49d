//! What clients find who ask just when the server stops: no request is lost.

use integration_tests::wait;
use tokio::net::TcpStream;

use super::{Client, End, Message, Reply, Wire, large::content};

fn held() -> Vec<(&'static str, Reply)> {
    let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast";
    vec![("/held", Reply::Held(bytes.into()))]
}

/// Asks it to stop, and waits until it has begun to.
async fn terminate(wire: &Wire) {
    wire.server.terminate();
    wait::until("the server not to listen", async || {
        let address = wire.server.address();
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
}

/// The answers up to the end of the connection, of which only the last one may say that
/// it is that.
async fn answers(client: &mut Client) -> Vec<Message> {
    let mut answers: Vec<Message> = Vec::new();
    while let Some(answer) = client.next("GET").await {
        let before = answers.last().map(|before| before.lines("connection"));
        assert!(before.is_none_or(|lines| lines.is_empty()), "{answers:?}");
        assert_eq!(answer.end, End::Length, "{answer:?}");
        answers.push(answer);
    }
    answers
}

/// Repeats `stop`, whose answers are the last ones of a connection, until the client is
/// told so. What is answered in the moment before each connection knows of the stop
/// cannot say it, and nothing shows from outside when that is over.
async fn is_told(stop: impl AsyncFn() -> Vec<Message>) {
    wait::until("a client to be told", async || {
        let answers = Box::pin(stop()).await;
        let last = answers.last().expect("an answer");
        (last.lines("connection") == ["close"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_request_that_runs_is_answered_and_told_that_it_was_the_last() {
    is_told(async || {
        let wire = Wire::start(&[], held()).await;
        let mut client = wire.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.answer().await.lines("connection"), [""; 0]);
        client.send("GET /held HTTP/1.1\r\nHost: a\r\n\r\n").await;
        wire.origin.has_begun(2).await;

        terminate(&wire).await;
        wire.origin.release();
        let answers = answers(&mut client).await;
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].content, b"last");
        assert!(wire.server.ended().await.status.success());
        answers
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_on_its_way_is_waited_for() {
    is_told(async || {
        let wire = Wire::start(&[], Vec::new()).await;
        let head = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
        let mut client = wire.send(format!("{head}first")).await;
        wire.server.in_flight(1).await;

        terminate(&wire).await;
        client.send(" last").await;
        let answers = answers(&mut client).await;
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].content, b"POST /x HTTP/1.1");
        assert_eq!(wire.origin.take()[0].content, b"first last");
        answers
    })
    .await;
}

#[tokio::test]
async fn what_waits_behind_the_last_request_reaches_nobody() {
    is_told(async || {
        let wire = Wire::start(&[], held()).await;
        let next = "POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
        let request = "GET /held HTTP/1.1\r\nHost: a\r\n\r\n";
        let mut client = wire.send([request, next, next].concat()).await;
        wire.origin.has_begun(1).await;

        terminate(&wire).await;
        wire.origin.release();
        // The client knows which of them it may send again (RFC 9112 §9.6).
        let answers = answers(&mut client).await;
        assert_eq!(wire.origin.take().len(), answers.len(), "{answers:?}");
        answers
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_being_read_is_read_to_its_end() {
    let content = content(20 << 20);
    let length = content.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    let reply = Reply::Whole([head.as_bytes(), &content].concat().into());
    let wire = Wire::start(&[], vec![("/large", reply)]).await;
    let mut client = wire.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut answer = client.head().await;

    terminate(&wire).await;
    client.content(&mut answer).await;
    assert!(answer.content == content, "{answer:?}");
    assert_eq!(client.closed().await, b"");
    assert!(wire.server.ended().await.status.success());
}

#[tokio::test]
async fn a_request_that_comes_at_that_very_moment_is_answered_or_never_reaches_anybody() {
    const CLIENTS: usize = 20;
    let wire = Wire::start(&[], Vec::new()).await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = wire.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n").await;
        client.answer().await;
        clients.push(client);
    }
    wire.origin.take();

    for (number, client) in clients.iter_mut().enumerate() {
        client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await;
        if number == CLIENTS / 2 {
            wire.server.terminate();
        }
    }
    let mut answered = 0;
    for client in &mut clients {
        for answer in answers(client).await {
            assert_eq!(answer.content, b"GET /x HTTP/1.1");
            answered += 1;
        }
    }
    let stopped = wire.server.ended().await;
    assert!(stopped.status.success(), "{stopped:?}");
    // RFC 9112 §9.3.1: a client may ask again whose connection was closed before anything
    // came. So whoever got nothing is to have caused nothing.
    assert_eq!(wire.origin.take().len(), answered);
}
