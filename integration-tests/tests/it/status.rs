//! `peregrine status` says what the server is doing.

use http::StatusCode;
use integration_tests::{run, wait};
use tokio::net::TcpStream;

use crate::unruly;

#[tokio::test]
async fn status_counts_what_happened() {
    let server = unruly::start(&["--max-pool-size", "2"]).await;
    let path = "/answer/Cache-Control=public,max-age=60";
    server.get(path).await;
    server.get(path).await;
    server.get(path).await;
    server.get("/answer/Cache-Control=no-store").await;
    server.post("/answer", "body").await;
    let page = server.get("/garbage").await;
    assert_eq!(page.status, StatusCode::BAD_GATEWAY);
    server.in_flight(0).await;

    let status = server.status().await;
    assert_eq!(status["pid"], server.pid(), "{status:#}");
    assert_eq!(status["address"], format!("http://{}", server.address()));
    assert_eq!(status["applications"][0]["environment"], "development");
    assert_eq!(status["applications"][0]["pool"]["max"], 2);
    assert_eq!(status["applications"][0]["pool"]["min"], 1);
    assert_eq!(status["applications"][0]["pool"]["queue"]["length"], 0);
    assert_eq!(status["applications"][0]["pool"]["queue"]["max"], 100);

    let requests = &status["applications"][0]["requests"];
    assert_eq!(requests["finished"], 6, "{status:#}");
    assert_eq!(requests["by_status"]["successful"], 5, "{status:#}");
    assert_eq!(requests["by_status"]["server_error"], 1, "{status:#}");
    assert_eq!(requests["by_cache_outcome"]["hit"], 2, "{status:#}");
    assert!(
        requests["latency_ms"]["p50"].as_f64().unwrap() > 0.0,
        "{status:#}"
    );
    assert_eq!(status["applications"][0]["cache"]["hits"], 2, "{status:#}");
    assert_eq!(
        status["applications"][0]["cache"]["entries"], 1,
        "{status:#}"
    );
    assert!(
        status["applications"][0]["cache"]["bytes"]
            .as_u64()
            .unwrap()
            > 0,
        "{status:#}"
    );

    let process = &status["applications"][0]["pool"]["processes"][0];
    assert_eq!(process["state"], "ready", "{status:#}");
    assert_eq!(process["sessions"], 0, "{status:#}");
    assert!(process["processed"].as_u64().unwrap() >= 3, "{status:#}");
    assert!(
        process["uptime_seconds"].as_f64().unwrap() > 0.0,
        "{status:#}"
    );
    assert!(process["memory_bytes"].as_u64().unwrap() > 0, "{status:#}");
    let pid = process["pid"].as_i64().unwrap();
    assert!(
        server.processes().iter().any(|p| i64::from(p.pid) == pid),
        "{status:#}"
    );
}

#[tokio::test]
async fn status_for_people_has_the_words_of_passenger_status() {
    let server = unruly::start(&[]).await;
    server.get("/answer").await;

    let socket = server.admin_socket();
    let ended = run(&["status", "--admin-socket", &socket]).await;
    assert!(ended.status.success(), "{ended:?}");
    let pid = format!("{}", server.ready_processes().await[0]);
    for word in [
        "Max pool size",
        "PID",
        "Sessions",
        "Processed",
        "Uptime",
        "CPU",
        "Memory",
        "Last used",
        &pid,
    ] {
        assert!(ended.stdout.contains(word), "`{word}`: {}", ended.stdout);
    }
}

#[tokio::test]
async fn clients_are_counted_while_they_are_connected() {
    let server = unruly::start(&[]).await;
    let clients = async |connected: usize, accepted: usize| {
        wait::until(&format!("{connected} of {accepted}"), async || {
            let clients = &server.status().await["clients"];
            assert!(clients["max"].as_u64() > Some(0), "{clients}");
            (clients["connected"] == connected && clients["accepted"] == accepted).then_some(())
        })
        .await;
    };
    clients(0, 0).await;
    let silent = TcpStream::connect(server.address()).await.unwrap();
    clients(1, 1).await;
    server.get("/answer").await;
    clients(1, 2).await;
    drop(silent);
    clients(0, 2).await;
}
