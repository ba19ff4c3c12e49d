//! The command line: what can be said, and how it is explained.
//!
//! Options that Passenger Standalone has are called as there, and have its
//! defaults, so that its users feel at home.

#![allow(
    clippy::doc_markdown,
    reason = "doc comments become help texts, in which backticks are noise"
)]

mod access_log;
mod admin;
mod app;
mod buffering;
mod cookies;
mod file;
mod files;
mod hints;
mod look;
mod options;
mod purge;
mod site;
mod sticky;
mod total;
mod tracing;
mod usage;
mod values;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use self::values::application_name;
pub(crate) use self::{
    access_log::{AccessLogFormat, AccessLogOptions},
    admin::AdminOptions,
    app::AppOptions,
    buffering::BufferingOptions,
    cookies::{CookieKeyKind, CookieOptions},
    file::FileOptions,
    files::FilesOptions,
    look::{MemoryOptions, Show, StatusOptions},
    options::{
        Cache, ClientOptions, ListenOptions, LogLevel, OperatorOptions, OutOfBandOptions,
        PoolOptions, StackOptions,
    },
    purge::PurgeOptions,
    site::{RouteOptions, SiteOptions},
    sticky::StickyOptions,
    total::TotalOptions,
    usage::refusal,
    values::{EnvVar, Mapping},
};

/// Serves Ruby, Python and Node applications: starts their processes, balances
/// requests over them, and answers repeat visitors from memory.
#[derive(Debug, Parser)]
#[command(name = "peregrine", version)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a built-in forum, to see how it all works
    ///
    /// It runs as separate processes of this program, as any application
    /// would, and needs nothing else installed.
    #[cfg(feature = "demo")]
    Demo(Box<DemoOptions>),
    /// Serve an application
    ///
    /// Without COMMAND, Peregrine finds out what DIR is: it looks for Procfile
    /// (web:), config.ru (Puma), passenger_wsgi.py or wsgi.py (gunicorn), asgi.py
    /// (uvicorn), package.json with a start script, and app.js (Node), in this
    /// order.
    ///
    /// A COMMAND is to serve HTTP: on the Unix socket whose path replaces {socket}
    /// in its arguments, or else on 127.0.0.1 and the port that it finds in PORT.
    /// SIGTERM asks it to finish and leave.
    Start(Box<StartOptions>),
    /// Show what a running server is doing: its processes, queue, cache and
    /// requests
    Status(StatusOptions),
    /// Show what the processes of this machine's servers and their applications use
    /// of its memory
    ///
    /// Reads the operating system alone: works if a server does not answer.
    MemoryStats(MemoryOptions),
    /// Replace an application's processes, one by one, without a failed request
    ///
    /// For after a deployment. A new process is ready before an old one leaves.
    /// If the new code does not start, the old processes stay; this prints why,
    /// and fails. To touch tmp/restart.txt in the application's folder, or to
    /// send SIGHUP to the server, does the same without waiting.
    RestartApp(RestartOptions),
    /// Send a process no more requests, and end it when it has finished those
    /// that it has
    ///
    /// The last process that is ready is replaced before.
    DetachProcess(DetachOptions),
    /// Have the cache forget a page, those below a path, those with a tag, or all
    Purge(PurgeOptions),
    /// Becomes another user and then another program; the server starts these.
    #[command(hide = true)]
    ExecAs(ExecOptions),
    /// One process of the built-in forum; `peregrine demo` starts these.
    #[command(hide = true)]
    #[cfg(feature = "demo")]
    DemoWorker {
        /// The Unix socket to listen on.
        socket: PathBuf,
    },
}

/// `peregrine start`.
#[derive(Debug, Args)]
#[command(
    override_usage = "peregrine start [OPTIONS] [DIR] [-- COMMAND...]\n       \
                            peregrine start [OPTIONS] --upstream http://HOST:PORT"
)]
pub(crate) struct StartOptions {
    #[command(flatten)]
    pub(crate) app: AppOptions,

    #[command(flatten)]
    pub(crate) total: TotalOptions,

    #[command(flatten)]
    pub(crate) listen: ListenOptions,

    #[command(flatten)]
    pub(crate) clients: ClientOptions,

    #[command(flatten)]
    pub(crate) operator: OperatorOptions,

    #[command(flatten)]
    pub(crate) file: FileOptions,

    /// The applications of the configuration file, if it has several; then `app`
    /// is none.
    #[arg(skip)]
    pub(crate) sites: Vec<SiteOptions>,
}

/// `peregrine exec-as`.
#[derive(Debug, Args)]
pub(crate) struct ExecOptions {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    #[arg(value_delimiter = ',')]
    pub(crate) groups: Vec<u32>,
    #[arg(last = true)]
    pub(crate) command: Vec<OsString>,
}

/// `peregrine demo`.
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    #[command(flatten)]
    pub(crate) listen: ListenOptions,

    /// Processes that always run
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = values::instances(),
        help_heading = "Processes"
    )]
    pub(crate) min_instances: u32,

    /// Processes that may run
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4,
        value_parser = values::pool_size(),
        help_heading = "Processes"
    )]
    pub(crate) max_pool_size: u32,

    #[command(flatten)]
    pub(crate) stack: StackOptions,

    #[command(flatten)]
    pub(crate) clients: ClientOptions,

    #[command(flatten)]
    pub(crate) operator: OperatorOptions,
}

/// `peregrine restart-app`.
#[derive(Debug, Args)]
pub(crate) struct RestartOptions {
    /// The application, where a server has several, as `peregrine status` shows it
    /// [default: all]
    #[arg(value_parser = application_name)]
    pub(crate) name: Option<String>,

    /// The socket of the server to tell [default: the only one that runs]
    #[arg(long, value_name = "PATH")]
    pub(crate) admin_socket: Option<PathBuf>,

    /// Succeed if no server runs
    #[arg(long)]
    pub(crate) ignore_app_not_running: bool,

    /// Every restart is a rolling one; taken for the sake of scripts that were
    /// written for Passenger.
    #[arg(long, hide = true)]
    pub(crate) rolling_restart: bool,
}

/// `peregrine detach-process`.
#[derive(Debug, Args)]
pub(crate) struct DetachOptions {
    /// The process's id, as `peregrine status` shows it
    pub(crate) pid: u32,

    /// The socket of the server to tell [default: the only one that runs]
    #[arg(long, value_name = "PATH")]
    pub(crate) admin_socket: Option<PathBuf>,

    // Spelled as Passenger spells it.
    /// Succeed if the server has no such process
    #[arg(long, alias = "ignore-nonexistent-pid")]
    pub(crate) ignore_nonexistant_pid: bool,
}

#[cfg(test)]
mod tests;
