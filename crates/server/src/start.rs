//! From the options of `peregrine start` to the settings of a run, with every
//! check that needs no socket.

mod buffering;
mod cookies;
mod files;
mod processes;
mod sites;
mod sticky;
mod total;

use std::{ffi::OsString, net::SocketAddr, num::NonZeroUsize};

use peregrine::process_rest::WorkRequest;

use crate::{
    access_log::{AccessLogSettings, Destination, Format},
    admin::Tokens,
    cli::{
        AccessLogFormat, AccessLogOptions, AdminOptions, AppOptions, Cache, ClientOptions,
        ListenOptions, OperatorOptions, OutOfBandOptions, StackOptions, StartOptions,
    },
    route::Prefix,
    settings::{
        Application, ApplicationSettings, Applications, CacheMode, Environment, FilesSettings,
        OutOfBandSettings, ServeSettings, UpstreamSettings,
    },
    start_error::StartError,
};

/// Settings, and what to tell the operator about how they came about.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) settings: ServeSettings,
    pub(crate) announcement: String,
}

impl Start {
    /// What to tell an operator who only wants to know.
    pub(crate) fn dry_run(&self) -> String {
        format!("{}\nnothing was started: --dry-run\n", self.announcement)
    }
}

/// What an application is called that is the only one.
pub(crate) const APPLICATION: &str = "default";

/// Checks the options against each other and against the file system. `path`
/// is where programs are looked for, in the form of `PATH`.
pub(crate) fn start(options: StartOptions, path: OsString) -> Result<Start, StartError> {
    let StartOptions {
        app,
        total,
        listen,
        clients,
        operator,
        file,
        sites,
    } = options;
    let (applications, announcement) = if sites.is_empty() {
        let (one, announcement) = application(APPLICATION.to_owned(), None, app, &clients, path)?;
        (Applications::One(Box::new(one)), announcement)
    } else {
        sites::applications(sites, &clients, &path)?
    };
    let announcement = match file.config {
        Some(path) => format!("options from {}\n{announcement}", path.display()),
        None => announcement,
    };
    let max_total_pool_size = total::bound(total, &applications)?;
    let mut settings = assemble(applications, listen, clients, operator)?;
    settings.max_total_pool_size = max_total_pool_size;
    Ok(Start {
        settings,
        announcement,
    })
}

/// One application, and what to tell the operator about it. `below` is where its
/// pages are, if that is not all paths.
fn application(
    name: String,
    below: Option<&Prefix>,
    options: AppOptions,
    clients: &ClientOptions,
    path: OsString,
) -> Result<(ApplicationSettings, String), StartError> {
    let AppOptions {
        dir,
        command,
        upstream,
        environment,
        user,
        envvar,
        pool,
        out_of_band,
        sticky,
        stack,
        cookies,
        files,
    } = options;
    let environment = Environment::new(environment);
    let (source, announcement) = if let Some(authority) = upstream {
        let announcement = format!("passing requests on to http://{authority}");
        (
            Application::Upstream(UpstreamSettings { authority }),
            announcement,
        )
    } else {
        let (mut app, announcement) = processes::app(
            &dir,
            command,
            processes::Told {
                environment: &environment,
                user: user.as_deref(),
                variables: envvar,
                below,
                proxies_in_front: !clients.trusted_proxy.is_empty(),
            },
            path,
            &pool,
            &stack,
        )?;
        app.out_of_band = out_of_band_settings(out_of_band)?;
        (Application::Processes(Box::new(app)), announcement)
    };
    let mut settings = in_front(name, source, environment, stack)?;
    settings.cookies = cookies::variation(cookies, settings.cache)?;
    let app = match &settings.source {
        Application::Processes(app) => Some(app.dir.as_path()),
        Application::Upstream(_) => None,
    };
    settings.files = files::settings(files, app, below)?;
    settings.sticky = sticky::sessions(&sticky, clients, below)?;
    Ok((settings, announcement))
}

/// An application whose pages depend on no cookies, nor does a process, and all of
/// whose files it sends itself.
pub(crate) fn in_front(
    name: String,
    source: Application,
    environment: Environment,
    stack: StackOptions,
) -> Result<ApplicationSettings, StartError> {
    let cache = match stack.cache {
        _ if stack.disable_turbocaching => CacheMode::Off,
        Cache::Conservative => CacheMode::Conservative,
        Cache::Off => CacheMode::Off,
        Cache::Standard => CacheMode::Standard,
    };
    Ok(ApplicationSettings {
        name,
        source,
        cache,
        cookies: None,
        sticky: None,
        buffering: buffering::settings(stack.buffering)?,
        files: FilesSettings::default(),
        environment,
        queue_overflow_status: stack.request_queue_overflow_status_code,
        max_request_time: Some(stack.max_request_time).filter(|time| !time.is_zero()),
    })
}

fn out_of_band_settings(options: OutOfBandOptions) -> Result<OutOfBandSettings, StartError> {
    let request = WorkRequest::new(options.oob_work_method, &options.oob_work_path)
        .map_err(|error| StartError::new(format!("{error}; see --oob-work-path")))?;
    Ok(OutOfBandSettings {
        request,
        instances: NonZeroUsize::new(size(options.max_out_of_band_work_instances))
            .unwrap_or(NonZeroUsize::MIN),
    })
}

/// The settings that do not depend on what is served.
pub(crate) fn assemble(
    applications: Applications,
    listen: ListenOptions,
    clients: ClientOptions,
    operator: OperatorOptions,
) -> Result<ServeSettings, StartError> {
    Ok(ServeSettings {
        address: listen.address,
        port: listen.port,
        applications,
        max_total_pool_size: None,
        trusted_proxies: clients.trusted_proxy,
        header_timeout: clients.header_timeout,
        body_timeout: clients.body_timeout,
        send_timeout: clients.send_timeout,
        shutdown_timeout: operator.shutdown_timeout,
        upgrade_timeout: operator.websocket_shutdown_timeout,
        admin_socket: operator.admin_socket,
        admin_address: admin_address(&operator.admin)?,
        access_log: access_log(operator.access_log),
        trace_requests: operator.tracing.trace_requests,
        pid_file: operator.pid_file,
        guide: None,
    })
}

fn access_log(options: AccessLogOptions) -> Option<AccessLogSettings> {
    Some(AccessLogSettings {
        destination: Destination::new(options.access_log?),
        format: match options.access_log_format {
            AccessLogFormat::Combined => Format::Combined,
            AccessLogFormat::Json => Format::Json,
        },
        omit_query: options.access_log_without_queries,
    })
}

fn admin_address(options: &AdminOptions) -> Result<Option<(SocketAddr, Tokens)>, StartError> {
    let Some(address) = options.admin_address else {
        return Ok(None);
    };
    let tokens = Tokens::read(
        options.admin_token_file.as_deref(),
        options.admin_read_only_token_file.as_deref(),
    )?;
    Ok(Some((address, tokens)))
}

/// The numbers of processes, checked against each other.
pub(crate) fn pool_bounds(
    min_instances: u32,
    max_pool_size: u32,
) -> Result<(usize, NonZeroUsize), StartError> {
    match NonZeroUsize::new(size(max_pool_size)) {
        Some(max) if size(min_instances) <= max.get() => Ok((size(min_instances), max)),
        _ => Err(StartError::new(format!(
            "--min-instances {min_instances} is more than --max-pool-size {max_pool_size}; \
             raise the one or lower the other"
        ))),
    }
}

pub(crate) fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
