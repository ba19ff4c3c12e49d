use std::{env, fs, num::NonZeroU32, os::unix::fs::OpenOptionsExt, path::PathBuf, time::Duration};

use clap::Parser;

use super::*;
use crate::{
    cli::{Cli, Command},
    settings::AppSettings,
};

/// A folder with an application, and a folder with programs.
struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn with(programs: &[&str], files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let machine = Self { root };
        for folder in ["app", "bin"] {
            fs::create_dir(machine.path(folder)).unwrap();
        }
        for program in programs {
            let mut options = fs::OpenOptions::new();
            options.write(true).create_new(true).mode(0o755);
            options.open(machine.path("bin").join(program)).unwrap();
        }
        for (name, text) in files {
            fs::write(machine.path("app").join(name), text).unwrap();
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// `peregrine start FIRST… APP REST…`.
    fn start(&self, first: &[&str], rest: &[&str]) -> Result<Start, StartError> {
        let app = self.path("app");
        let mut arguments = vec!["peregrine", "start"];
        arguments.extend(first);
        arguments.push(app.to_str().unwrap());
        arguments.extend(rest);
        run(&arguments, self.path("bin").into())
    }
}

fn run(arguments: &[&str], path: OsString) -> Result<Start, StartError> {
    match Cli::try_parse_from(arguments).unwrap().command {
        Command::Start(options) => start(*options, path),
        other => panic!("{other:?}"),
    }
}

/// The only application.
fn one(start: Start) -> ApplicationSettings {
    match start.settings.applications {
        Applications::One(one) => *one,
        several @ Applications::Sites { .. } => panic!("{several:?}"),
    }
}

fn app(start: Start) -> AppSettings {
    match one(start).source {
        Application::Processes(app) => *app,
        Application::Upstream(upstream) => panic!("{upstream:?}"),
    }
}

#[test]
fn an_application_is_found_in_its_folder() {
    let machine = Machine::with(&["node"], &[("app.js", "")]);
    let started = machine.start(&[], &[]).unwrap();
    assert!(started.announcement.starts_with("found app.js"));

    let app = app(started);
    assert_eq!(app.program, machine.path("bin/node"));
    assert_eq!(app.args, ["app.js"]);
    assert_eq!(app.dir, machine.path("app"));
    assert_eq!(app.concurrency, None);
    assert_eq!(app.pool_idle_time, Some(Duration::from_secs(300)));
    assert_eq!((app.max_requests, app.memory_limit), (0, 0));
}

#[test]
fn a_link_to_the_folder_is_kept_for_what_it_leads_to_later() {
    let machine = Machine::with(&["node"], &[("app.js", "")]);
    let current = machine.path("current");
    std::os::unix::fs::symlink(machine.path("app"), &current).unwrap();
    let arguments = ["peregrine", "start", current.to_str().unwrap()];
    let app = app(run(&arguments, machine.path("bin").into()).unwrap());
    assert_eq!(app.dir, current);
}

#[test]
fn a_command_runs_as_it_is_given_one_request_at_a_time() {
    let machine = Machine::with(&["serve", "node"], &[("app.js", "")]);
    let app = app(machine
        .start(&[], &["--", "serve", "--socket", "{socket}"])
        .unwrap());
    assert_eq!(app.program, machine.path("bin/serve"));
    assert_eq!(app.args, ["--socket", "{socket}"]);
    assert_eq!(app.concurrency, NonZeroU32::new(1));
}

#[test]
fn every_framework_is_told_the_environment_and_the_operator_has_the_last_word() {
    let machine = Machine::with(&["node"], &[("app.js", "")]);
    let first = ["-e", "staging", "--envvar", "NODE_ENV=production"];
    let env = app(machine.start(&first, &[]).unwrap()).env;
    let value = |name| env.get(name).and_then(|value| value.to_str());
    for name in ["RAILS_ENV", "RACK_ENV", "WSGI_ENV", "APP_ENV"] {
        assert_eq!(value(name), Some("staging"), "{name}");
    }
    assert_eq!(value("NODE_ENV"), Some("production"));
    assert_eq!(value("PATH"), None);
}

#[test]
fn a_start_script_finds_the_packages_programs_before_others() {
    let package = r#"{"scripts": {"start": "next start"}}"#;
    let machine = Machine::with(&["node", "sh"], &[("package.json", package)]);
    let env = app(machine.start(&[], &[]).unwrap()).env;
    let path: Vec<_> = env::split_paths(env.get("PATH").unwrap()).collect();
    assert_eq!(
        path,
        [machine.path("app/node_modules/.bin"), machine.path("bin")]
    );
}

#[test]
fn zero_means_never_for_times_that_allow_it() {
    let machine = Machine::with(&["node"], &[("app.js", "")]);
    let first = ["--max-request-time", "0", "--pool-idle-time", "0"];
    let started = machine.start(&first, &[]).unwrap();
    let one = one(started);
    assert_eq!(one.max_request_time, None);
    let Application::Processes(app) = one.source else {
        panic!("this is an upstream");
    };
    assert_eq!(app.pool_idle_time, None);
}

#[test]
fn a_request_may_take_as_long_in_a_process_that_leaves_as_in_any() {
    let machine = Machine::with(&["node"], &[("app.js", "")]);
    let cases: [(&str, &[&str], u64); 5] = [
        ("by default", &[], 60),
        ("a longer request", &["--max-request-time", "300"], 300),
        ("a shorter one", &["--max-request-time", "5"], 60),
        ("any time", &["--max-request-time", "0"], 60),
        (
            "as it is said",
            &["--max-request-time", "300", "--drain-timeout", "0"],
            0,
        ),
    ];
    for (name, first, expected) in cases {
        let app = app(machine.start(first, &[]).unwrap());
        assert_eq!(app.drain_timeout.as_secs(), expected, "{name}");
    }
}

#[test]
fn a_memory_limit_is_in_megabytes_as_passenger_s() {
    let machine = Machine::with(&["node"], &[("app.js", "")]);
    let started = machine.start(&["--memory-limit", "100"], &[]).unwrap();
    assert_eq!(app(started).memory_limit, 100 * 1024 * 1024);
}

#[test]
fn the_cache_has_two_modes_and_can_be_off_in_two_ways() {
    let machine = Machine::with(&["node"], &[("app.js", "")]);
    let cases: &[(&[&str], CacheMode)] = &[
        (&[], CacheMode::Conservative),
        (&["--cache", "conservative"], CacheMode::Conservative),
        (&["--cache", "standard"], CacheMode::Standard),
        (&["--cache", "off"], CacheMode::Off),
        (&["--disable-turbocaching"], CacheMode::Off),
    ];
    for (first, expected) in cases {
        let started = machine.start(first, &[]).unwrap();
        assert_eq!(one(started).cache, *expected, "{first:?}");
    }
}

#[test]
fn an_upstream_needs_no_folder() {
    let arguments = ["peregrine", "start", "--upstream", "http://127.0.0.1:8080"];
    let started = run(&arguments, OsString::new()).unwrap();
    let Application::Upstream(upstream) = one(started).source else {
        panic!("these are processes");
    };
    assert_eq!(upstream.authority, "127.0.0.1:8080");
}

#[test]
fn what_cannot_start_is_refused_with_what_to_do() {
    let machine = Machine::with(&["node"], &[("app.js", "")]);
    let cases: &[(&str, &[&str], &[&str], &str)] = &[
        (
            "more at least than at most",
            &["--min-instances", "7"],
            &[],
            "--max-pool-size 6",
        ),
        (
            "no such program",
            &[],
            &["--", "nothing-of-that-name"],
            "nothing-of-that-name",
        ),
        ("no such path", &[], &["--", "./serve"], "./serve"),
        ("an empty program", &[], &["--", ""], "install it"),
        (
            "not a variable",
            &["--envvar", "hunter2"],
            &[],
            "--envvar NAME=VALUE",
        ),
    ];
    for (name, first, rest, part) in cases {
        let error = machine.start(first, rest).expect_err(name).to_string();
        assert!(error.contains(part), "{name}: {error}");
        assert!(!error.contains("hunter2"), "{name}: {error}");
    }
}

#[test]
fn a_folder_has_to_be_one() {
    let machine = Machine::with(&[], &[("file", "")]);
    for path in ["app/file", "nowhere"] {
        let path = machine.path(path);
        let arguments = ["peregrine", "start", path.to_str().unwrap()];
        let error = run(&arguments, OsString::new()).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert!(error.ends_with("name the application's folder"), "{error}");
    }
}

#[test]
fn out_of_band_work_is_asked_for_as_the_operator_says() {
    let machine = Machine::with(&["node"], &[("app.js", "")]);
    let reserves = |options: &[&str], method: &str, path: &str| {
        let request = app(machine.start(options, &[]).unwrap())
            .out_of_band
            .request;
        request.reserves(&method.parse().unwrap(), &path.parse().unwrap())
    };
    let ours = "/.peregrine/oob-work";
    let passengers = ["--oob-work-method", "OOBW", "--oob-work-path", "/"];
    assert!(reserves(&[], "GET", ours));
    assert!(!reserves(&[], "OOBW", "/"));
    assert!(reserves(&passengers, "OOBW", "/"));
    assert!(!reserves(&passengers, "GET", ours));

    let error = machine.start(&["--oob-work-path", "/"], &[]).unwrap_err();
    assert!(error.to_string().contains("--oob-work-path"), "{error}");
}
