//! `peregrine demo`, as its visitors see it. What the forum itself promises is in
//! `forum.rs`.

use std::{ffi::OsStr, fs};

use http::StatusCode;
use integration_tests::{Load, Server, processes, wait};

use crate::forum_people::{Reader, reached};

/// With all its processes ready.
async fn start(options: &[&str]) -> Server {
    let server = Server::start(&[&["demo", "--max-pool-size", "2"], options].concat()).await;
    wait::until("all processes to be ready", async || {
        (server.ready_processes().await.len() == 2).then_some(())
    })
    .await;
    server
}

#[tokio::test]
async fn the_demo_lists_topics_and_shows_them() {
    let server = start(&[]).await;
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
    let server = start(&[]).await;
    let first = server.get("/topics/1").await;
    let second = server.get("/topics/1").await;

    assert!(!first.is_hit(), "{first:?}");
    assert!(second.is_hit(), "{second:?}");
    assert_eq!(first.body, second.body);
    assert_eq!(reached(&server).await, 1);
}

#[tokio::test]
async fn members_see_their_own_account_and_nobody_else_does() {
    let server = start(&[]).await;
    let ines = Reader::logged_in(&server, "Ines").await;
    let bao = Reader::logged_in(&server, "Bao").await;
    let visitor = Reader::visitor(&server);

    for _ in 0..3 {
        let page = ines.get("/account").await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        assert!(page.body.contains("<h1>Ines</h1>"), "{page:?}");
        let page = bao.get("/account").await;
        assert!(page.body.contains("<h1>Bao</h1>"), "{page:?}");
        let page = visitor.get("/account").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{page:?}");
        assert_eq!(page.body, "");
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_loses_no_request_and_is_replaced() {
    // So that each request is one to a process.
    let server = start(&["--cache", "off"]).await;
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
    wait::until("no zombies", async || {
        processes::zombies_of(server.pid()).is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stop_of_the_demo_leaves_nothing_behind() {
    let server = start(&[]).await;
    assert_eq!(server.get("/").await.status, StatusCode::OK);
    assert_eq!(server.processes().len(), 3, "{:?}", server.processes());
    let worker = server.ready_processes().await[0];
    let environ = procfs::process::Process::new(worker).unwrap().environ();
    let database = environ
        .unwrap()
        .remove(OsStr::new("FORUM_DATABASE"))
        .unwrap();
    assert!(fs::exists(&database).unwrap(), "{}", database.display());

    let stopped = server.stop().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
    assert!(!fs::exists(&database).unwrap(), "{}", database.display());
}
