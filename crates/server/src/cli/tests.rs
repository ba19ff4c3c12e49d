use std::num::NonZeroU32;

use clap::{CommandFactory, error::ErrorKind};

use super::*;
use crate::settings::ConcurrencyChoice;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from([&["peregrine"], arguments].concat())
}

fn start(arguments: &[&str]) -> StartOptions {
    match parse(&[&["start"], arguments].concat()).unwrap().command {
        Command::Start(options) => *options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_options_fit_together() {
    Cli::command().debug_assert();
}

#[test]
fn the_defaults_are_passenger_s() {
    let options = start(&[]);
    assert_eq!(options.app.dir, PathBuf::from("."));
    assert_eq!(options.app.environment, "development");
    assert_eq!(options.listen.address.to_string(), "127.0.0.1");
    assert_eq!(options.listen.port, 3000);
    assert_eq!(options.app.pool.min_instances, 1);
    assert_eq!(options.app.pool.max_pool_size, 6);
    assert_eq!(options.app.pool.pool_idle_time.as_secs(), 300);
    assert_eq!(options.app.pool.start_timeout.as_secs(), 90);
    assert_eq!(options.app.out_of_band.max_out_of_band_work_instances, 1);
    assert_eq!(options.app.stack.max_request_queue_size, 100);
    assert_eq!(
        options.app.stack.concurrency(),
        ConcurrencyChoice::new(None)
    );
    assert_eq!(options.app.stack.cache, Cache::Conservative);
}

#[test]
fn a_command_is_what_follows_two_dashes() {
    let cases: &[(&str, &[&str], &str, &[&str])] = &[
        ("neither", &[], ".", &[]),
        ("a folder", &["app"], "app", &[]),
        (
            "a command",
            &["--", "puma", "-p", "1"],
            ".",
            &["puma", "-p", "1"],
        ),
        ("both", &["app", "--", "puma"], "app", &["puma"]),
        (
            "options around",
            &[
                "-p", "0", "app", "-e", "test", "--", "sh", "-c", "x", "--", "y",
            ],
            "app",
            &["sh", "-c", "x", "--", "y"],
        ),
    ];
    for (name, arguments, dir, command) in cases {
        let options = start(arguments);
        assert_eq!(options.app.dir, PathBuf::from(dir), "{name}");
        assert_eq!(&options.app.command, command, "{name}");
    }
}

#[test]
fn zero_concurrent_requests_is_no_limit() {
    const ONE: Option<NonZeroU32> = Some(NonZeroU32::MIN);
    let chosen = |n| {
        start(&["--force-max-concurrent-requests-per-process", n])
            .app
            .stack
            .concurrency()
    };
    assert_eq!(chosen("0").or(ONE), None);
    assert_eq!(chosen("5").or(ONE), NonZeroU32::new(5));
    assert_eq!(start(&[]).app.stack.concurrency().or(ONE), ONE);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let cases: &[(&str, &[&str])] = &[
        ("two sources", &["start", "--upstream", "http://h:1", "app"]),
        (
            "a command for an upstream",
            &["start", "--upstream", "http://h:1", "--", "puma"],
        ),
        (
            "processes of an upstream",
            &["start", "--upstream", "http://h:1", "--min-instances", "2"],
        ),
        (
            "two cache modes",
            &["start", "--cache", "off", "--disable-turbocaching"],
        ),
        (
            "a queue before an upstream",
            &[
                "start",
                "--upstream",
                "http://h:1",
                "--max-request-queue-size",
                "9",
            ],
        ),
        ("a port beyond", &["start", "-p", "65536"]),
        (
            "a warm-up request of another server",
            &["start", "--warm-up", "http://h/login"],
        ),
        ("no processes", &["start", "--max-pool-size", "0"]),
        (
            "an unbounded queue",
            &["start", "--max-request-queue-size", "0"],
        ),
        ("an unknown option", &["start", "--prot", "1"]),
        ("an unknown command", &["serve"]),
        ("a folder for the demo", &["demo", "app"]),
    ];
    for (name, arguments) in cases {
        let error = parse(arguments).expect_err(name);
        let refused = refusal(&error).expect_err(name).to_string();
        assert!(
            !refused.contains('\n') && !refused.contains("Usage"),
            "{name}: {refused}"
        );
        assert!(refused.contains("--help"), "{name}: {refused}");
    }
}

#[test]
fn a_refusal_keeps_the_tip_and_leaves_out_the_usage() {
    let error = parse(&["start", "--prot", "1"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownArgument);
    let refused = refusal(&error).unwrap_err().to_string();
    assert!(
        refused.starts_with("unexpected argument '--prot' found; "),
        "{refused}"
    );
    assert!(refused.contains("'--port'"), "{refused}");
}

#[test]
fn help_and_version_are_answers() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["start", "--help"],
        &["demo", "-h"],
    ] {
        let error = parse(arguments).unwrap_err();
        assert!(!refusal(&error).unwrap().is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_wrong_variable_is_not_repeated_by_the_parser() {
    let options = start(&["--envvar", "A=1", "--envvar", "hunter2"]);
    assert!(!format!("{options:?}").contains("hunter2"));
    assert!(options.app.envvar[1].name.is_empty());
}

#[test]
fn no_command_is_a_refusal_that_names_the_commands() {
    let refused = refusal(&parse(&[]).unwrap_err()).unwrap_err().to_string();
    assert!(refused.contains("demo, start or status"), "{refused}");
}
