//! It ends as it should, whoever ends it, and it is known who that was.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use integration_tests::{Browser, Server, client, run, wait};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

use super::{
    LARGE, NODE, PYTHON, WebSocket, closed, echo, hear, offer, open, say, websocket, websocket_at,
};

/// Upgraded connections are not to last.
const AT_ONCE: [&str; 2] = ["--websocket-shutdown-timeout", "0"];

/// Waits until the other side says that it goes away, and ends the connection after
/// the answer to that: in peace, since a reset is an error.
async fn goes_away(socket: &mut WebSocket) {
    let end = wait::bounded("a goodbye", socket.next()).await;
    let Some(Ok(Message::Close(Some(close)))) = end else {
        panic!("{end:?}");
    };
    assert_eq!(close.code, CloseCode::Away);
    let end = wait::bounded("the end of the WebSocket", socket.next()).await;
    assert!(end.is_none(), "{end:?}");
    let end = wait::bounded("the end", socket.get_mut().read(&mut [0])).await;
    assert_eq!(end.unwrap(), 0);
}

/// Waits until a process is gone.
async fn has_left(server: &Server, pid: &str) {
    wait::until("the old process to leave", async || {
        let processes = server.processes();
        let is_there = processes.iter().any(|it| it.pid.to_string() == pid);
        (!is_there).then_some(())
    })
    .await;
}

async fn tell(server: &Server, command: &str) {
    let socket = server.admin_socket();
    let ended = run(&[command, "--admin-socket", &socket]).await;
    assert!(ended.status.success(), "{ended:?}");
}

#[tokio::test]
async fn a_restart_lets_them_finish_for_a_moment_and_not_for_the_whole_drain() {
    let timeouts = [
        "--websocket-shutdown-timeout",
        "2",
        "--shutdown-timeout",
        "600",
    ];
    let server = NODE.start_one(&timeouts).await;
    let old = server.get("/").await.body;
    let (mut talks, mut silent) = (echo(&server).await, websocket(&server).await);
    let begun = Instant::now();
    tell(&server, "restart-app").await;
    assert_ne!(
        server.get("/").await.body,
        old,
        "new code takes over at once"
    );

    while begun.elapsed() < Duration::from_millis(500) {
        talks.write_all(b"still").await.unwrap();
        assert_eq!(hear(&mut talks, 5).await, b"still");
    }
    assert_eq!(client::read_to_end(&mut talks).await, "");
    goes_away(&mut silent).await;
    // The first of them after two, and the next one after more than one.
    assert!(begun.elapsed() >= Duration::from_secs(2));
    // Not after the ten minutes of a drain.
    has_left(&server, &old).await;
    // Whoever comes back finds the new one.
    let mut again = websocket(&server).await;
    let hello = Message::text("hello");
    assert_eq!(say(&mut again, hello.clone()).await, hello);
}

#[tokio::test]
async fn a_client_that_takes_nothing_does_not_keep_its_process() {
    let timeouts = [
        "--websocket-shutdown-timeout",
        "0",
        "--shutdown-timeout",
        "600",
    ];
    let server = NODE.start_one(&timeouts).await;
    let old = server.get("/").await.body;
    let mut stream = echo(&server).await;
    let large = vec![b'x'; LARGE];
    // As much as there is room for on the way there and back.
    let filling = async { while stream.write(&large).await.is_ok() {} };
    let filled = async {
        tell(&server, "restart-app").await;
        has_left(&server, &old).await;
    };
    tokio::select! {
        () = filling => {}
        () = filled => {}
    }
    has_left(&server, &old).await;
}

#[tokio::test]
async fn a_stop_lets_them_finish_for_a_moment() {
    let timeouts = [
        "--websocket-shutdown-timeout",
        "2",
        "--shutdown-timeout",
        "600",
    ];
    let server = NODE.start_one(&timeouts).await;
    let (mut talks, mut silent) = (echo(&server).await, websocket(&server).await);
    let begun = Instant::now();
    server.terminate();
    while begun.elapsed() < Duration::from_millis(500) {
        talks.write_all(b"still").await.unwrap();
        assert_eq!(hear(&mut talks, 5).await, b"still");
    }
    let stopped = server.ended().await;
    assert!(stopped.status.success());
    assert!(stopped.left.is_empty(), "{:?}", stopped.left);
    // The first of them after two, and the next one after more than one.
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert_eq!(client::read_to_end(&mut talks).await, "");
    goes_away(&mut silent).await;
}

#[tokio::test]
async fn both_sides_of_a_websocket_hear_that_its_process_leaves() {
    for application in [&NODE, &PYTHON] {
        let server = application.start_one(&AT_ONCE).await;
        let mut socket = websocket(&server).await;
        let hello = Message::text("hello");
        assert_eq!(say(&mut socket, hello.clone()).await, hello);
        tell(&server, "restart-app").await;
        goes_away(&mut socket).await;
        server.logs("a socket was closed with 1001").await;
        server.in_flight(0).await;
    }
}

#[tokio::test]
async fn both_sides_of_a_websocket_hear_that_the_server_stops() {
    for application in [&NODE, &PYTHON] {
        let server = application.start_one(&AT_ONCE).await;
        let mut socket = websocket(&server).await;
        server.terminate();
        goes_away(&mut socket).await;
        server.logs("a socket was closed with 1001").await;
        let stopped = server.ended().await;
        assert!(stopped.status.success());
        assert!(stopped.left.is_empty(), "{:?}", stopped.left);
    }
}

#[tokio::test]
async fn a_message_of_which_half_has_come_is_finished_before_the_end() {
    let server = NODE.start_one(&AT_ONCE).await;
    let mut socket = websocket_at(&server, "/halves").await;
    // It is halfway through when its process is to leave, and says the rest when it
    // hears that.
    open(&server, 1).await;
    tell(&server, "restart-app").await;
    let whole = wait::bounded("a message", socket.next()).await;
    assert_eq!(whole.unwrap().unwrap(), Message::text("one and two"));
    goes_away(&mut socket).await;
}

#[tokio::test]
async fn a_message_of_which_half_was_sent_may_be_finished_before_the_end() {
    let server = NODE.start_one(&AT_ONCE).await;
    let (mut stream, ..) = offer(&server, "websocket", b"\x81\x86\0\0\0\0abc").await;
    open(&server, 1).await;
    tell(&server, "restart-app").await;
    assert_eq!(hear(&mut stream, 4).await, b"\x88\x02\x03\xE9");
    stream.write_all(b"def").await.unwrap();
    server
        .logs("a socket was closed with 1001 after 6 bytes")
        .await;
    stream.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    assert_eq!(client::read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn the_access_log_says_how_a_websocket_ended() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let json = ["--access-log-format", "json", "--access-log"];
    let options = [&AT_ONCE[..], &json, &[log.to_str().unwrap()]].concat();
    let server = NODE.start_one(&options).await;
    let logged = async |count: usize| {
        wait::until("lines of those that were upgraded", async || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let lines = text.lines().map(serde_json::from_str::<Value>);
            let lines = lines.filter_map(Result::ok);
            let upgraded: Vec<_> = lines.filter(|line| line["upgraded"].is_object()).collect();
            (upgraded.len() == count).then_some(upgraded)
        })
        .await
    };
    let mut socket = websocket(&server).await;
    say(&mut socket, Message::text("hello")).await;
    socket.close(None).await.unwrap();
    closed(&mut socket).await;
    drop(socket);
    let line = &logged(1).await[0];
    assert_eq!(line["end"], "complete");
    let first = &line["upgraded"];
    assert_eq!(first["end"], "closed");
    // A head, here with a key, and no more than that of the Close frame.
    assert_eq!(
        (&first["received"], &first["sent"]),
        (&json!(17), &json!(9))
    );

    let mut socket = websocket(&server).await;
    tell(&server, "restart-app").await;
    goes_away(&mut socket).await;
    let line = &logged(2).await[1];
    assert_eq!(line["end"], "stopped");
    assert_eq!(line["upgraded"]["end"], "process-leaves");

    // Reset, as by a browser that is killed.
    let socket = echo(&server).await;
    socket.set_zero_linger().unwrap();
    drop(socket);
    let line = &logged(3).await[2];
    assert_eq!(line["end"], "aborted");
    assert_eq!(line["upgraded"]["end"], "broken");

    let status = server.status().await;
    let requests = &status["applications"][0]["requests"];
    let ended = ["finished", "failed", "aborted", "stopped"].map(|end| &requests[end]);
    assert_eq!(ended, [3, 0, 1, 1]);
}

#[tokio::test]
async fn a_browser_knows_that_it_may_connect_again() {
    let server = NODE.start_one(&AT_ONCE).await;
    let browser = Browser::open(&server).await;
    browser.visit("/").await;
    browser
        .run(
            "socket = new WebSocket(`ws://${location.host}/socket`);
             socket.onclose = (event) => told = [event.code, event.wasClean];
             told = null;",
        )
        .await;
    open(&server, 1).await;
    tell(&server, "restart-app").await;
    let told = wait::until("an event", async || {
        let told = browser.run("return told").await;
        (!told.is_null()).then_some(told)
    })
    .await;
    assert_eq!(told, json!([1001, true]));
}
