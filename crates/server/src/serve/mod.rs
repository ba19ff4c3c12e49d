//! One run of the server: from settings to a stack that serves, and back to
//! nothing.
//!
//! What is taken first is given back last:
//!
//! 1. signals, the port, the pid file and the admin socket, so that what is
//!    wrong with them is known before a process starts;
//! 2. the application's processes, which start while
//! 3. the front takes connections: a request waits for a process, not its
//!    client for the port.
//!
//! Told to stop, the front takes no more connections and lets the requests
//! that run finish; only then do the processes stop.

mod buffering;
mod restarts;
mod signals;
mod sources;

use std::{fmt::Display, io::Write, net::TcpListener, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine::{
    ErrorPages, ProcessAccounting, ProcessRest, Stack,
    buffering::request::RequestBody,
    turbocache::TurboCache,
    upstream_pool::{AppCommand, Error, HttpUpstream, PoolHandle, UpstreamPool, adopt_orphans},
};
use tower::{BoxError, Layer, Service};
use tracing::{info, warn};

use self::{
    restarts::Restarts,
    signals::Signals,
    sources::{ApplicationSources, PoolSources, Sources},
};
use crate::{
    admin::{self, AdminAddress, AdminSocket},
    front::{self, ClientBody, Front, Timeouts},
    pid_file::PidFile,
    run_as::User,
    settings::{AppSettings, Application, CacheMode, ServeSettings, UpstreamSettings},
    start_error::StartError,
};

/// How long a client may keep us waiting within a request's body. nginx's
/// `client_body_timeout` has the same default.
const BODY_PAUSE: Duration = Duration::from_secs(60);

/// What the only application of a server is called.
const APPLICATION: &str = "default";

/// Serves until a signal says to stop.
///
/// # Errors
///
/// If it cannot begin to serve.
pub(crate) async fn run(settings: ServeSettings) -> Result<(), StartError> {
    let signals = Signals::listen().map_err(|error| cannot("listen for signals", error))?;
    if let Err(error) = adopt_orphans() {
        warn!(%error, "what the application leaves behind is not waited for");
    }
    let listener = front::bind(settings.address, settings.port).map_err(StartError::new)?;
    let _pid_file = match &settings.pid_file {
        Some(path) => Some(PidFile::create(path)?),
        None => None,
    };
    let admin = AdminSocket::bind(settings.admin_socket.as_deref())?;
    let admin_address = match settings.admin_address.clone() {
        Some((address, tokens)) => Some(AdminAddress {
            listener: front::bind(address.ip(), address.port()).map_err(StartError::new)?,
            tokens,
        }),
        None => None,
    };
    let run = Run {
        signals,
        listener,
        admin,
        admin_address,
    };
    match settings.application.clone() {
        Application::Processes(app) => run.serve_processes(settings, *app).await,
        Application::Upstream(upstream) => run.serve_upstream(settings, upstream).await,
    }
}

/// What is taken before anything is served.
struct Run {
    signals: Signals,
    listener: TcpListener,
    admin: AdminSocket,
    admin_address: Option<AdminAddress>,
}

impl Run {
    async fn serve_processes(
        self,
        settings: ServeSettings,
        app: AppSettings,
    ) -> Result<(), StartError> {
        let accounting = ProcessAccounting::default();
        let rest = ProcessRest::with(app.out_of_band.request, app.out_of_band.instances);
        let command = AppCommand::new(app.program)
            .args(app.args)
            .current_dir(&app.dir)
            .envs(app.env)
            .envs(rest.environment());
        let command = match &app.user {
            Some(user) => as_user(command, user)?,
            None => command,
        };
        let served = command.to_string();
        let forever = Duration::ZERO;
        let mut pool = UpstreamPool::builder(command);
        if let Some(path) = app.warm_up {
            pool = pool.warm_up(path);
        }
        let (pool, handle) = pool
            .min_instances(app.min_instances)
            .max_pool_size(app.max_pool_size.get())
            .max_request_queue_size(app.max_request_queue_size)
            .max_concurrent_requests(app.concurrency.map_or(0, |n| n.get() as usize))
            .start_timeout(app.start_timeout)
            .response_timeout(settings.max_request_time.unwrap_or(forever))
            .pool_idle_time(app.pool_idle_time.unwrap_or(forever))
            .max_requests(app.max_requests)
            .memory_limit(app.memory_limit)
            .drain_timeout(settings.shutdown_timeout)
            .shutdown_timeout(settings.shutdown_timeout)
            .process_layer(accounting.clone())
            .process_layer(rest.clone())
            .spawn()
            .map_err(|error| cannot("prepare the application's processes", error))?;

        let signals = self.signals.clone();
        let _restarts = Restarts::watch(&app.dir, handle.clone(), signals.clone()).await;
        let pool_sources = PoolSources {
            handle: handle.clone(),
            accounting,
            rest: rest.clone(),
            min_instances: app.min_instances,
        };
        let application = rest.hide().layer(pool);
        let served = self
            .serve(settings, served, Some(pool_sources), application)
            .await;
        stop(handle, &signals).await;
        served
    }

    async fn serve_upstream(
        self,
        settings: ServeSettings,
        upstream: UpstreamSettings,
    ) -> Result<(), StartError> {
        let served = format!("http://{}", upstream.authority);
        let client = served
            .parse()
            .map_err(BoxError::from)
            .and_then(|uri| Ok(HttpUpstream::new(uri)?))
            .map_err(|error| cannot("use this upstream", error))?
            .response_timeout(settings.max_request_time.unwrap_or(Duration::ZERO));
        self.serve(settings, served, None, client).await
    }

    async fn serve<U, B>(
        self,
        settings: ServeSettings,
        served: String,
        pool: Option<PoolSources>,
        upstream: U,
    ) -> Result<(), StartError>
    where
        U: Service<Request<RequestBody<ClientBody>>, Response = Response<B>, Error = Error>
            + Clone
            + Send
            + 'static,
        U::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let details = if settings.environment.shows_errors() {
            ErrorPages::with_details()
        } else {
            ErrorPages::new()
        };
        let pool_handle = pool.as_ref().map(|pool| pool.handle.clone());
        let (requests, responses) = buffering::buffering(&settings.buffering, pool_handle);
        let stack = Stack::new()
            .trusted_proxies(settings.trusted_proxies.iter().copied())
            .error_pages(details)
            .request_buffering(requests)
            .response_buffering(responses);
        let cache = match settings.cache {
            CacheMode::Conservative => Some(TurboCache::conservative()),
            CacheMode::Standard => Some(TurboCache::standard()),
            CacheMode::Off => None,
        };

        let address = self
            .listener
            .local_addr()
            .map_err(|error| cannot("tell the port that was found", error))?;
        let application = ApplicationSources::new(
            APPLICATION,
            settings.environment.as_str(),
            served,
            &stack,
            cache.as_ref().map(TurboCache::handle),
            pool,
        );
        let sources = Sources::new(address, [application]);
        let _admin = admin::serve(self.admin, self.admin_address, sources)
            .map_err(|error| cannot("answer on the admin socket", error))?;

        let timeouts = Timeouts {
            head: settings.header_timeout,
            body: BODY_PAUSE,
            shutdown: settings.shutdown_timeout,
        };
        let front = match (&cache, &settings.cookies) {
            (Some(cache), Some(cookies)) => {
                Front::new(&stack.varied(cookies, cache, upstream), timeouts)
            }
            (Some(cache), None) => Front::new(&stack.cached(cache, upstream), timeouts),
            (None, _) => Front::new(&stack.uncached(upstream), timeouts),
        };
        let front = front.map_err(|error| cannot("start the threads that serve clients", error))?;

        announce(&settings, address);
        front
            .serve(self.listener, self.signals.next(), self.signals.next())
            .await
            .map_err(|error| cannot("wait for clients", error))?;
        info!("served its last request");
        Ok(())
    }
}

/// This program becomes the user in each process, and then the command.
fn as_user(command: AppCommand, user: &User) -> Result<AppCommand, StartError> {
    let this = std::env::current_exe()
        .map_err(|error| cannot("run the application as another user", error))?;
    let launcher = [vec![this.into_os_string()], user.exec_arguments()].concat();
    Ok(command.launcher(launcher).socket_owner(user.uid))
}

/// Stops the application's processes, patiently unless told to hurry.
async fn stop(pool: PoolHandle, signals: &Signals) {
    tokio::select! {
        () = pool.stop() => {}
        // What is left is killed when the runtime drops the pool.
        () = signals.next() => warn!("told to hurry: killing the processes that are left"),
    }
}

/// Says where the server listens. The kernel completes connections since the
/// port was bound, and whoever comes is served from here on.
///
/// Whoever closed standard output does not want to read it, and that is no
/// reason to stop.
fn announce(settings: &ServeSettings, address: std::net::SocketAddr) {
    let address = format!("http://{address}");
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "listening on {address}");
    if let Some(guide) = &settings.guide {
        let _ = writeln!(stdout, "{}", guide.at(&address));
    }
    let _ = stdout.flush();
}

fn cannot(what: &str, error: impl Display) -> StartError {
    StartError::new(format!("cannot {what}: {error}"))
}
