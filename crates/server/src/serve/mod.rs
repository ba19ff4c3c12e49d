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

mod application;
mod buffering;
mod files;
mod log_rotation;
mod restarts;
mod signals;
mod sources;

use std::{fmt::Display, io, io::Write, net::TcpListener};

use futures_util::future::join_all;
use peregrine::upstream_pool::{PoolHandle, ProcessBudget, adopt_orphans};
use tracing::{info, warn};

use self::{
    application::{Served, front_of, processes, running, stacked},
    log_rotation::LogRotation,
    restarts::Restarts,
    signals::Signals,
    sources::{ApplicationSources, PoolSources, Sources},
};
use crate::{
    access_log::AccessLog,
    admin::{self, AdminAddress, AdminServer, AdminSocket},
    front::{self, Front, Timeouts},
    pid_file::PidFile,
    refused::Refusals,
    route::{OneOf, Router, Table},
    settings::{Application, ApplicationSettings, Applications, ServeSettings},
    start_error::StartError,
};

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
    let access_log = match &settings.access_log {
        Some(access_log) => Some(AccessLog::open(access_log, &settings.trusted_proxies)?),
        None => None,
    };
    let _log_rotation = LogRotation::listen(access_log.as_ref().map(AccessLog::handle))
        .map_err(|error| cannot("listen for signals", error))?;
    let admin = AdminSocket::bind(settings.admin_socket.as_deref())?;
    let admin_address = match settings.admin_address.clone() {
        Some((address, tokens)) => Some(AdminAddress {
            listener: front::bind(address.ip(), address.port()).map_err(StartError::new)?,
            tokens,
        }),
        None => None,
    };
    let budget = settings.max_total_pool_size.map(ProcessBudget::new);
    let run = Run {
        signals,
        listener,
        admin,
        admin_address,
        access_log,
        budget,
    };
    match settings.applications.clone() {
        Applications::One(one) => run.serve_one(settings, *one).await,
        Applications::Sites {
            table,
            applications,
        } => run.serve_sites(settings, table, applications).await,
    }
}

/// What is taken before anything is served.
struct Run {
    signals: Signals,
    listener: TcpListener,
    admin: AdminSocket,
    admin_address: Option<AdminAddress>,
    access_log: Option<AccessLog>,
    /// What the processes of all applications share.
    budget: Option<ProcessBudget>,
}

impl Run {
    /// Every request is the application's: nothing stands in front of its stack.
    async fn serve_one(
        self,
        settings: ServeSettings,
        application: ApplicationSettings,
    ) -> Result<(), StartError> {
        let timeouts = timeouts(&settings);
        let log = self.access_log.as_ref().map(AccessLog::handle);
        let refusals = Refusals::new(log.clone());
        let (front, served) = match application.source.clone() {
            Application::Processes(app) => {
                let (service, behind) =
                    processes(*app, &application, &settings, self.budget.as_ref())?;
                let (stacked, served) =
                    stacked(application, &settings, log.as_ref(), behind, service);
                (front_of(stacked, timeouts, &refusals), served)
            }
            Application::Upstream(upstream) => {
                let (service, behind) = running(&upstream, &application)?;
                let (stacked, served) =
                    stacked(application, &settings, log.as_ref(), behind, service);
                (front_of(stacked, timeouts, &refusals), served)
            }
        };
        self.serve(settings, front, vec![served], refusals).await
    }

    async fn serve_sites(
        self,
        settings: ServeSettings,
        table: Table,
        applications: Vec<ApplicationSettings>,
    ) -> Result<(), StartError> {
        let (mut services, mut served) = (Vec::new(), Vec::new());
        let log = self.access_log.as_ref().map(AccessLog::handle);
        for application in applications {
            // So that each line about its processes says whose they are.
            let _span = tracing::info_span!("app", name = application.name).entered();
            let (service, behind) = match application.source.clone() {
                Application::Processes(app) => {
                    let (service, behind) =
                        processes(*app, &application, &settings, self.budget.as_ref())?;
                    (OneOf::First(service), behind)
                }
                Application::Upstream(upstream) => {
                    let (service, behind) = running(&upstream, &application)?;
                    (OneOf::Second(service), behind)
                }
            };
            let (service, one) = stacked(application, &settings, log.as_ref(), behind, service);
            services.push(service);
            served.push(one);
        }
        let refusals = Refusals::new(log);
        let router = Router::new(table, services, refusals.clone());
        let front = Front::new(&router, timeouts(&settings), &refusals);
        self.serve(settings, front, served, refusals).await
    }

    /// Serves through `front`, and stops the processes of what was served.
    async fn serve(
        self,
        settings: ServeSettings,
        front: io::Result<Front>,
        served: Vec<Served>,
        refusals: Refusals,
    ) -> Result<(), StartError> {
        let (sources, processes): (Vec<_>, Vec<_>) = served
            .into_iter()
            .map(|one| (one.sources, one.processes))
            .unzip();
        let processes: Vec<_> = processes.into_iter().flatten().collect();
        let pools: Vec<_> = processes.iter().map(|(_, pool)| pool.clone()).collect();
        let _restarts = Restarts::watch(processes, self.signals.clone()).await;
        let signals = self.signals.clone();
        let ended = match front {
            Ok(front) => self.serve_clients(settings, front, sources, refusals).await,
            Err(error) => Err(cannot("start the threads that serve clients", error)),
        };
        stop(&pools, &signals).await;
        // Until now: a stop that takes its time is what one looks at.
        ended.map(drop::<AdminServer>)
    }

    /// Serves clients to the end. Operators are answered for longer.
    async fn serve_clients(
        self,
        settings: ServeSettings,
        front: Front,
        applications: Vec<ApplicationSources>,
        refusals: Refusals,
    ) -> Result<AdminServer, StartError> {
        let address = self
            .listener
            .local_addr()
            .map_err(|error| cannot("tell the port that was found", error))?;
        let log = self.access_log.as_ref().map(AccessLog::handle);
        let sources = Sources::new(
            address,
            front.connections(),
            applications,
            self.budget,
            refusals,
            log,
        );
        let admin = admin::serve(self.admin, self.admin_address, sources)
            .map_err(|error| cannot("answer on the admin socket", error))?;
        announce(&settings, address);
        front
            .serve(self.listener, self.signals.next(), self.signals.next())
            .await
            .map_err(|error| cannot("wait for clients", error))?;
        info!("served its last request");
        Ok(admin)
    }
}

fn timeouts(settings: &ServeSettings) -> Timeouts {
    Timeouts {
        head: settings.header_timeout,
        body: settings.body_timeout,
        send: settings.send_timeout,
        upgrade: settings.upgrade_timeout,
        shutdown: settings.shutdown_timeout,
    }
}

/// Stops the applications' processes, patiently unless told to hurry.
async fn stop(pools: &[PoolHandle], signals: &Signals) {
    if pools.is_empty() {
        return;
    }
    tokio::select! {
        _ = join_all(pools.iter().map(PoolHandle::stop)) => {}
        // What is left is killed when the runtime drops the pools.
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
