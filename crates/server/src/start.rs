//! From the options of `peregrine start` to the settings of a run, with every
//! check that needs no socket.

mod buffering;
mod cookies;
mod files;
mod sites;
mod sticky;

use std::{
    env,
    ffi::OsString,
    fs,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    os::unix::fs::MetadataExt,
    path::{self, Path, PathBuf},
};

use peregrine::process_rest::WorkRequest;

use crate::{
    access_log::{AccessLogSettings, Destination, Format},
    admin::Tokens,
    cli::{
        AccessLogFormat, AccessLogOptions, AdminOptions, AppOptions, Cache, ClientOptions, EnvVar,
        ListenOptions, OperatorOptions, OutOfBandOptions, PoolOptions, StackOptions, StartOptions,
    },
    detect::{self, AppFolder, CommandLine, Plan, Wishes},
    route::Prefix,
    run_as::{self, RunAs, User},
    settings::{
        AppSettings, Application, ApplicationSettings, Applications, CacheMode, EnvVars,
        Environment, FilesSettings, OutOfBandSettings, ServeSettings, UpstreamSettings,
    },
    start_error::StartError,
};

/// The variables in which the frameworks look for their environment, those
/// that Passenger sets.
const ENVIRONMENT_VARIABLES: [&str; 5] =
    ["RAILS_ENV", "RACK_ENV", "WSGI_ENV", "NODE_ENV", "APP_ENV"];

/// The variables in which frameworks look for what the paths of their pages begin
/// with: Rails, and gunicorn for WSGI.
const PREFIX_VARIABLES: [&str; 2] = ["RAILS_RELATIVE_URL_ROOT", "SCRIPT_NAME"];

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
    Ok(Start {
        settings: assemble(applications, listen, clients, operator)?,
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
        let (mut app, announcement) = app(
            &dir,
            command,
            Told {
                environment: &environment,
                user: user.as_deref(),
                variables: variables(envvar)?,
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
        trusted_proxies: clients.trusted_proxy,
        header_timeout: clients.header_timeout,
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

/// What the operator said about how the application runs.
struct Told<'a> {
    environment: &'a Environment,
    user: Option<&'a str>,
    variables: EnvVars,
    below: Option<&'a Prefix>,
    proxies_in_front: bool,
}

fn app(
    dir: &Path,
    command: Vec<OsString>,
    told: Told<'_>,
    path: OsString,
    pool: &PoolOptions,
    stack: &StackOptions,
) -> Result<(AppSettings, String), StartError> {
    let Told {
        environment,
        user,
        variables: chosen,
        below,
        proxies_in_front,
    } = told;
    let (min_instances, max_pool_size) = pool_bounds(pool.min_instances, pool.max_pool_size)?;
    let dir = folder(dir)?;
    let path = chosen.get("PATH").cloned().unwrap_or(path);
    let surroundings = AppFolder::new(&dir, &path);

    let RunAs { user, remark } = run_as::choose(user, &dir, environment)?;
    let mut env = EnvVars::new();
    env.extend(user.iter().flat_map(User::environment));
    for name in ENVIRONMENT_VARIABLES {
        env.push(name, environment.as_str());
    }
    if let Some(prefix) = below {
        for name in PREFIX_VARIABLES {
            env.push(name, prefix.to_string());
        }
    }
    let run = if command.is_empty() {
        let wishes = Wishes {
            environment: environment.as_str(),
            concurrency: stack.concurrency(),
            proxies_in_front,
        };
        let plan = detect::detect(&surroundings, &wishes)?;
        for (name, value) in plan.env {
            env.push(name, value);
        }
        plan.into()
    } else {
        Run::given(command, stack, &surroundings)?
    };
    env.extend(chosen);
    if let Some(first) = run.path_first {
        env.push("PATH", prefixed(&dir.join(first), &path)?);
    }
    let settings = AppSettings {
        program: run.program,
        args: run.args,
        dir,
        user,
        env,
        concurrency: run.concurrency,
        unlimited_concurrency_paths: stack.unlimited_concurrency_path.clone(),
        min_instances,
        max_pool_size,
        max_request_queue_size: size(stack.max_request_queue_size),
        start_timeout: pool.start_timeout,
        pool_idle_time: Some(pool.pool_idle_time).filter(|time| !time.is_zero()),
        warm_up: pool.warm_up.clone(),
        max_requests: pool.max_requests,
        memory_limit: u64::from(pool.memory_limit) << 20,
        out_of_band: OutOfBandSettings::default(),
    };
    Ok((settings, run.announcement + remark))
}

/// What to run, found or given.
struct Run {
    program: PathBuf,
    args: Vec<OsString>,
    concurrency: Option<NonZeroU32>,
    path_first: Option<&'static str>,
    announcement: String,
}

impl Run {
    /// The operator's own command, of which nothing is known.
    fn given(
        command: Vec<OsString>,
        stack: &StackOptions,
        surroundings: &AppFolder<'_>,
    ) -> Result<Self, StartError> {
        let mut words = command.into_iter();
        let program = words.next().unwrap_or_default();
        let args: Vec<_> = words.collect();
        let Some(program) = surroundings.resolve(&program) else {
            return Err(StartError::new(format!(
                "there is no program `{}`, neither in the application's folder under that \
                 path nor in PATH; install it, or correct the command after `--`",
                program.display()
            )));
        };
        let announcement = format!("running `{}`", CommandLine::new(&program, &args));
        Ok(Self {
            program,
            args,
            concurrency: stack.concurrency().or(Some(NonZeroU32::MIN)),
            path_first: None,
            announcement,
        })
    }
}

impl From<Plan> for Run {
    fn from(plan: Plan) -> Self {
        let announcement = plan.to_string();
        Self {
            program: plan.program,
            args: plan.args,
            concurrency: plan.concurrency,
            path_first: plan.path_first,
            announcement,
        }
    }
}

/// An absolute path of a folder that is there.
///
/// Links in it are kept: who deploys by turning the link `current` to the next
/// release wants the next process to start there.
fn folder(dir: &Path) -> Result<PathBuf, StartError> {
    let found = fs::metadata(dir).and_then(|metadata| {
        let base = logical_current_dir().unwrap_or_default();
        Ok((path::absolute(base.join(dir))?, metadata))
    });
    let (found, metadata) = found.map_err(|error| {
        StartError::new(format!(
            "cannot open the folder {}: {error}; name the application's folder",
            dir.display()
        ))
    })?;
    if !metadata.is_dir() {
        return Err(StartError::new(format!(
            "{} is not a folder; name the application's folder",
            dir.display()
        )));
    }
    Ok(found)
}

/// The current directory as the shell calls it, if it is that: POSIX, `pwd -L`.
fn logical_current_dir() -> Option<PathBuf> {
    let named = PathBuf::from(env::var_os("PWD")?);
    let identity = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    let is_here = identity(&named)? == identity(Path::new("."))?;
    (named.is_absolute() && is_here).then_some(named)
}

fn variables(given: Vec<EnvVar>) -> Result<EnvVars, StartError> {
    let mut variables = EnvVars::new();
    for EnvVar { name, value } in given {
        // Without the text, which may be a secret.
        if name.is_empty() {
            return Err(StartError::new(
                "an --envvar is not of the form NAME=VALUE; write each as --envvar NAME=VALUE",
            ));
        }
        variables.push(name, value);
    }
    Ok(variables)
}

fn prefixed(first: &Path, path: &OsString) -> Result<OsString, StartError> {
    let folders = [first.to_path_buf()]
        .into_iter()
        .chain(env::split_paths(path));
    env::join_paths(folders).map_err(|_| {
        StartError::new(format!(
            "{} has a colon in its name, which PATH cannot hold; rename the folder",
            first.display()
        ))
    })
}

pub(crate) fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
