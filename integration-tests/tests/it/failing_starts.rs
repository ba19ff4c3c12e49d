//! An application that cannot start says why, to those who may know.

use std::fs;

use http::{Method, StatusCode};
use integration_tests::{Server, client::request, processes, wait};

use crate::unruly;

/// Fails in the way that applications do: a cause, a stack, and an exit.
const FAILS: &str = "echo 'booting <b>forum</b>'; echo 'no such database: forum' >&2; exit 7";

#[tokio::test]
async fn the_error_page_says_how_the_process_ended_and_what_it_said() {
    let server = start_shell(FAILS, &[]).await;
    let page = server.get("/").await;

    assert!(page.status.is_server_error(), "{page:?}");
    assert!(page.body.contains("no such database: forum"), "{page:?}");
    assert!(page.body.contains("exit status: 7"), "{page:?}");
    // What an application prints is not read as HTML.
    assert!(
        page.header("content-type").starts_with("text/plain"),
        "{page:?}"
    );
    assert_eq!(page.header("cache-control"), "no-store", "{page:?}");
}

#[tokio::test]
async fn in_production_the_error_page_keeps_it_to_itself() {
    let server = start_shell(FAILS, &["-e", "production"]).await;
    let page = server.get("/").await;

    assert!(page.status.is_server_error(), "{page:?}");
    for secret in ["database", "exit status", "forum", "/bin/sh"] {
        assert!(!page.body.contains(secret), "{secret}: {page:?}");
    }
    // The operator learns it all the same.
    wait::until("the cause in the log", async || {
        let log = server.stderr().to_string();
        log.contains("no such database: forum").then_some(())
    })
    .await;
}

#[tokio::test]
async fn status_says_that_starts_fail_and_when_the_next_one_is_tried() {
    let server = start_shell(FAILS, &[]).await;
    let said = wait::until("a pause between starts", async || {
        let status = server.status().await;
        let failures = status["applications"][0]["pool"]["failed_starts"].as_u64()?;
        (failures >= 2).then_some(status)
    })
    .await;
    let next = said["applications"][0]["pool"]["next_start_seconds"]
        .as_f64()
        .unwrap();
    assert!(next <= 30.0, "{said:#}");
    let failure = said["applications"][0]["pool"]["last_start_failure"]
        .as_str()
        .unwrap();
    assert!(failure.contains("no such database: forum"), "{said:#}");
}

#[tokio::test]
async fn a_process_that_never_answers_is_given_up() {
    let server = start_shell(
        "echo warming up; exec sleep 1000",
        &["--start-timeout", "1"],
    )
    .await;
    let page = server.get("/").await;

    assert!(page.status.is_server_error(), "{page:?}");
    assert!(page.body.contains("warming up"), "{page:?}");
    let stopped = server.stop().await;
    assert_eq!(stopped.left, []);
}

#[tokio::test]
async fn an_application_that_is_repaired_is_served_without_a_restart_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let flag = folder.path().join("repaired");
    let server = start_shell(&unless_broken(flag.to_str().unwrap()), &[]).await;
    assert!(server.get("/").await.status.is_server_error());

    fs::write(&flag, "").unwrap();
    wait::until("the application to be served", async || {
        let page = server.get("/").await;
        (page.status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn with_every_process_dead_stored_pages_are_still_served() {
    let folder = tempfile::tempdir().unwrap();
    let flag = folder.path().join("works");
    fs::write(&flag, "").unwrap();
    let server = start_shell(
        &unless_broken(flag.to_str().unwrap()),
        &["--max-pool-size", "1"],
    )
    .await;
    let path = "/answer/Cache-Control=public,max-age=600";
    let stored = wait::until("a stored page", async || {
        let page = server.get(path).await;
        page.is_hit().then_some(page.body)
    })
    .await;

    fs::remove_file(&flag).unwrap();
    processes::kill(server.ready_processes().await[0]);
    let page = server.send(request(Method::POST, "/")).await;
    assert!(page.status.is_server_error(), "{page:?}");

    let page = server.get(path).await;
    assert_eq!(page.body, stored);
    assert!(page.is_hit(), "{page:?}");
}

/// The unruly application, if there is a file `flag`.
fn unless_broken(flag: &str) -> String {
    let program = unruly::PROGRAM;
    format!("test -e '{flag}' || exit 7; exec '{program}'")
}

async fn start_shell(script: &str, options: &[&str]) -> Server {
    let args = [
        &["start", unruly::FOLDER],
        options,
        &["--", "/bin/sh", "-c", script],
    ];
    Server::start(&args.concat()).await
}
