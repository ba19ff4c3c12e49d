use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// A line for each request.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access log")]
#[expect(
    clippy::struct_field_names,
    reason = "clap names the options after them"
)]
pub(crate) struct AccessLogOptions {
    /// Write a line for each request to the end of this file; - for standard output
    ///
    /// No request waits for a disk: lines that find no room are left out, and how
    /// many is logged. SIGUSR1 has the file opened anew, after it was moved away.
    #[arg(long, value_name = "PATH")]
    pub(crate) access_log: Option<PathBuf>,

    /// What a line looks like
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value_t = AccessLogFormat::Combined,
    )]
    pub(crate) access_log_format: AccessLogFormat,

    /// Leave out what follows a ? in targets and referrers, which may be secret
    #[arg(long)]
    pub(crate) access_log_without_queries: bool,
}

/// `--access-log-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessLogFormat {
    /// As nginx and Apache write it, in UTC
    Combined,
    /// A JSON object on each line, with times, cache and process
    Json,
}
