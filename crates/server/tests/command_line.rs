//! The binary, asked for things that it cannot do: exit status 2 and one line
//! on standard error that says what to do instead.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

/// `peregrine` with these arguments, in an empty folder, on a machine on which
/// no other server of this user is to be found.
fn peregrine(empty: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peregrine"))
        .args(arguments)
        .current_dir(empty)
        .env("XDG_RUNTIME_DIR", empty)
        .env("TMPDIR", empty)
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn the_only_line(output: &Output, name: &str) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{name}: {stderr}");
    assert!(!stderr.contains("panicked"), "{name}: {stderr}");
    stderr
}

#[test]
fn wrong_options_are_one_line_and_exit_status_2() {
    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("file"), "").unwrap();
    fs::write(empty.path().join("a.toml"), "").unwrap();
    let cases: &[(&str, &[&str], &str)] = &[
        ("nothing", &[], "--help"),
        ("an unknown command", &["serve"], "--help"),
        ("an unknown option", &["start", "--prot", "1"], "--port"),
        ("one of Passenger's", &["start", "--daemonize"], "systemd"),
        ("a command of nginx's", &["reload"], "restart-app"),
        ("a port beyond", &["start", "-p", "65536"], "--port"),
        ("a value missing", &["start", "-p"], "--port"),
        (
            "an unknown mode",
            &["start", "--cache", "all"],
            "conservative",
        ),
        ("an empty folder", &["start"], "-- COMMAND"),
        ("a missing folder", &["start", "nowhere"], "nowhere"),
        ("a file for a folder", &["start", "file"], "not a folder"),
        (
            "a file without its option",
            &["start", "a.toml"],
            "--config",
        ),
        (
            "a missing program",
            &["start", "--", "no-such-program"],
            "no-such-program",
        ),
        (
            "clients that are not to be trusted",
            &[
                "start",
                "--vary-turbocache-by-cookie",
                "user_id",
                "--",
                "sh",
            ],
            "--i-trust-clients",
        ),
        (
            "more processes at least than at most",
            &[
                "start",
                "--min-instances",
                "3",
                "--max-pool-size",
                "2",
                "--",
                "sh",
            ],
            "--max-pool-size",
        ),
        (
            "the same of the demo",
            &["demo", "--min-instances", "9"],
            "--max-pool-size",
        ),
        (
            "TLS to the upstream",
            &["start", "--upstream", "https://localhost"],
            "http://",
        ),
        (
            "no such socket",
            &["status", "--admin-socket", "none"],
            "none",
        ),
    ];
    for (name, arguments, part) in cases {
        let output = peregrine(empty.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let line = the_only_line(&output, name);
        assert!(line.starts_with("peregrine: "), "{name}: {line}");
        assert!(line.contains(part), "{name}: {line}");
        assert!(output.stdout.is_empty(), "{name}");
    }
}

#[test]
fn a_port_in_use_is_one_line_and_exit_status_2() {
    let empty = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = peregrine(empty.path(), &["demo", "-p", &port]);
    assert_eq!(output.status.code(), Some(2));
    let line = the_only_line(&output, "a port in use");
    assert!(line.contains(&port), "{line}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.contains("listening on"), "{stdout}");
}

#[test]
fn a_place_that_cannot_be_is_one_line_and_exit_status_2() {
    let empty = tempfile::tempdir().unwrap();
    for option in ["--pid-file", "--admin-socket"] {
        let output = peregrine(empty.path(), &["demo", "-p", "0", option, "nowhere/x"]);
        assert_eq!(output.status.code(), Some(2), "{option}");
        let line = the_only_line(&output, option);
        assert!(line.contains("nowhere/x: No such file"), "{line}");
        assert!(line.contains(option), "{line}");
    }
}

#[test]
fn a_secret_in_a_wrong_variable_is_not_repeated() {
    let empty = tempfile::tempdir().unwrap();
    let output = peregrine(empty.path(), &["start", "--envvar", "hunter2", "--", "sh"]);
    assert_eq!(output.status.code(), Some(2));
    let line = the_only_line(&output, "a wrong variable");
    assert!(!line.contains("hunter2"), "{line}");
}

#[test]
fn a_file_is_checked_without_starting_anything() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("peregrine.toml");
    fs::write(&file, "port = 1\ncommand = [\"sh\"]\n").unwrap();
    let output = peregrine(folder.path(), &["start", "--dry-run"]);
    assert_eq!(output.status.code(), Some(0));
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("peregrine.toml"), "{stdout}");
    assert!(stdout.contains("nothing was started"), "{stdout}");
    // Named as one names a file that is just here.
    let named = ["start", "--config", "peregrine.toml", "--dry-run"];
    let output = peregrine(folder.path(), &named);
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    fs::write(&file, "max-pool-size = 1\nmin-instances = 2\n").unwrap();
    let output = peregrine(folder.path(), &["start", "--dry-run", "--", "sh"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(the_only_line(&output, "a sum").contains("--max-pool-size"));

    fs::write(&file, "\nprot = 1\n").unwrap();
    let output = peregrine(folder.path(), &["start"]);
    assert_eq!(output.status.code(), Some(2));
    let line = the_only_line(&output, "an unknown key");
    assert!(
        line.contains("peregrine.toml:2: unknown field `prot`"),
        "{line}"
    );
    assert!(line.contains("`port`"), "{line}");
}

#[test]
fn status_of_nothing_is_exit_status_1() {
    let empty = tempfile::tempdir().unwrap();
    let output = peregrine(empty.path(), &["status"]);
    assert_eq!(output.status.code(), Some(1));
    the_only_line(&output, "no server");
}

#[test]
fn a_restart_of_nothing_fails_unless_that_is_said_to_be_fine() {
    let empty = tempfile::tempdir().unwrap();
    let output = peregrine(empty.path(), &["restart-app"]);
    assert_eq!(output.status.code(), Some(1));
    the_only_line(&output, "no server");

    let output = peregrine(empty.path(), &["restart-app", "--ignore-app-not-running"]);
    assert_eq!(output.status.code(), Some(0));
    the_only_line(&output, "no server, and that is fine");
}

#[test]
fn no_server_at_a_socket_that_is_named_is_fine_as_well() {
    let empty = tempfile::tempdir().unwrap();
    let left = empty.path().join("left");
    drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
    for socket in [empty.path().join("none"), left] {
        let named = ["restart-app", "--admin-socket", socket.to_str().unwrap()];
        let output = peregrine(empty.path(), &named);
        assert_eq!(output.status.code(), Some(2), "{socket:?}");

        let fine = [&named[..], &["--ignore-app-not-running"]].concat();
        let output = peregrine(empty.path(), &fine);
        assert_eq!(output.status.code(), Some(0), "{socket:?}");
        the_only_line(&output, "no server, and that is fine");
    }
}

#[test]
fn help_and_version_are_answers_on_standard_output() {
    let empty = tempfile::tempdir().unwrap();
    let cases: &[&[&str]] = &[
        &["--help"],
        &["-V"],
        &["start", "--help"],
        &["status", "-h"],
    ];
    for arguments in cases {
        let output = peregrine(empty.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}
