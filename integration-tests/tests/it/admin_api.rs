//! The HTTP API for operators: who may use it, and what it answers.

use std::{net::SocketAddr, os::unix::fs::PermissionsExt};

use http::{Method, StatusCode, header::AUTHORIZATION};
use integration_tests::{
    Schema, Server,
    client::{self, Page, request},
    run, wait,
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::unruly;

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
        "--max-pool-size",
        "1",
        "--log-level",
        "trace",
        "--admin-address",
        "127.0.0.1:0",
        "--admin-token-file",
        &full,
        "--admin-read-only-token-file",
        &read_only,
        "--access-log",
        "/dev/null",
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
    let schema = Schema::of_admin_api();
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
            let problem = schema.check("Problem", &answer.json());
            assert_eq!(problem, Ok(()), "{name}");
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

#[tokio::test]
async fn answers_are_what_the_schema_says() {
    let (server, address) = start_with_tokens().await;
    let schema = Schema::of_admin_api();
    let tell = async |method: Method, path: &str, body: &str| {
        ask(address, method, path, Some(FULL), body).await.json()
    };
    // Before anything has happened, and after something of each kind has.
    let status = tell(Method::GET, "/v1/status", "").await;
    assert_eq!(schema.check("Status", &status), Ok(()));
    let page = "/answer/Cache-Control=public,max-age=60";
    server.get(page).await;
    server.get(page).await;
    server.post("/answer", "body").await;
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client
        .write_all(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let requests = wait::until("a request that is being served", async || {
        let requests = tell(Method::GET, "/v1/requests", "").await;
        (requests["applications"][0]["requests"][0]["state"] == "process").then_some(requests)
    })
    .await;
    assert_eq!(schema.check("Requests", &requests), Ok(()));
    let status = wait::until("rates", async || {
        let status = tell(Method::GET, "/v1/status", "").await;
        status["applications"][0]["per_second"]
            .is_object()
            .then_some(status)
    })
    .await;
    assert_eq!(schema.check("Status", &status), Ok(()));
    let application = &status["applications"][0];
    for told in ["pool", "cache", "queue_ms", "application_ms"] {
        assert!(application[told].is_object(), "{told}: {status:#}");
    }
    assert!(status["usage"].is_object() && status["access_log"].is_object());
    drop(client);

    let purge = json!({"url": page, "soft": true, "application": application["name"]});
    assert_eq!(schema.check("Purge", &purge), Ok(()));
    let purged = tell(Method::POST, "/v1/purge", &purge.to_string()).await;
    assert_eq!(schema.check("Purged", &purged), Ok(()));
    let restarted = tell(Method::POST, "/v1/restart-app", "").await;
    assert_eq!(schema.check("Restarted", &restarted), Ok(()));
    let pid = server.ready_processes().await[0];
    let detached = tell(Method::POST, &format!("/v1/detach-process/{pid}"), "").await;
    assert_eq!(schema.check("Detached", &detached), Ok(()));
}
