//! The options of the commands that look, and change nothing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `peregrine status`.
#[derive(Debug, Args)]
pub(crate) struct StatusOptions {
    /// What to show [default: pool, cache, and the numbers of requests]
    #[arg(long, value_name = "PART", value_enum)]
    pub(crate) show: Option<Show>,

    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,

    /// Show it anew each second, until Ctrl-C; with --json, a line each
    #[arg(long)]
    pub(crate) watch: bool,

    /// The socket of the server to ask [default: the only one that runs]
    #[arg(long, value_name = "PATH")]
    pub(crate) admin_socket: Option<PathBuf>,
}

/// `--show`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Show {
    /// The application's processes and their queue
    Pool,
    /// The requests that are being served, one by one, and how long they take
    Requests,
    /// What the cache has done, and what it holds
    Cache,
    /// The server itself
    Server,
}

/// `peregrine memory-stats`.
#[derive(Debug, Args)]
pub(crate) struct MemoryOptions {
    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}
