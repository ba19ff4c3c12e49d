//! The options that several commands share, one struct for each heading of
//! the help text.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use http::{Method, StatusCode, uri::PathAndQuery};
use ipnet::IpNet;

use crate::settings::ConcurrencyChoice;

use super::{
    access_log::AccessLogOptions,
    admin::AdminOptions,
    buffering::BufferingOptions,
    tracing::TracingOptions,
    values::{self, address, error_status, method, network, path, port, positive_seconds, seconds},
};

/// Where to listen.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Listening")]
pub(crate) struct ListenOptions {
    /// The address to listen on; 0.0.0.0 or :: for all
    #[arg(
        short,
        long,
        value_name = "HOST",
        default_value = "127.0.0.1",
        value_parser = address
    )]
    pub(crate) address: IpAddr,

    /// The port to listen on; 0 picks a free one
    #[arg(short, long, default_value = "3000", value_parser = port)]
    pub(crate) port: u16,
}

/// How many processes, and how long they may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Processes")]
pub(crate) struct PoolOptions {
    /// Processes that always run
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = values::instances()
    )]
    pub(crate) min_instances: u32,

    /// Processes that may run
    #[arg(
        long,
        value_name = "N",
        default_value_t = 6,
        value_parser = values::pool_size()
    )]
    pub(crate) max_pool_size: u32,

    /// Seconds after which an idle process beyond --min-instances is stopped;
    /// 0 = never
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub(crate) pool_idle_time: Duration,

    /// Seconds that a process may take until it answers
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "90",
        value_parser = positive_seconds
    )]
    pub(crate) start_timeout: Duration,

    /// What to ask a new process for before clients may, as /login; it has not
    /// started if it answers with an error
    #[arg(long, value_name = "PATH", value_parser = path)]
    pub(crate) warm_up: Option<PathAndQuery>,

    /// Seconds that requests may take to finish in a process that is replaced, as at
    /// a restart, or no longer needed [default: as --max-request-time, but 60 at least]
    ///
    /// A process leaves as soon as it has nothing to do. Downloads and streams of
    /// events that are left are cut off then.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) drain_timeout: Option<Duration>,

    /// Requests that a process may serve before another one takes its place;
    /// up to an eighth fewer, so that not all are replaced at once; 0 = no limit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) max_requests: u64,

    /// Megabytes that a process may use, with its children, before another one
    /// takes its place; 0 = no limit
    #[arg(long, value_name = "MB", default_value_t = 0)]
    pub(crate) memory_limit: u32,
}

/// Work between requests.
#[derive(Debug, Args)]
#[command(next_help_heading = "Out-of-band work")]
pub(crate) struct OutOfBandOptions {
    /// Processes that may be away at a time to do out-of-band work
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = values::pool_size()
    )]
    pub(crate) max_out_of_band_work_instances: u32,

    /// The method of the request that tells a process to begin; OOBW for an
    /// application that was made for Passenger
    ///
    /// A process asks by the response header !~Request-OOB-Work. It finds method,
    /// path and a token for the request that it gets then in
    /// PEREGRINE_OOB_WORK_METHOD, PEREGRINE_OOB_WORK_PATH and
    /// PEREGRINE_OOB_WORK_TOKEN. Clients that send it are answered with 404.
    #[arg(long, value_name = "METHOD", default_value = "POST", value_parser = method)]
    pub(crate) oob_work_method: Method,

    /// The path of that request
    #[arg(long, value_name = "PATH", default_value = "/.peregrine/oob-work")]
    pub(crate) oob_work_path: String,
}

/// What happens to a request.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub(crate) struct StackOptions {
    /// Requests that one process is sent at a time; 0 = no limit [default: 1,
    /// or no limit for Node and ASGI]
    #[arg(long, value_name = "N", value_parser = values::concurrency())]
    pub(crate) force_max_concurrent_requests_per_process: Option<u32>,

    /// A path below which requests do not count for that, as for long polling,
    /// server-sent events and WebSockets; repeatable
    ///
    /// Such a request goes to a process that has a place free, and leaves it free.
    #[arg(long, value_name = "PATH", value_parser = path)]
    pub(crate) unlimited_concurrency_path: Vec<PathAndQuery>,

    /// Requests that may wait for a process; those beyond are answered with
    /// --request-queue-overflow-status-code
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = values::queue_size()
    )]
    pub(crate) max_request_queue_size: u32,

    /// The status of an answer to a request for which there is no room in the queue,
    /// from 400 to 599
    #[arg(
        long,
        value_name = "CODE",
        default_value = "503",
        value_parser = error_status
    )]
    pub(crate) request_queue_overflow_status_code: StatusCode,

    /// Seconds until the application must have begun its answer; 0 = never
    ///
    /// Then the client gets a 504. A process that is sent one request at a time
    /// hangs, and is replaced; one that is sent more is asked whether it is
    /// there, and replaced if it does not say so.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) max_request_time: Duration,

    /// Which responses are answered from memory
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Cache::Conservative)]
    pub(crate) cache: Cache,

    /// The same as --cache off
    #[arg(long, conflicts_with = "cache")]
    pub(crate) disable_turbocaching: bool,

    #[command(flatten)]
    pub(crate) buffering: BufferingOptions,
}

impl StackOptions {
    /// The chosen limit, if one was.
    pub(crate) fn concurrency(&self) -> ConcurrencyChoice {
        ConcurrencyChoice::new(self.force_max_concurrent_requests_per_process)
    }
}

/// What is expected of clients, and of those who speak for them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests")]
pub(crate) struct ClientOptions {
    /// Seconds that a client may take to send a request's head
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "30",
        value_parser = positive_seconds
    )]
    pub(crate) header_timeout: Duration,

    /// Seconds that a client may keep the server waiting for a request's body;
    /// every 500 bytes earn it another one, as many as these at most
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "60",
        value_parser = positive_seconds
    )]
    pub(crate) body_timeout: Duration,

    /// Seconds that a client may take nothing of its answer until the connection is
    /// closed
    ///
    /// The operating system tells of what a client takes in steps of about a third of
    /// what it keeps for it, which may be megabytes. A client that takes less than such a
    /// step in this time is let go, too.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "600",
        value_parser = positive_seconds
    )]
    pub(crate) send_timeout: Duration,

    /// A proxy whose X-Forwarded-* fields count, as an address or a network;
    /// repeatable
    ///
    /// uvicorn takes the first address in X-Forwarded-For for the client's, and
    /// behind such a proxy that may be what a client made up. So it is told to
    /// believe the field only while there is none. If your proxy replaces what
    /// clients send, use --envvar FORWARDED_ALLOW_IPS='*'.
    #[arg(long, value_name = "CIDR", value_parser = network)]
    pub(crate) trusted_proxy: Vec<IpNet>,
}

/// `--cache`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cache {
    /// Responses that say for how long they are fresh, and are the same for
    /// everybody
    Conservative,
    /// All that a shared cache may store by RFC 9111
    Standard,
    /// None
    Off,
}

/// What an operator needs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Operation")]
pub(crate) struct OperatorOptions {
    /// How much to log, to standard error; RUST_LOG, if set, says it in more
    /// detail and wins
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Info)]
    pub(crate) log_level: LogLevel,

    /// Where to write the server's process id
    #[arg(long, value_name = "PATH")]
    pub(crate) pid_file: Option<PathBuf>,

    /// Where `peregrine status` finds the server [default: PID.sock in
    /// $XDG_RUNTIME_DIR/peregrine, or in a folder for this user under the
    /// temporary directory]
    #[arg(long, value_name = "PATH")]
    pub(crate) admin_socket: Option<PathBuf>,

    /// Seconds that running requests may take to finish after SIGTERM or
    /// SIGINT, and then the application's processes to leave
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) shutdown_timeout: Duration,

    /// Seconds that WebSockets and other upgraded connections may stay open when
    /// their process is to leave, as at a restart, or the server
    ///
    /// Those of many clients are closed one after the other in the second half of
    /// that time, so that not all of them come back at once; with 0, all are closed
    /// at once. Both sides of a WebSocket get a Close frame with status 1001 (going
    /// away), and up to two seconds more to answer it; all of that within
    /// --shutdown-timeout.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) websocket_shutdown_timeout: Duration,

    #[command(flatten)]
    pub(crate) admin: AdminOptions,

    #[command(flatten)]
    pub(crate) access_log: AccessLogOptions,

    #[command(flatten)]
    pub(crate) tracing: TracingOptions,
}

/// `--log-level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// What is broken
    Error,
    /// What an operator should look at
    Warn,
    /// Starts, stops and what the application prints
    Info,
    /// Every decision and why
    Debug,
    /// Every step
    Trace,
}

impl LogLevel {
    /// The name that a log filter gives this level.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
