//! What an operator sees of a running server, and may tell it.

use std::{net::SocketAddr, os::unix::fs::PermissionsExt, process::Stdio};

use http::{Method, StatusCode, header::AUTHORIZATION};
use integration_tests::{
    Server, binary,
    client::{self, Page, request},
    processes, run, wait,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
};

use crate::unruly;

#[tokio::test]
async fn a_request_is_seen_in_the_queue_and_in_its_process() {
    let server = unruly::start_with_one_slot(&[]).await;
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        client
            .write_all(b"POST /never?token=secret HTTP/1.1\r\nHost: forum.example\r\nContent-Length: 0\r\n\r\n")
            .await
            .unwrap();
        clients.push(client);
    }
    let socket = server.admin_socket();
    let args = ["status", "--show", "requests", "--admin-socket", &socket];
    let states = wait::until("one to work on and one to wait", async || {
        let ended = run(&[&args[..], &["--json"]].concat()).await;
        let told: Value = serde_json::from_str(&ended.stdout).unwrap();
        let requests = told["applications"][0]["requests"]
            .as_array()
            .unwrap()
            .clone();
        let states: Vec<_> = requests.iter().map(|it| it["state"].clone()).collect();
        (states == ["process", "queue"]).then_some(requests)
    })
    .await;
    assert_eq!(states[0]["pid"], server.ready_processes().await[0]);
    assert_eq!(states[0]["method"], "POST");
    assert_eq!(states[0]["host"], "forum.example");
    assert_eq!(states[0]["path"], "/never");

    let ended = run(&args).await;
    assert!(
        ended.stdout.contains("POST forum.example/never\n"),
        "{ended:?}"
    );
    assert!(!ended.stdout.contains("secret"), "{ended:?}");
    drop(clients);
    server.in_flight(0).await;
}

#[tokio::test]
async fn memory_is_told_of_a_server_that_does_not_answer() {
    let server = unruly::start(&[]).await;
    server.get("/answer").await;
    let application = server.ready_processes().await[0];
    processes::signal(server.pid(), Signal::STOP);
    let ended = run(&["memory-stats", "--json"]).await;
    let text = run(&["memory-stats"]).await;
    processes::signal(server.pid(), Signal::CONT);

    assert!(ended.status.success(), "{ended:?}");
    let stats: Value = serde_json::from_str(&ended.stdout).unwrap();
    let servers = stats["servers"].as_array().unwrap();
    // Other tests run servers of their own.
    let ours = servers.iter().find(|it| it["pid"] == server.pid()).unwrap();
    let processes = ours["processes"].as_array().unwrap();
    let roles: Vec<_> = processes.iter().map(|it| &it["role"]).collect();
    for role in ["server", "guard", "application"] {
        assert!(roles.contains(&&json!(role)), "{ours:#}");
    }
    let app = processes
        .iter()
        .find(|it| it["pid"] == application)
        .unwrap();
    for bytes in [
        "virtual_bytes",
        "resident_bytes",
        "pss_bytes",
        "private_bytes",
    ] {
        assert!(app[bytes].as_u64().unwrap() > 0, "{bytes}: {app:#}");
    }
    for word in [
        "VMSize",
        "RSS",
        "PSS",
        "Private",
        "### Total",
        &application.to_string(),
    ] {
        assert!(text.stdout.contains(word), "`{word}`: {}", text.stdout);
    }
}

#[tokio::test]
async fn a_status_that_is_watched_in_a_pipe_has_no_commands_for_terminals() {
    let server = unruly::start(&[]).await;
    let mut watch = Command::new(binary::peregrine())
        .args([
            "status",
            "--watch",
            "--admin-socket",
            &server.admin_socket(),
        ])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut pages = 0;
    while pages < 2 {
        let line = wait::bounded("a line", lines.next_line()).await;
        let line = line.unwrap().expect("it goes on");
        assert!(!line.contains('\x1b'), "{line}");
        pages += usize::from(line.starts_with("Version : "));
    }
    // As `| head` does: nobody reads on.
    drop(lines);
    let ended = wait::bounded("the watch to end", watch.wait()).await;
    assert!(ended.unwrap().success());
}

/// Asks over TCP, with a token.
async fn ask(
    address: SocketAddr,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> Page {
    let mut request = request(method, path).map(|_| body.to_owned().into());
    let headers = request.headers_mut();
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    headers.insert("content-type", "application/json".parse().unwrap());
    client::try_fetch(address, request).await.unwrap()
}

const FULL: &str = "full-8a1f2c3d4e5f60718293";
const READ_ONLY: &str = "look-8a1f2c3d4e5f60718293";

/// A server that answers operators over TCP, and where.
async fn start_with_tokens() -> (Server, SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, token: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, token).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let (full, read_only) = (file("full", FULL), file("read-only", READ_ONLY));
    let server = unruly::start(&[
        "--log-level",
        "trace",
        "--admin-address",
        "127.0.0.1:0",
        "--admin-token-file",
        &full,
        "--admin-read-only-token-file",
        &read_only,
    ])
    .await;
    let address = wait::until("the address for operators", async || {
        let log = server.stderr().to_string();
        let (_, said) = log.split_once("answering operators address=")?;
        said.lines().next()?.parse().ok()
    })
    .await;
    (server, address)
}

/// What is asked, with which token, and how that is answered.
const CASES: [(&str, Method, &str, Option<&str>, StatusCode); 15] = [
    (
        "nobody",
        Method::GET,
        "/v1/status",
        None,
        StatusCode::UNAUTHORIZED,
    ),
    (
        "nobody acts",
        Method::POST,
        "/v1/purge",
        None,
        StatusCode::UNAUTHORIZED,
    ),
    (
        "a guess",
        Method::GET,
        "/metrics",
        Some("guess"),
        StatusCode::UNAUTHORIZED,
    ),
    (
        "a look",
        Method::GET,
        "/v1/status",
        Some(READ_ONLY),
        StatusCode::OK,
    ),
    (
        "a look at requests",
        Method::GET,
        "/v1/requests",
        Some(READ_ONLY),
        StatusCode::OK,
    ),
    (
        "no act",
        Method::POST,
        "/v1/purge",
        Some(READ_ONLY),
        StatusCode::FORBIDDEN,
    ),
    (
        "no restart",
        Method::POST,
        "/v1/restart-app",
        Some(READ_ONLY),
        StatusCode::FORBIDDEN,
    ),
    (
        "all looks",
        Method::GET,
        "/v1/status",
        Some(FULL),
        StatusCode::OK,
    ),
    (
        "nothing there",
        Method::GET,
        "/v2/status",
        Some(FULL),
        StatusCode::NOT_FOUND,
    ),
    (
        "another method",
        Method::GET,
        "/v1/purge",
        Some(FULL),
        StatusCode::METHOD_NOT_ALLOWED,
    ),
    (
        "no process",
        Method::POST,
        "/v1/detach-process/x",
        Some(FULL),
        StatusCode::BAD_REQUEST,
    ),
    (
        "unknown process",
        Method::POST,
        "/v1/detach-process/1",
        Some(FULL),
        StatusCode::NOT_FOUND,
    ),
    (
        "no such app",
        Method::POST,
        "/v1/restart-app?application=x",
        Some(FULL),
        StatusCode::NOT_FOUND,
    ),
    (
        "a misspelling",
        Method::POST,
        "/v1/restart-app?app=x",
        Some(FULL),
        StatusCode::BAD_REQUEST,
    ),
    (
        "metrics",
        Method::GET,
        "/metrics",
        Some(READ_ONLY),
        StatusCode::OK,
    ),
];

#[tokio::test]
async fn over_tcp_a_token_says_who_may_look_and_who_may_act() {
    let (server, address) = start_with_tokens().await;
    let page = "/answer/Cache-Control=public,max-age=60";
    server.get(page).await;
    let purge = r#"{"everything": true}"#;
    for (name, method, path, token, expected) in CASES {
        let answer = ask(address, method, path, token, purge).await;
        assert_eq!(answer.status, expected, "{name}: {answer:?}");
        if !expected.is_success() {
            assert_eq!(
                answer.header("content-type"),
                "application/problem+json",
                "{name}"
            );
            assert_eq!(answer.json()["status"], expected.as_u16(), "{name}");
            assert!(answer.json()["code"].is_string(), "{name}");
        }
    }
    assert!(server.get(page).await.is_hit(), "nobody has purged it");

    let log = server.stderr().to_string();
    for secret in [FULL, READ_ONLY] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn who_may_act_purges_and_restarts_from_afar() {
    let (server, address) = start_with_tokens().await;
    let page = "/answer/Cache-Control=public,max-age=60";
    server.get(page).await;
    assert!(server.get(page).await.is_hit());

    let tell = async |path: &str, body: &str| {
        let answer = ask(address, Method::POST, path, Some(FULL), body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    };
    let purged = tell("/v1/purge", r#"{"everything": true}"#).await;
    assert_eq!(purged, json!({"purged": 1}));
    assert!(!server.get(page).await.is_hit());
    let soft = format!(r#"{{"url": "{page}", "soft": true}}"#);
    assert_eq!(tell("/v1/purge", &soft).await, json!({"purged": 1}));
    assert_eq!(
        tell("/v1/purge", r#"{"tag": "x"}"#).await,
        json!({"purged": 0})
    );
    assert_eq!(tell("/v1/restart-app", "").await, json!({"replaced": 1}));
}

#[tokio::test]
async fn tcp_without_a_token_is_refused() {
    let ended = run(&["demo", "-p", "0", "--admin-address", "127.0.0.1:0"]).await;
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--admin-token-file"), "{ended:?}");
}
