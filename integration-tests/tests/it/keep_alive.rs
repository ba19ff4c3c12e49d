//! Connections on which nobody speaks for a while: the server gives up most of
//! what it holds for them after a second, and nobody is to notice.

use std::time::{Duration, Instant};

use integration_tests::{Server, client, wait};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::unruly;

const ASK: &[u8] = b"GET /answer/x-a=1 HTTP/1.1\r\nHost: a\r\n\r\n";

/// Longer than the server waits. Nothing shows from outside when that is over.
const A_WHILE: Duration = Duration::from_millis(1500);

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

/// Reads until `end` has come `times` often.
async fn read_until(stream: &mut TcpStream, end: &str, times: usize) -> String {
    let mut read = Vec::new();
    wait::bounded("an answer", async {
        loop {
            let text = String::from_utf8_lossy(&read);
            if text.matches(end).count() >= times {
                break text.into_owned();
            }
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "it ends");
        }
    })
    .await
}

/// What the application says at the end of each answer.
const END: &str = "authorization ``\n";

async fn ask(stream: &mut TcpStream) {
    stream.write_all(ASK).await.unwrap();
    let answer = read_until(stream, END, 1).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_client_may_come_back_after_a_while_again_and_again() {
    let server = unruly::start(&[]).await;
    let mut stream = connect(&server).await;
    for _ in 0..3 {
        sleep(A_WHILE).await;
        ask(&mut stream).await;
        // And at once.
        ask(&mut stream).await;
    }
}

#[tokio::test]
async fn the_beginning_of_a_request_is_kept_for_as_long_as_the_rest_takes() {
    let server = unruly::start(&[]).await;
    // Alone, and behind another one.
    for (whole, answers) in [(&b""[..], 1), (ASK, 2)] {
        let mut stream = connect(&server).await;
        let (begin, rest) = ASK.split_at(ASK.len() / 2);
        stream.write_all(&[whole, begin].concat()).await.unwrap();
        let mut before = String::new();
        if answers > 1 {
            before = read_until(&mut stream, END, 1).await;
        }
        sleep(A_WHILE).await;
        stream.write_all(rest).await.unwrap();
        let text = before + &read_until(&mut stream, END, 1).await;
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), answers, "{text}");
    }
}

#[tokio::test]
async fn a_request_may_take_its_time() {
    let server = unruly::start(&[]).await;
    let mut stream = connect(&server).await;
    let head = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na";
    stream.write_all(head).await.unwrap();
    sleep(A_WHILE).await;
    stream.write_all(b"b").await.unwrap();
    let answer = read_until(&mut stream, "\r\n\r\n", 1).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn who_says_nothing_for_too_long_is_let_go_and_told_so_in_no_log() {
    let timeout = ["--header-timeout", "3"];
    let server = unruly::start(&timeout).await;
    let (mut silent, mut spoken) = (connect(&server).await, connect(&server).await);
    let begun = Instant::now();
    ask(&mut spoken).await;
    assert_eq!(client::read_to_end(&mut silent).await, "");
    assert_eq!(client::read_to_end(&mut spoken).await, "");
    assert!(begun.elapsed() >= Duration::from_secs(3));
    let log = server.stderr().to_string();
    assert!(!log.contains("bad request"), "{log}");
}

#[tokio::test]
async fn a_head_that_does_not_end_is_let_go_and_told_in_the_log() {
    let server = unruly::start(&["--header-timeout", "2"]).await;
    let reason = "the client did not finish its request head in time";
    // Who begins too late, on a slow machine, is one who says nothing, and tries again.
    wait::until("the reason in the log", async || {
        let mut stream = connect(&server).await;
        sleep(A_WHILE).await;
        let _ = stream.write_all(b"GET / HT").await;
        assert_eq!(client::read_to_end(&mut stream).await, "");
        server.stderr().to_string().contains(reason).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stop_waits_for_nobody_who_is_silent() {
    let server = unruly::start(&["--shutdown-timeout", "600"]).await;
    let (_silent, mut spoken) = (connect(&server).await, connect(&server).await);
    ask(&mut spoken).await;
    let mut just_now = connect(&server).await;
    ask(&mut just_now).await;
    sleep(A_WHILE).await;
    ask(&mut just_now).await;
    let stopped = server.stop().await;
    assert!(stopped.status.success());
    assert_eq!(client::read_to_end(&mut just_now).await, "");
}
