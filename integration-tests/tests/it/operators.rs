//! What an operator sees of a running server.

use std::process::Stdio;

use http::{Method, StatusCode};
use integration_tests::{Schema, binary, client, processes, run, wait};
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
        // Each client has a thread of its own, on which it may overtake others.
        wait::until("the first to be with its process", async || {
            let status = server.status().await;
            (status["applications"][0]["pool"]["processes"][0]["sessions"] == 1).then_some(())
        })
        .await;
    }
    let socket = server.admin_socket();
    let args = ["status", "--show", "requests", "--admin-socket", &socket];
    let states = wait::until("one to work on and one to wait", async || {
        let ended = run(&[&args[..], &["--json"]].concat()).await;
        let told: Value = serde_json::from_str(&ended.stdout).unwrap();
        let requests = told["applications"][0]["running"]
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
async fn a_request_is_seen_that_waits_for_another_one_s_answer() {
    let server = unruly::start_with_one_slot(&[]).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        let ask = b"GET /never HTTP/1.1\r\nHost: forum.example\r\n\r\n";
        client.write_all(ask).await.unwrap();
        clients.push(client);
        // So that it is known which of them goes to the application.
        server.in_flight(clients.len()).await;
    }
    let socket = server.admin_socket();
    let args = ["status", "--show", "requests", "--admin-socket", &socket];
    let requests = wait::until("one to work on and two to wait", async || {
        let ended = run(&[&args[..], &["--json"]].concat()).await;
        let told: Value = serde_json::from_str(&ended.stdout).unwrap();
        let requests = told["applications"][0]["running"].as_array().unwrap();
        let works = |it: &Value| it["state"] == "process";
        (requests.len() == 3 && works(&requests[0])).then(|| requests.clone())
    })
    .await;
    for (at, request) in requests.iter().enumerate() {
        let checked = Schema::of_admin_api().check("RunningRequest", request);
        assert_eq!(checked, Ok(()), "{request:#}");
        let expected = if at == 0 { "process" } else { "cache" };
        assert_eq!(request["state"], expected, "{requests:?}");
        assert_eq!(request["host"], "forum.example");
        assert_eq!(request["path"], "/never");
    }
    drop(clients);
    server.in_flight(0).await;
    let ended = run(&args).await;
    assert!(ended.stdout.contains(": 0 ------"), "{ended:?}");
}

#[tokio::test]
async fn a_part_of_the_status_is_no_more_than_that_in_json_too() {
    let server = unruly::start(&[]).await;
    server.get("/answer").await;
    let schema = Schema::of_admin_api();
    let socket = server.admin_socket();
    let ended = run(&["status", "--json", "--admin-socket", &socket]).await;
    let whole: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(schema.check("Status", &whole), Ok(()));
    let parts = [
        ("pool", "pool"),
        ("requests", "running"),
        ("cache", "cache"),
        ("server", "buffers"),
    ];
    for (part, its_own) in parts {
        let args = [
            "status",
            "--show",
            part,
            "--json",
            "--admin-socket",
            &socket,
        ];
        let ended = run(&args).await;
        let told: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(schema.check("StatusPart", &told), Ok(()), "{part}");
        assert_eq!(told["version"], whole["version"], "{part}");
        assert_eq!(told["pid"], server.pid(), "{part}");
        for (_, other) in parts {
            let there = told["applications"][0].get(other).is_some();
            assert_eq!(there, other == its_own, "{part}: {told:#}");
        }
    }
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

#[tokio::test]
async fn a_page_is_purged_from_the_command_line() {
    let server = unruly::start(&[]).await;
    let socket = server.admin_socket();
    let page = "/answer/Cache-Control=public,max-age=60";
    let cases: [(&str, &[&str]); 3] = [
        ("a page", &[page]),
        ("what is below", &["--prefix", "/answer/"]),
        ("all", &["--everything"]),
    ];
    for (name, what) in cases {
        server.get(page).await;
        assert!(server.get(page).await.is_hit(), "{name}");
        let ended = run(&[&["purge", "--admin-socket", &socket], what].concat()).await;
        assert_eq!(
            ended.stdout, "Purged; that was 1 stored response.\n",
            "{name}: {ended:?}"
        );
        assert!(!server.get(page).await.is_hit(), "{name}");
    }
    // Softly: it is still given while it is asked for anew.
    let before = server.get(page).await.body;
    let ended = run(&["purge", "--admin-socket", &socket, page, "--soft"]).await;
    assert!(ended.status.success(), "{ended:?}");
    wait::until("a new page", async || {
        (server.get(page).await.body != before).then_some(())
    })
    .await;

    let refused: [&[&str]; 3] = [&[], &[page, "--everything"], &["topics"]];
    for what in refused {
        let ended = run(&[&["purge", "--admin-socket", &socket], what].concat()).await;
        assert!(!ended.status.success(), "{what:?}: {ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{what:?}: {ended:?}");
    }
}

#[tokio::test]
async fn what_is_an_order_to_other_servers_ends_nothing_here() {
    let server = unruly::start(&[]).await;
    let orders = [
        ("SIGUSR2", Signal::USR2),
        ("SIGTTIN", Signal::TTIN),
        ("SIGTTOU", Signal::TTOU),
    ];
    for (name, order) in orders {
        processes::signal(server.pid(), order);
        server.logs(&format!("signal=\"{name}\"")).await;
        assert_eq!(server.get("/answer").await.status, 200, "after {name}");
    }
    assert!(server.stop().await.status.success());
}

#[tokio::test]
async fn a_log_that_nobody_reads_keeps_nobody_waiting() {
    // More than a pipe holds, before it listens.
    let script = "yes 0123456789 | head -n 50000; exec \"$0\"";
    let folder = tempfile::tempdir().unwrap();
    let admin = folder.path().join("admin").into_os_string();
    let mut server = Command::new(binary::peregrine())
        .args(["start", unruly::FOLDER, "--port", "0", "--admin-socket"])
        .arg(&admin)
        .args(["--", "sh", "-c", script, unruly::PROGRAM])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = loop {
        let line = wait::bounded("a line", lines.next_line()).await.unwrap();
        let line = line.expect("it says where it listens");
        if let Some(address) = line.strip_prefix("listening on http://") {
            break address.parse().unwrap();
        }
    };
    let page = client::try_fetch(address, client::request(Method::GET, "/answer")).await;
    assert_eq!(page.unwrap().status, StatusCode::OK);

    let pid = server.id().unwrap().cast_signed();
    processes::signal(pid, Signal::TERM);
    let ended = wait::bounded("it to stop", server.wait()).await.unwrap();
    assert!(ended.success(), "{ended:?}");
}
