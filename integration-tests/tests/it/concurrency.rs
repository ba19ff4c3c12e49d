//! How many requests a process is given, and what those meet for which there is no
//! room.

use integration_tests::wait;
use serde_json::Value;

use crate::holding_app::HoldingApp;

const ONE_AT_A_TIME: [&str; 4] = [
    "--max-pool-size",
    "1",
    "--force-max-concurrent-requests-per-process",
    "1",
];

#[tokio::test]
async fn requests_below_a_path_take_no_place_from_others() {
    let app = HoldingApp::new();
    let options = [
        &ONE_AT_A_TIME[..],
        &["--unlimited-concurrency-path", "/hold"],
    ];
    let server = app.serve(&options.concat()).await;
    let others = async {
        server.sessions(2).await;
        for _ in 0..3 {
            assert_eq!(server.get("/").await.status, 200);
        }
        let processes = &server.status().await["applications"][0]["pool"]["processes"];
        assert_eq!(processes.as_array().unwrap().len(), 1);
        assert_eq!(processes[0]["sessions"], 2);
        app.release();
    };
    let (one, two, ()) = tokio::join!(server.get("/hold"), server.get("/hold/on"), others);
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (200, 200));
}

#[tokio::test]
async fn who_finds_no_room_in_the_queue_gets_the_status_of_the_operators_choice() {
    let app = HoldingApp::new();
    let options = [
        &ONE_AT_A_TIME[..],
        &["--max-request-queue-size", "1"],
        &["--request-queue-overflow-status-code", "529"],
    ];
    let server = app.serve(&options.concat()).await;
    // A place in the queue is no place to wait for the process in.
    wait::until("its process", async || {
        (server.ready_processes().await.len() == 1).then_some(())
    })
    .await;
    let queue = async || server.status().await["applications"][0]["pool"]["queue"].clone();
    let others = async {
        wait::until("a request in the queue", async || {
            (queue().await["length"] == 1).then_some(())
        })
        .await;
        let waits = &queue().await["longest_wait_seconds"];
        assert!(
            waits.as_f64().is_some_and(|seconds| seconds >= 0.0),
            "{waits}"
        );
        let turned_away = server.get("/").await;
        assert_eq!(turned_away.status.as_u16(), 529);
        assert_eq!(turned_away.header("retry-after"), "1");
        app.release();
    };
    // Two pages, or one would wait for the other's answer, and not in the queue.
    let (one, two, ()) = tokio::join!(server.get("/hold"), server.get("/hold?2"), others);
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (200, 200));
    assert_eq!(queue().await["longest_wait_seconds"], Value::Null);
}
