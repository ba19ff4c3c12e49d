//! What a run of the server needs to know, after every check that needs no
//! socket: plain values, made from the command line by [`crate::start`] and
//! [`crate::demo`], carried out by `serve`.

use std::{
    ffi::OsString,
    fmt,
    net::{IpAddr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use http::{
    StatusCode,
    uri::{Authority, PathAndQuery},
};
use ipnet::IpNet;
use peregrine::{
    cookie_variation::CookieVariation, process_rest::WorkRequest,
    upstream_pool::sticky::StickySessions,
};

use crate::{access_log::AccessLogSettings, admin::Tokens, route::Table, run_as::User};

/// One run of the server.
#[derive(Clone, Debug)]
pub(crate) struct ServeSettings {
    /// Where to listen.
    pub(crate) address: IpAddr,
    /// Where to listen; 0 lets the system pick a free port.
    pub(crate) port: u16,
    /// What is served.
    pub(crate) applications: Applications,
    /// Processes that all applications may run together; any number if `None`.
    pub(crate) max_total_pool_size: Option<NonZeroUsize>,
    /// Peers whose `X-Forwarded-*` fields count. Nobody's, when empty.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How long a client may take to send a request's head.
    pub(crate) header_timeout: Duration,
    /// How long a client may keep us waiting within a request's body.
    pub(crate) body_timeout: Duration,
    /// How long a client may take nothing of its answer.
    pub(crate) send_timeout: Duration,
    /// How long running requests may take to finish once the server is asked
    /// to stop.
    pub(crate) shutdown_timeout: Duration,
    /// How long upgraded connections may last once their process or the server is
    /// asked to stop.
    pub(crate) upgrade_timeout: Duration,
    /// Where `peregrine status` finds the server; the default place if `None`.
    pub(crate) admin_socket: Option<PathBuf>,
    /// Where operators are answered over TCP, if anywhere, and whom.
    pub(crate) admin_address: Option<(SocketAddr, Tokens)>,
    /// Where and how to write a line for each request, if anywhere.
    pub(crate) access_log: Option<AccessLogSettings>,
    /// The share of requests of which a trace that begins here is sampled; if
    /// `None`, none begins here.
    pub(crate) trace_requests: Option<f64>,
    /// Where to write the server's process id, if anywhere.
    pub(crate) pid_file: Option<PathBuf>,
    /// What to print below the line that says where the server listens.
    pub(crate) guide: Option<Guide>,
}

/// What waits for slow clients, and where.
#[derive(Clone, Debug)]
pub(crate) struct BufferingSettings {
    /// Bytes that a request's body may have; any number if `None`.
    pub(crate) max_request_body_size: Option<u64>,
    /// Paths below which bodies are not buffered.
    pub(crate) stream_requests_below: Vec<String>,
    /// Bytes of a response that may wait.
    pub(crate) response_high_watermark: u64,
    /// Where temporary files are; the system's folder for them if `None`.
    pub(crate) dir: Option<PathBuf>,
    /// Bytes that may wait in memory.
    pub(crate) memory: u64,
    /// Bytes that all files may have.
    pub(crate) files: u64,
}

/// What a server serves.
#[derive(Clone, Debug)]
pub(crate) enum Applications {
    /// One application, to which every request goes.
    One(Box<ApplicationSettings>),
    /// Several, by the hosts and paths that they answer for.
    Sites {
        table: Table,
        /// As the table numbers them.
        applications: Vec<ApplicationSettings>,
    },
}

/// One application, and what stands in front of it alone.
#[derive(Clone, Debug)]
pub(crate) struct ApplicationSettings {
    /// What the operator calls it; no two have the same.
    pub(crate) name: String,
    /// What answers the requests that the cache does not.
    pub(crate) source: Application,
    /// Which responses are answered from memory.
    pub(crate) cache: CacheMode,
    /// Which cookies pages depend on, if any.
    pub(crate) cookies: Option<CookieVariation>,
    /// Whether clients stay with one process, and how they are told.
    pub(crate) sticky: Option<StickySessions>,
    /// What waits for slow clients.
    pub(crate) buffering: BufferingSettings,
    /// What goes to clients without the application.
    pub(crate) files: FilesSettings,
    /// What the application was told that it runs in.
    pub(crate) environment: Environment,
    /// The status of an answer to a request for which the queue has no room.
    pub(crate) queue_overflow_status: StatusCode,
    /// How long the application may take to begin its answer; forever if
    /// `None`.
    pub(crate) max_request_time: Option<Duration>,
}

/// Files that go to clients without the application.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilesSettings {
    /// Those that it is not asked for, if there are any.
    pub(crate) static_files: Option<StaticSettings>,
    /// Folders of files that it may name.
    pub(crate) sendfile_roots: Vec<PathBuf>,
    /// The same, and the paths that stand for them.
    pub(crate) accel_mappings: Vec<(String, PathBuf)>,
}

/// Files that the application is not asked for.
#[derive(Clone, Debug)]
pub(crate) struct StaticSettings {
    /// Their folder.
    pub(crate) dir: PathBuf,
    /// Where in the paths of requests that is, if not at the root.
    pub(crate) below: Option<String>,
    /// Whether links may lead out of it.
    pub(crate) follow_links: bool,
    /// How long they are fresh.
    pub(crate) max_age: Duration,
}

/// What to do with a server that listens, once it is known where.
#[derive(Clone, Debug)]
pub(crate) struct Guide(String);

impl Guide {
    /// `text` says `{address}` where the server's is to stand.
    #[cfg(feature = "demo")]
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for a server at `address`, such as `http://127.0.0.1:3000`.
    pub(crate) fn at(&self, address: &str) -> String {
        self.0.replace("{address}", address)
    }
}

/// What stands behind the cache.
#[derive(Clone, Debug)]
pub(crate) enum Application {
    /// Processes of our own.
    Processes(Box<AppSettings>),
    /// A server that runs already.
    Upstream(UpstreamSettings),
}

/// An application whose processes we run.
#[derive(Clone, Debug)]
pub(crate) struct AppSettings {
    /// The program, an absolute path.
    pub(crate) program: PathBuf,
    /// Its arguments; `{socket}` in one stands for the socket's path.
    pub(crate) args: Vec<OsString>,
    /// The folder that it runs in, an absolute path.
    pub(crate) dir: PathBuf,
    /// As whom it runs; as we do if `None`.
    pub(crate) user: Option<User>,
    /// What is added to its environment.
    pub(crate) env: EnvVars,
    /// Requests that one process is sent at a time; no limit if `None`.
    pub(crate) concurrency: Option<NonZeroU32>,
    /// Paths below which requests do not count for that.
    pub(crate) unlimited_concurrency_paths: Vec<PathAndQuery>,
    /// Processes that always run. At most `max_pool_size`.
    pub(crate) min_instances: usize,
    /// Processes that may run.
    pub(crate) max_pool_size: NonZeroUsize,
    /// Requests that may wait for a process.
    pub(crate) max_request_queue_size: usize,
    /// How long a process may take until it answers on its socket.
    pub(crate) start_timeout: Duration,
    /// How long requests may take that run in a process that is to leave.
    pub(crate) drain_timeout: Duration,
    /// After which idle time a process beyond `min_instances` is stopped;
    /// never if `None`.
    pub(crate) pool_idle_time: Option<Duration>,
    /// What to ask a new process for before clients may.
    pub(crate) warm_up: Option<PathAndQuery>,
    /// Requests that a process may serve before it is replaced; any number if
    /// 0.
    pub(crate) max_requests: u64,
    /// Bytes that a process may use before it is replaced; any number if 0.
    pub(crate) memory_limit: u64,
    /// Work between requests.
    pub(crate) out_of_band: OutOfBandSettings,
}

/// How processes do out-of-band work that ask for it.
#[derive(Clone, Debug)]
pub(crate) struct OutOfBandSettings {
    /// The request that tells a process to begin.
    pub(crate) request: WorkRequest,
    /// How many processes may be away for it at a time.
    pub(crate) instances: NonZeroUsize,
}

impl Default for OutOfBandSettings {
    fn default() -> Self {
        Self {
            request: WorkRequest::default(),
            instances: NonZeroUsize::MIN,
        }
    }
}

/// A server that runs already, `http` without TLS.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamSettings {
    /// Its host and port, 80 if it names none.
    pub(crate) authority: Authority,
}

/// What the operator said about how many requests a process is sent at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConcurrencyChoice(Option<u32>);

impl ConcurrencyChoice {
    /// `None` leaves it to what is served; 0 is no limit.
    pub(crate) const fn new(requests: Option<u32>) -> Self {
        Self(requests)
    }

    /// The limit, with what is served choosing `default`; `None` is no limit.
    pub(crate) fn or(self, default: Option<NonZeroU32>) -> Option<NonZeroU32> {
        self.0.map_or(default, NonZeroU32::new)
    }
}

/// Which responses are answered from memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheMode {
    /// Those that say so themselves and are the same for everybody.
    Conservative,
    /// All that a shared cache may store.
    Standard,
    /// None.
    Off,
}

/// The application's environment, as in Passenger's `--environment`:
/// `development`, `production`, or any other name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Environment(String);

impl Environment {
    /// Takes any name.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether error pages may show what went wrong inside. Passenger's
    /// "friendly error pages" are on outside production and staging, too.
    pub(crate) fn shows_errors(&self) -> bool {
        !matches!(self.as_str(), "production" | "staging")
    }
}

/// Variables for the application's environment, of which later ones win.
///
/// Values may be secrets, so `Debug` prints the names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct EnvVars(Vec<(OsString, OsString)>);

impl EnvVars {
    /// None.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one, which wins over those before it.
    pub(crate) fn push(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.0.push((name.into(), value.into()));
    }

    /// The value that a process will see.
    pub(crate) fn get(&self, name: &str) -> Option<&OsString> {
        let mut latest_first = self.0.iter().rev();
        latest_first
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }
}

impl Extend<(OsString, OsString)> for EnvVars {
    fn extend<T: IntoIterator<Item = (OsString, OsString)>>(&mut self, others: T) {
        self.0.extend(others);
    }
}

impl IntoIterator for EnvVars {
    type Item = (OsString, OsString);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Debug for EnvVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_shown_where_strangers_do_not_look() {
        let cases = [
            ("development", true),
            ("test", true),
            ("production", false),
            ("staging", false),
        ];
        for (name, shown) in cases {
            assert_eq!(Environment::new(name).shows_errors(), shown, "{name}");
        }
    }

    #[test]
    fn the_last_variable_of_a_name_wins() {
        let mut env = EnvVars::new();
        env.push("RAILS_ENV", "development");
        env.push("RAILS_ENV", "test");

        assert_eq!(env.get("RAILS_ENV"), Some(&OsString::from("test")));
        assert_eq!(env.get("RACK_ENV"), None);
    }

    #[test]
    fn a_variable_s_value_is_never_printed() {
        let mut env = EnvVars::new();
        env.push("DATABASE_URL", "postgres://me:secret@db");

        let printed = format!("{env:?}");
        assert!(printed.contains("DATABASE_URL"), "{printed}");
        assert!(!printed.contains("secret"), "{printed}");
    }
}
