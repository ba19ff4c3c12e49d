//! A stop, however it comes about, leaves nothing behind.

use http::Method;
use integration_tests::{
    Server,
    client::{self, request},
    processes, run, wait,
};
use rustix::process::Signal;

use crate::unruly;

#[tokio::test]
async fn an_interrupt_stops_the_server_as_a_termination_does() {
    let server = unruly::start(&["--min-instances", "2"]).await;
    processes::signal(server.pid(), Signal::INT);
    let stopped = server.ended().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_in_the_end() {
    let server = unruly::start(&["--shutdown-timeout", "1", "--max-request-time", "0"]).await;
    let endless = tokio::spawn(client::try_fetch(
        server.address(),
        request(Method::GET, "/never"),
    ));
    server.in_flight(1).await;

    let stopped = server.stop().await;
    assert_eq!(stopped.left, []);
    let answer = endless.await.unwrap();
    let refused = answer
        .as_ref()
        .map_or(true, |page| page.status.is_server_error());
    assert!(refused, "{answer:?}");
}

#[tokio::test]
async fn a_process_that_does_not_listen_to_reason_is_killed() {
    // What a shell ignores, the program that takes its place ignores, too.
    let script = format!("trap '' TERM; exec '{}'", unruly::PROGRAM);
    let args = [
        "start",
        unruly::FOLDER,
        "--shutdown-timeout",
        "1",
        "--",
        "/bin/sh",
        "-c",
        &script,
    ];
    let server = Server::start(&args).await;
    server.get("/answer").await;

    let stopped = server.stop().await;
    assert_eq!(stopped.left, []);
}

#[tokio::test]
async fn the_children_of_a_process_go_with_it() {
    let script = format!("sleep 1000 & '{}' & wait", unruly::PROGRAM);
    let args = ["start", unruly::FOLDER, "--", "/bin/sh", "-c", &script];
    let server = Server::start(&args).await;
    server.get("/answer").await;
    assert!(server.processes().len() >= 4, "{:?}", server.processes());

    let stopped = server.stop().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
}

#[tokio::test]
async fn a_stop_while_the_application_starts_leaves_nothing_behind() {
    let args = ["start", unruly::FOLDER, "--", "/bin/sh", "-c", "sleep 1000"];
    let server = Server::start(&args).await;

    let stopped = server.stop().await;
    assert_eq!(stopped.left, []);
}

#[tokio::test]
async fn a_stop_that_takes_its_time_can_be_looked_at() {
    let script = format!("trap '' TERM; exec '{}'", unruly::PROGRAM);
    let args = ["start", unruly::FOLDER, "--", "/bin/sh", "-c", &script];
    let server = Server::start(&args).await;
    server.get("/answer").await;
    let stubborn = server.ready_processes().await[0];
    server.terminate();
    server.logs("served its last request").await;
    wait::until("a process that is to leave", async || {
        let status = server.status().await;
        let process = &status["applications"][0]["pool"]["processes"][0];
        (process["pid"] == stubborn && process["state"] == "terminating").then_some(())
    })
    .await;

    let socket = server.admin_socket();
    let ended = run(&["restart-app", "--admin-socket", &socket]).await;
    assert!(!ended.status.success(), "{ended:?}");
    assert!(ended.stderr.contains("stop"), "{ended:?}");

    processes::kill(stubborn);
    let stopped = server.ended().await;
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(stopped.left, []);
}
