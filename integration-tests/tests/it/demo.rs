//! `peregrine demo`, as its visitors see it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use integration_tests::{
    Load, Server,
    client::{self, request},
    processes, wait,
};

async fn start() -> Server {
    let server = Server::start(&["demo", "--max-pool-size", "2"]).await;
    wait::until("all processes to be ready", async || {
        (server.ready_processes().await.len() == 2).then_some(())
    })
    .await;
    server
}

#[tokio::test]
async fn the_demo_lists_topics_and_shows_them() {
    let server = start().await;
    let page = server.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("/topics/1"), "{page:?}");

    let page = server.get("/topics/1").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{page:?}"
    );
}

#[tokio::test]
async fn a_topic_is_rendered_once_for_all_visitors() {
    let server = start().await;
    let first = server.get("/topics/1").await;
    let second = server.get("/topics/1").await;

    assert!(!first.is_hit(), "{first:?}");
    assert!(second.is_hit(), "{second:?}");
    assert_eq!(first.body, second.body);
    let processed = |status: &serde_json::Value| -> u64 {
        let processes = status["applications"][0]["pool"]["processes"]
            .as_array()
            .unwrap();
        processes
            .iter()
            .map(|process| process["processed"].as_u64().unwrap())
            .sum()
    };
    server.in_flight(0).await;
    let status = server.status().await;
    assert_eq!(processed(&status), 1, "{status:#}");
}

#[tokio::test]
async fn a_posted_body_comes_back_as_it_was_sent() {
    let server = start().await;
    let page = server.post("/echo", "name=Jürgen\n").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.body, "name=Jürgen\n");
}

#[tokio::test]
async fn a_live_page_begins_before_it_is_finished() {
    let server = start().await;
    let mut answer = client::open(server.address(), request(Method::GET, "/live"))
        .await
        .unwrap();
    answer.body_mut().frame().await.unwrap().unwrap();
    let first = Instant::now();
    wait::bounded("the rest of the page", answer.into_body().collect())
        .await
        .unwrap();
    // The page takes 1.2 s from its first line to its last. Had it been held
    // back until it was finished, all of it would have come at once.
    assert!(first.elapsed() > Duration::from_millis(300));
}

#[tokio::test]
async fn members_see_their_own_page_and_nobody_else_does() {
    let server = start().await;
    let alice = log_in(&server, "Alice").await;
    let bob = log_in(&server, "Bob").await;

    for _ in 0..3 {
        let page = server.send(members(&alice)).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        assert!(
            page.body.contains("Alice") && !page.body.contains("Bob"),
            "{page:?}"
        );
        let page = server.send(members(&bob)).await;
        assert!(
            page.body.contains("Bob") && !page.body.contains("Alice"),
            "{page:?}"
        );
        let page = server.get("/members").await;
        assert_ne!(page.status, StatusCode::OK, "{page:?}");
        assert!(
            !page.body.contains("Alice") && !page.body.contains("Bob"),
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_loses_no_request_and_is_replaced() {
    let server = start().await;
    let load = Load::start(server.address(), "/login", 4);
    load.answers(8).await;

    let before = server.ready_processes().await;
    processes::kill(before[0]);
    load.answers(20).await;
    wait::until("two ready processes", async || {
        let after = server.ready_processes().await;
        (after.len() == 2 && !after.contains(&before[0])).then_some(())
    })
    .await;
    load.stop().await;
    assert_eq!(processes::zombies_of(server.pid()), []);
}

#[tokio::test]
async fn a_stop_of_the_demo_leaves_nothing_behind() {
    let server = start().await;
    assert_eq!(server.get("/").await.status, StatusCode::OK);
    assert_eq!(server.processes().len(), 3, "{:?}", server.processes());

    let stopped = server.stop().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
}

/// The cookie of a session.
async fn log_in(server: &Server, name: &str) -> String {
    let mut login = request(Method::POST, "/login").map(|_| Bytes::from(format!("name={name}")));
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    login.headers_mut().insert(header::CONTENT_TYPE, form);
    let answer = server.send(login).await;
    assert!(answer.status.is_redirection(), "{answer:?}");
    let cookie = answer.header("set-cookie");
    let (cookie, _) = cookie
        .split_once(';')
        .unwrap_or_else(|| panic!("{answer:?}"));
    cookie.to_owned()
}

fn members(session: &str) -> Request<Bytes> {
    let mut request = request(Method::GET, "/members");
    request
        .headers_mut()
        .insert(header::COOKIE, session.parse().unwrap());
    request
}
