//! `peregrine demo`: a small forum, served as any application would be.
//!
//! Its processes are this same program, started with a hidden command, each on
//! its own Unix socket. They share a key for the session cookies, made anew for
//! each run, and nothing else.

mod escape;
mod forum;
mod guide;
mod pages;
mod session;
#[cfg(test)]
mod tests;
mod worker;

use std::{env, num::NonZeroU32, path::PathBuf, time::Duration};

pub(crate) use self::worker::work;
use crate::{
    cli::DemoOptions,
    settings::{AppSettings, Application, EnvVars, Environment, OutOfBandSettings},
    start::{self, Start},
    start_error::StartError,
};

/// The variable that hands the cookies' key to the processes.
const KEY_VARIABLE: &str = "PEREGRINE_DEMO_KEY";

/// The settings of a run of the demo.
pub(crate) fn demo(options: DemoOptions) -> Result<Start, StartError> {
    let DemoOptions {
        listen,
        min_instances,
        max_pool_size,
        stack,
        operator,
    } = options;
    let (min_instances, max_pool_size) = start::pool_bounds(min_instances, max_pool_size)?;
    let program = env::current_exe().map_err(|error| {
        StartError::new(format!(
            "cannot tell where this program is: {error}; start it by its path"
        ))
    })?;
    let mut env = EnvVars::new();
    env.push(KEY_VARIABLE, session::SessionKey::random().to_text());
    let app = AppSettings {
        program,
        args: vec!["demo-worker".into(), "{socket}".into()],
        // They read and write no files.
        dir: PathBuf::from("/"),
        env,
        // They could do more at a time, but an application that does one, as
        // most in Ruby and Python, shows more of what the server does.
        concurrency: stack.concurrency().or(Some(NonZeroU32::MIN)),
        min_instances,
        max_pool_size,
        max_request_queue_size: start::size(stack.max_request_queue_size),
        start_timeout: Duration::from_secs(10),
        pool_idle_time: Some(Duration::from_secs(60)),
        user: None,
        warm_up: None,
        max_requests: 0,
        memory_limit: 0,
        out_of_band: OutOfBandSettings::default(),
    };
    let guide = guide::guide(operator.admin_socket.as_deref());
    let environment = Environment::new("development");
    let application = Application::Processes(Box::new(app));
    let mut settings = start::assemble(application, environment, listen, stack, operator)?;
    settings.guide = Some(guide);
    Ok(Start {
        settings,
        announcement: format!(
            "the built-in forum, run by {min_instances} to {max_pool_size} processes of this \
             program"
        ),
    })
}
