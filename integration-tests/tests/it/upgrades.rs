//! A WebSocket, and whatever else a client and an application agree to speak.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use integration_tests::{Browser, Server, client, processes, run, tools, wait};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

/// An application of `apps/upgrades`.
struct Application {
    needs: &'static [&'static str],
    command: &'static [&'static str],
}

const NODE: Application = Application {
    needs: &["node"],
    command: &["node", "app.js", "{socket}"],
};

const PYTHON: Application = Application {
    needs: &["python3", "uvicorn"],
    command: &["uvicorn", "--uds", "{socket}", "asgi:application"],
};

const RUBY: Application = Application {
    needs: &["ruby", "puma"],
    command: &["puma", "-b", "unix://{socket}", "-t", "4:4", "config.ru"],
};

/// More than any socket holds on its way.
const LARGE: usize = 8 << 20;

impl Application {
    async fn start(&self, options: &[&str]) -> Server {
        self.needs.iter().copied().for_each(tools::require);
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/upgrades");
        // Python would leave its compiled files there.
        let start = ["start", dir, "--envvar", "PYTHONDONTWRITEBYTECODE=1"];
        Server::start(&[&start, options, &["--"], self.command].concat()).await
    }

    /// One process that takes ten requests.
    async fn start_one(&self, options: &[&str]) -> Server {
        let one = [
            "--max-pool-size",
            "1",
            "--force-max-concurrent-requests-per-process",
            "10",
        ];
        self.start(&[&one, options].concat()).await
    }
}

type WebSocket = WebSocketStream<TcpStream>;

async fn websocket(server: &Server) -> WebSocket {
    websocket_at(server, "/socket").await
}

async fn websocket_at(server: &Server, path: &str) -> WebSocket {
    let address = format!("ws://{}{path}", server.address());
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let connecting = wait::bounded("a WebSocket", client_async(address, stream));
    let (socket, _) = connecting.await.expect("a WebSocket");
    socket
}

/// What comes back for `message`.
async fn say(socket: &mut WebSocket, message: Message) -> Message {
    let exchange = async {
        socket.send(message).await.unwrap();
        socket.next().await.unwrap().unwrap()
    };
    wait::bounded("an echo", exchange).await
}

/// Waits until the other side has ended the connection, in whatever way.
async fn closed(socket: &mut WebSocket) {
    let end = async { while let Some(Ok(_)) = socket.next().await {} };
    wait::bounded("the end of the WebSocket", end).await;
}

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

/// Offers `protocol`, with `more` right behind it, and gives the answer's head
/// and what it has read beyond that.
async fn offer(server: &Server, protocol: &str, more: &[u8]) -> (TcpStream, String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n"
    );
    let bytes = [head.as_bytes(), more].concat();
    stream.write_all(&bytes).await.unwrap();
    let mut read = Vec::new();
    let end = wait::bounded("the head of an answer", async {
        loop {
            let mut byte = [0];
            stream.read_exact(&mut byte).await.unwrap();
            read.push(byte[0]);
            if read.ends_with(b"\r\n\r\n") {
                break read.len();
            }
        }
    });
    let end = end.await;
    let rest = read.split_off(end);
    (stream, String::from_utf8(read).unwrap(), rest)
}

/// A connection on which all bytes come back.
async fn echo(server: &Server) -> TcpStream {
    let (stream, head, _) = offer(server, "echo", b"").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    stream
}

async fn hear(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut heard = vec![0; bytes];
    let reading = stream.read_exact(&mut heard);
    wait::bounded("what was said", reading).await.unwrap();
    heard
}

/// Waits until the application says that it has so many open.
async fn open(server: &Server, count: usize) {
    wait::until(&format!("{count} open connections"), async || {
        (server.get("/open").await.body == count.to_string()).then_some(())
    })
    .await;
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

async fn messages_go_both_ways(application: &Application) {
    let server = application.start_one(&[]).await;
    let mut socket = websocket(&server).await;
    let hello = Message::text("hello");
    assert_eq!(say(&mut socket, hello.clone()).await, hello);
    let large = Message::binary(vec![7; LARGE / 8]);
    assert_eq!(say(&mut socket, large.clone()).await, large);

    // It is a request that runs, and no other's business.
    open(&server, 1).await;
    server.in_flight(1).await;
    server.sessions(1).await;

    socket.close(None).await.unwrap();
    closed(&mut socket).await;
    // As a browser does, which does not say "close" and stay.
    drop(socket);
    open(&server, 0).await;
    server.in_flight(0).await;
    server.sessions(0).await;
}

#[tokio::test]
async fn a_websocket_to_node() {
    messages_go_both_ways(&NODE).await;
}

#[tokio::test]
async fn a_websocket_to_uvicorn() {
    messages_go_both_ways(&PYTHON).await;
}

async fn bytes_go_both_ways_at_once(application: &Application) {
    let server = application.start_one(&[]).await;
    let mut stream = echo(&server).await;
    let large: Vec<u8> = (0..LARGE).map(|n| n.to_le_bytes()[0]).collect();
    let (mut reads, mut writes) = stream.split();
    let mut heard = vec![0; LARGE];
    let exchange = async {
        tokio::try_join!(writes.write_all(&large), reads.read_exact(&mut heard)).unwrap();
    };
    wait::bounded("a large echo", exchange).await;
    assert!(heard == large);

    // Who has no more to say may still listen.
    stream.shutdown().await.unwrap();
    assert_eq!(client::read_to_end(&mut stream).await, "that was all");
    open(&server, 0).await;
}

#[tokio::test]
async fn another_protocol_to_node() {
    bytes_go_both_ways_at_once(&NODE).await;
}

#[tokio::test]
async fn a_connection_that_puma_lets_an_application_hijack() {
    bytes_go_both_ways_at_once(&RUBY).await;
}

#[tokio::test]
async fn who_does_not_wait_for_the_answer_is_heard_all_the_same() {
    let server = NODE.start_one(&[]).await;
    let (mut stream, head, _) = offer(&server, "echo", b"early").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(hear(&mut stream, 5).await, b"early");
}

#[tokio::test]
async fn the_head_of_a_switch_is_as_the_application_sent_it() {
    let server = NODE.start_one(&[]).await;
    let (_stream, head, _) = offer(&server, "x, echo", b"").await;
    let lines: Vec<_> = head.trim_end().lines().map(str::to_lowercase).collect();
    assert_eq!(lines[0], "http/1.1 101 switching protocols");
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert!(lines.contains(&"connection: upgrade".to_owned()), "{head}");
    assert!(lines.contains(&"upgrade: echo".to_owned()), "{head}");
    assert_eq!((count("connection:"), count("upgrade:")), (1, 1), "{head}");
    // RFC 9110 §8.6 and RFC 9112 §6.1: neither in a 1xx response.
    assert_eq!(count("content-length:") + count("transfer-encoding:"), 0);
    assert!(head.to_lowercase().contains("detail=upgrade"), "{head}");
}

#[tokio::test]
async fn an_offer_that_is_refused_is_a_request_like_any_other() {
    let server = NODE.start_one(&[]).await;
    let mut request = client::request(http::Method::GET, "/elsewhere");
    let headers = request.headers_mut();
    headers.insert("connection", "upgrade".parse().unwrap());
    headers.insert("upgrade", "websocket".parse().unwrap());
    let page = server.send(request).await;
    assert_eq!(
        (page.status, page.body.as_str()),
        (StatusCode::FORBIDDEN, "no")
    );
    server.in_flight(0).await;
    server.sessions(0).await;
}

#[tokio::test]
async fn an_offer_of_http_2_is_not_passed_on_and_does_not_pass_the_cache_by() {
    let server = NODE.start_one(&[]).await;
    for expected_hit in [false, true, true] {
        // As `curl --http2` does.
        let mut request = client::request(http::Method::GET, "/cached");
        let headers = request.headers_mut();
        headers.insert("connection", "Upgrade, HTTP2-Settings".parse().unwrap());
        headers.insert("upgrade", "h2c".parse().unwrap());
        headers.insert(
            "http2-settings",
            "AAMAAABkAAQAoAAAAAIAAAAA".parse().unwrap(),
        );
        let page = server.send(request).await;
        assert_eq!(page.body, "rendering 1");
        assert_eq!(page.is_hit(), expected_hit);
    }
}

#[tokio::test]
async fn connect_is_refused() {
    let server = NODE.start_one(&[]).await;
    let answer = server
        .exchange(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 501 "), "{answer}");
}

#[tokio::test]
async fn a_switch_is_never_stored_or_shared() {
    let server = NODE.start_one(&[]).await;
    // At once, so that one might wait for another's answer.
    let (mut one, mut other) = tokio::join!(echo(&server), echo(&server));
    one.write_all(b"one").await.unwrap();
    other.write_all(b"two").await.unwrap();
    assert_eq!(hear(&mut one, 3).await, b"one");
    assert_eq!(hear(&mut other, 3).await, b"two");
    open(&server, 2).await;
    assert_eq!(
        server.status().await["applications"][0]["cache"]["entries"],
        0
    );
}

#[tokio::test]
async fn a_client_that_vanishes_frees_its_place() {
    for application in [&NODE, &RUBY] {
        let server = application.start_one(&[]).await;
        let mut stream = echo(&server).await;
        open(&server, 1).await;
        // With something that it has not read, so that it resets.
        stream.write_all(b"anybody there?").await.unwrap();
        stream.readable().await.unwrap();
        drop(stream);
        open(&server, 0).await;
        server.sessions(0).await;
        server.in_flight(0).await;
    }
}

#[tokio::test]
async fn an_application_that_dies_is_a_connection_that_ends() {
    let server = NODE.start_one(&[]).await;
    let mut stream = echo(&server).await;
    processes::kill(server.ready_processes().await[0]);
    assert_eq!(client::read_to_end(&mut stream).await, "");
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

/// Upgraded connections are not to last.
const AT_ONCE: [&str; 2] = ["--websocket-shutdown-timeout", "0"];

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

#[tokio::test]
async fn an_open_socket_takes_the_only_place_of_a_process_but_not_of_another_one() {
    let one_each = ["--force-max-concurrent-requests-per-process", "1"];
    let two = [&one_each[..], &["--max-pool-size", "2"]].concat();
    let server = NODE.start(&two).await;
    let mut first = echo(&server).await;
    let second = server.get("/").await.body;
    first.write_all(b"one").await.unwrap();
    assert_eq!(hear(&mut first, 3).await, b"one");
    let _second = echo(&server).await;

    // Both are taken: the next one waits until a place is free.
    let address = server.address();
    let waiting = tokio::spawn(async move {
        client::try_fetch(address, client::request(http::Method::GET, "/")).await
    });
    wait::until("a request that queues", async || {
        (server.status().await["applications"][0]["pool"]["queue"]["length"] == 1).then_some(())
    })
    .await;
    drop(first);
    let page = wait::bounded("its turn", waiting).await.unwrap().unwrap();
    assert_ne!(page.body, second);
}

#[tokio::test]
async fn a_server_that_runs_already_may_switch_as_well() {
    let behind = NODE.start_one(&[]).await;
    let upstream = format!("http://{}", behind.address());
    let server = Server::start(&["start", "--upstream", &upstream]).await;
    let mut socket = websocket(&server).await;
    let hello = Message::text("hello");
    assert_eq!(say(&mut socket, hello.clone()).await, hello);
    drop(socket);
    behind.sessions(0).await;
}
