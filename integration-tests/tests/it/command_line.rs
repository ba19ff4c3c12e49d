//! What the command line cannot do it refuses in one line that says what is
//! wrong and what to do, with exit status 2.

use std::{fs, net::TcpListener};

use integration_tests::{Server, binary, run, run_with_env, tools};

use crate::unruly;

#[tokio::test]
async fn a_refusal_is_one_line_that_says_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    let file = format!("{empty}/file");
    fs::write(&file, "").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let app = [unruly::FOLDER, "--", unruly::PROGRAM];

    let cases: [(&str, Vec<&str>, &[&str]); 16] = [
        ("no subcommand", vec![], &["start", "demo"]),
        (
            "an unknown option",
            vec!["start", "--colour"],
            &["--colour", "--help"],
        ),
        ("an unknown subcommand", vec!["begin"], &["begin", "--help"]),
        (
            "a port that is none",
            vec!["start", "--port", "70000"],
            &["70000", "--port"],
        ),
        (
            "no address of this machine",
            [&["start", "--port", "0", "-a", "192.0.2.1"], &app[..]].concat(),
            &["192.0.2.1", "--address"],
        ),
        (
            "a port in use",
            [&["start", "--port", &port], &app[..]].concat(),
            &[&port, "in use", "--port"],
        ),
        (
            "a demo's port in use",
            vec!["demo", "--port", &port],
            &[&port, "in use", "--port"],
        ),
        (
            "a missing directory",
            vec!["start", "/nowhere/forum"],
            &["/nowhere/forum"],
        ),
        (
            "a file for a directory",
            vec!["start", &file],
            &[&file, "folder"],
        ),
        (
            "a directory without an application",
            vec!["start", empty],
            &[empty, "config.ru", "--"],
        ),
        (
            "a command that is not there",
            vec!["start", empty, "--", "no-such-server"],
            &["no-such-server"],
        ),
        (
            "more instances than the pool holds",
            [&["start", "--min-instances", "7"], &app[..]].concat(),
            &["--min-instances", "--max-pool-size"],
        ),
        (
            "an upstream that is none",
            vec!["start", "--upstream", "ftp://a"],
            &["ftp://a", "http://HOST:PORT"],
        ),
        (
            "a proxy that is no network",
            vec!["start", "--trusted-proxy", "everyone"],
            &["everyone", "--trusted-proxy"],
        ),
        (
            "a variable without a value",
            [&["start", "--envvar", "SECRET"], &app[..]].concat(),
            &["--envvar", "NAME=VALUE"],
        ),
        (
            "a pid file that cannot be written",
            [
                &["start", "--port", "0", "--pid-file", "/nowhere/pid"],
                &app[..],
            ]
            .concat(),
            &["/nowhere/pid", "--pid-file"],
        ),
    ];
    for (name, args, words) in cases {
        let ended = run(&args).await;
        assert_eq!(ended.status.code(), Some(2), "{name}: {ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{name}: {ended:?}");
        for word in words {
            assert!(ended.stderr.contains(word), "{name}, `{word}`: {ended:?}");
        }
        assert!(!ended.stdout.contains("listening on"), "{name}: {ended:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_installed_is_named_with_the_way_to_get_it() {
    let without_wsgi = tempfile::tempdir().unwrap();
    fs::write(without_wsgi.path().join("asgi.py"), "").unwrap();
    let cases = [
        (binary::example_app("ruby"), "puma"),
        (binary::example_app("python"), "gunicorn"),
        (without_wsgi.path().to_str().unwrap().to_owned(), "uvicorn"),
        (binary::example_app("node"), "nodejs"),
    ];
    for (folder, package) in cases {
        let ended = run_with_env(&["start", &folder], &[("PATH", "/nowhere")]).await;
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        let way = format!("apt install {package}");
        assert!(ended.stderr.contains(&way), "{way}: {ended:?}");
    }
}

#[tokio::test]
async fn status_without_a_server_says_so() {
    let ended = run(&["status", "--admin-socket", "/nowhere/admin"]).await;
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.contains("/nowhere/admin"), "{ended:?}");
}

#[tokio::test]
async fn help_and_version_are_no_refusals() {
    for (args, word) in [
        (&["--help"][..], "start"),
        (&["start", "--help"], "--max-pool-size"),
        (&["--version"], "peregrine "),
    ] {
        let ended = run(args).await;
        assert!(ended.status.success(), "{args:?}: {ended:?}");
        assert!(ended.stdout.contains(word), "{args:?}: {ended:?}");
    }
}

#[tokio::test]
async fn a_pid_file_is_there_while_the_server_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let server = unruly::start(&["--pid-file", file.to_str().unwrap()]).await;
    let written = fs::read_to_string(&file).unwrap();
    assert_eq!(written.trim(), server.pid().to_string());

    server.stop().await;
    assert!(!file.exists());
}

#[tokio::test]
async fn a_procfile_says_what_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let procfile = format!("worker: exit 1\nweb: {}\n", unruly::PROGRAM);
    fs::write(folder.path().join("Procfile"), procfile).unwrap();

    let server = Server::start(&["start", folder.path().to_str().unwrap()]).await;
    assert!(server.get("/answer").await.body.starts_with("request "));
    let told = server.stdout().to_string();
    assert!(told.contains("Procfile"), "{told}");
}

#[tokio::test]
async fn a_package_with_a_start_script_is_started_by_it() {
    tools::require("node");
    let folder = tempfile::tempdir().unwrap();
    let app = format!("{}/app.js", binary::example_app("node"));
    let package = format!(r#"{{"scripts": {{"start": "node '{app}'"}}}}"#);
    fs::write(folder.path().join("package.json"), package).unwrap();

    let server = Server::start(&["start", folder.path().to_str().unwrap()]).await;
    assert!(server.get("/").await.body.starts_with("A small app"));
    let stopped = server.stop().await;
    assert_eq!(stopped.left, []);
}

#[tokio::test]
async fn variables_reach_the_application() {
    let script = format!(
        "test \"$COLOUR\" = 'light blue' && test \"$RACK_ENV\" = test && exec '{}'; exit 3",
        unruly::PROGRAM
    );
    let server = Server::start(&[
        "start",
        unruly::FOLDER,
        "-e",
        "test",
        "--envvar",
        "COLOUR=light blue",
        "--",
        "/bin/sh",
        "-c",
        &script,
    ])
    .await;
    let page = server.get("/answer").await;
    assert!(page.body.starts_with("request "), "{page:?}");
}

#[tokio::test]
async fn with_the_cache_off_every_request_reaches_the_application() {
    for off in [&["--cache", "off"][..], &["--disable-turbocaching"]] {
        let server = unruly::start(off).await;
        let path = "/answer/Cache-Control=public,max-age=60";
        let first = server.get(path).await;
        let second = server.get(path).await;
        assert_ne!(first.body, second.body, "{off:?}");
    }
}

#[tokio::test]
async fn at_the_line_that_says_listening_it_takes_connections() {
    for _ in 0..10 {
        let server = unruly::start(&[]).await;
        // `start` returned at that line; nothing waits or tries again here.
        let page = server.get("/answer").await;
        assert!(page.body.starts_with("request "), "{page:?}");
    }
}
