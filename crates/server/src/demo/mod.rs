//! `peregrine demo`: the forum of `examples/forum`, served as any application
//! would be.
//!
//! Its processes are this same program, started with a hidden command, each on
//! its own Unix socket. They share a database in a temporary folder, made anew for
//! each run, and nothing else.

mod guide;
mod worker;

use std::{env, fmt::Display, num::NonZeroU32, path::PathBuf, time::Duration};

use forum::Forum;
use peregrine::cookie_variation::CookieVariation;
use tempfile::TempDir;

pub(crate) use self::worker::work;
use crate::{
    cli::DemoOptions,
    settings::{
        AppSettings, Application, Applications, CacheMode, EnvVars, Environment, OutOfBandSettings,
    },
    start::{self, Start},
    start_error::StartError,
};

/// The variable that tells the processes where the database is.
const DATABASE_VARIABLE: &str = "FORUM_DATABASE";

/// The cookie by which the forum knows its members.
const SESSION_COOKIE: &str = "session";

/// A run of the demo.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) start: Start,
    /// Holds the database, and is gone when this is dropped.
    pub(crate) folder: TempDir,
}

/// Prepares a run of the demo.
pub(crate) fn demo(options: DemoOptions) -> Result<Demo, StartError> {
    let DemoOptions {
        listen,
        min_instances,
        max_pool_size,
        stack,
        clients,
        operator,
    } = options;
    let (min_instances, max_pool_size) = start::pool_bounds(min_instances, max_pool_size)?;
    let program = env::current_exe().map_err(|error| {
        StartError::new(format!(
            "cannot tell where this program is: {error}; start it by its path"
        ))
    })?;
    let folder = tempfile::Builder::new()
        .prefix("peregrine-demo-")
        .tempdir()
        .map_err(|error| no_database(&error))?;
    let database = folder.path().join("forum.sqlite");
    // Before its processes are there, so that they find it ready.
    Forum::open(&database)
        .and_then(|forum| forum.plant())
        .map_err(|error| no_database(&error))?;
    let mut env = EnvVars::new();
    env.push(DATABASE_VARIABLE, database);
    let app = AppSettings {
        program,
        args: vec!["demo-worker".into(), "{socket}".into()],
        // They need no folder but that of the database.
        dir: PathBuf::from("/"),
        env,
        // They could do more at a time, but an application that does one, as
        // most in Ruby and Python, shows more of what the server does.
        concurrency: stack.concurrency().or(Some(NonZeroU32::MIN)),
        unlimited_concurrency_paths: stack.unlimited_concurrency_path.clone(),
        min_instances,
        max_pool_size,
        max_request_queue_size: start::size(stack.max_request_queue_size),
        start_timeout: Duration::from_secs(10),
        drain_timeout: Duration::from_secs(60),
        pool_idle_time: Some(Duration::from_secs(60)),
        user: None,
        warm_up: None,
        max_requests: 0,
        memory_limit: 0,
        out_of_band: OutOfBandSettings::default(),
    };
    let guide = guide::guide(operator.admin_socket.as_deref());
    let mut application = start::in_front(
        start::APPLICATION.to_owned(),
        Application::Processes(Box::new(app)),
        Environment::new("development"),
        stack,
    )?;
    application.cookies =
        (application.cache != CacheMode::Off).then(|| CookieVariation::asserted([SESSION_COOKIE]));
    let applications = Applications::One(Box::new(application));
    let mut settings = start::assemble(applications, listen, clients, operator)?;
    settings.guide = Some(guide);
    let start = Start {
        settings,
        announcement: format!(
            "the built-in forum, run by {min_instances} to {max_pool_size} processes of this \
             program"
        ),
    };
    Ok(Demo { start, folder })
}

fn no_database(error: &dyn Display) -> StartError {
    StartError::new(format!(
        "cannot make the forum's database in a temporary folder: {error}; name a folder that \
         can be written to in TMPDIR"
    ))
}
