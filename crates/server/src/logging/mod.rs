//! The log: lines on standard error, since standard output is for what the
//! command itself says.
//!
//! Nobody waits until they are written. A pipe may be full, since whoever reads it is
//! too slow, or has stopped, as a terminal does at Ctrl-S; a disk may be slow. What
//! finds no room meanwhile is left out, and how much that was is logged.

mod writer;

use std::{
    env,
    io::{self, IsTerminal},
};

use tracing_subscriber::EnvFilter;

pub(crate) use self::writer::Log;
use crate::{cli::LogLevel, start_error::StartError};

/// Starts logging at `level`, or as `RUST_LOG` says, until what this gives is dropped.
pub(crate) fn start(level: LogLevel) -> Result<Log, StartError> {
    let filter = filter(level, env::var("RUST_LOG").ok().as_deref())?;
    let stderr = io::stderr();
    let log = Log::open(&stderr)
        .map_err(|error| StartError::new(format!("cannot log to standard error: {error}")))?;
    let colours = stderr.is_terminal() && env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log.entries())
        .with_ansi(colours)
        // It would be said on standard error, too, and to fail there is a
        // panic: whoever logs when a terminal is gone would end at that line.
        .log_internal_errors(false)
        .init();
    Ok(log)
}

fn filter(level: LogLevel, rust_log: Option<&str>) -> Result<EnvFilter, StartError> {
    match rust_log.filter(|directives| !directives.trim().is_empty()) {
        Some(directives) => EnvFilter::try_new(directives).map_err(|error| {
            StartError::new(format!(
                "RUST_LOG does not say what to log: {error}; write for example RUST_LOG=debug"
            ))
        }),
        None => Ok(EnvFilter::new(level.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_log_wins_if_it_says_something() {
        let cases = [
            ("not set", None, "info"),
            ("empty", Some(""), "info"),
            ("blank", Some(" "), "info"),
            ("set", Some("hyper=trace"), "hyper=trace"),
        ];
        for (name, rust_log, expected) in cases {
            let filter = filter(LogLevel::Info, rust_log).unwrap();
            assert_eq!(filter.to_string(), expected, "{name}");
        }
        assert!(filter(LogLevel::Info, Some("=loud=")).is_err());
    }
}
