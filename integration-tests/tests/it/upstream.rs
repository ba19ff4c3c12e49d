//! The stack in front of a server that runs already.

use std::net::TcpListener;

use http::StatusCode;
use integration_tests::{Server, wait};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::unruly;

#[tokio::test]
async fn a_server_that_runs_already_is_served_through_the_whole_stack() {
    let (_app, url) = app_that_runs_already().await;
    let server = Server::start(&["start", "--upstream", &url]).await;

    let path = "/answer/Cache-Control=public,max-age=60";
    let first = server.get(path).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let second = server.get(path).await;
    assert_eq!(second.body, first.body);
    assert!(second.is_hit(), "{second:?}");

    let head = server.get("/head").await.body.to_ascii_lowercase();
    assert!(head.contains("x-forwarded-for: 127.0.0.1\r\n"), "{head}");

    let status = server.status().await;
    assert!(status["applications"][0]["pool"].is_null(), "{status:#}");
    assert!(
        status["applications"][0]["serves"]
            .as_str()
            .unwrap()
            .contains(&url),
        "{status:#}"
    );
}

#[tokio::test]
async fn an_upstream_that_is_down_is_a_bad_gateway_until_it_is_back() {
    let (mut app, url) = app_that_runs_already().await;
    let server = Server::start(&["start", "--upstream", &url]).await;
    assert_eq!(server.get("/answer").await.status, StatusCode::OK);

    app.kill().await.unwrap();
    assert_eq!(server.get("/answer").await.status, StatusCode::BAD_GATEWAY);

    let _app = start_at(url.rsplit_once(':').unwrap().1);
    wait::until("the upstream to be back", async || {
        (server.get("/answer").await.status == StatusCode::OK).then_some(())
    })
    .await;
}

async fn app_that_runs_already() -> (Child, String) {
    // Nothing else takes a port that was just given back: the system hands
    // them out in turn.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let app = start_at(&port.to_string());
    wait::until("the application to listen", async || {
        TcpStream::connect(("127.0.0.1", port)).await.ok()
    })
    .await;
    (app, format!("http://127.0.0.1:{port}"))
}

fn start_at(port: &str) -> Child {
    Command::new(unruly::PROGRAM)
        .env("PORT", port)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
