use std::{ffi::OsString, path::PathBuf};

use clap::Args;
use http::uri::Authority;

use super::{
    CookieOptions, EnvVar, FilesOptions, OutOfBandOptions, PoolOptions, StackOptions,
    StickyOptions, values::upstream,
};

/// One application: what each has for itself where a server has several.
#[derive(Debug, Args)]
pub(crate) struct AppOptions {
    /// The application's folder
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,

    /// What to run there instead of what Peregrine finds
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,

    /// Serve what a server that runs already answers, instead of starting
    /// processes
    #[arg(
        long,
        value_name = "http://HOST:PORT",
        value_parser = upstream,
        conflicts_with_all = [
            "dir", "command", "environment", "user", "envvar", "min_instances",
            "max_pool_size", "start_timeout", "drain_timeout", "pool_idle_time", "max_requests",
            "memory_limit", "warm_up",
            "force_max_concurrent_requests_per_process", "max_request_queue_size",
            "unlimited_concurrency_path", "request_queue_overflow_status_code",
            "max_out_of_band_work_instances", "oob_work_method", "oob_work_path",
            "sticky_sessions", "sticky_sessions_cookie_name",
        ],
    )]
    pub(crate) upstream: Option<Authority>,

    /// The application's environment: development, production, or any other;
    /// it finds it in RAILS_ENV, RACK_ENV, NODE_ENV, WSGI_ENV and APP_ENV.
    /// Error pages show what went wrong unless it is production or staging
    #[arg(
        short,
        long,
        value_name = "NAME",
        default_value = "development",
        help_heading = "Application"
    )]
    pub(crate) environment: String,

    /// The user that the application runs as, if the server runs as root. Without
    /// it, root does; but not in production or staging what belongs to others
    #[arg(long, value_name = "NAME", help_heading = "Application")]
    pub(crate) user: Option<String>,

    /// Add a variable to the application's environment; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Application")]
    pub(crate) envvar: Vec<EnvVar>,

    #[command(flatten)]
    pub(crate) pool: PoolOptions,

    #[command(flatten)]
    pub(crate) out_of_band: OutOfBandOptions,

    #[command(flatten)]
    pub(crate) sticky: StickyOptions,

    #[command(flatten)]
    pub(crate) stack: StackOptions,

    #[command(flatten)]
    pub(crate) cookies: CookieOptions,

    #[command(flatten)]
    pub(crate) files: FilesOptions,
}
