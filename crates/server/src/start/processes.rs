//! An application whose processes we run: which command, where, as whom, with what
//! in its environment.

use std::{
    env,
    ffi::OsString,
    fs,
    num::NonZeroU32,
    os::unix::fs::MetadataExt,
    path::{self, Path, PathBuf},
    time::Duration,
};

use super::{pool_bounds, size};
use crate::{
    cli::{EnvVar, PoolOptions, StackOptions},
    detect::{self, AppFolder, CommandLine, Plan, Wishes},
    route::Prefix,
    run_as::{self, RunAs, User},
    settings::{AppSettings, EnvVars, Environment, OutOfBandSettings},
    start_error::StartError,
};

/// The variables in which the frameworks look for their environment, those
/// that Passenger sets.
const ENVIRONMENT_VARIABLES: [&str; 5] =
    ["RAILS_ENV", "RACK_ENV", "WSGI_ENV", "NODE_ENV", "APP_ENV"];

/// The variables in which frameworks look for what the paths of their pages begin
/// with: Rails, and gunicorn for WSGI.
const PREFIX_VARIABLES: [&str; 2] = ["RAILS_RELATIVE_URL_ROOT", "SCRIPT_NAME"];

/// How long requests may take that run in a process that leaves, where they may take
/// less than that, or any time, in others.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// What the operator said about how the application runs.
pub(super) struct Told<'a> {
    pub(super) environment: &'a Environment,
    pub(super) user: Option<&'a str>,
    pub(super) variables: Vec<EnvVar>,
    /// Where its pages are, if that is not all paths.
    pub(super) below: Option<&'a Prefix>,
    pub(super) proxies_in_front: bool,
}

/// What to run, and how, and what to tell the operator about it.
pub(super) fn app(
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
        variables: given,
        below,
        proxies_in_front,
    } = told;
    let chosen = variables(given)?;
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
        drain_timeout: drain_timeout(pool.drain_timeout, stack.max_request_time),
        pool_idle_time: Some(pool.pool_idle_time).filter(|time| !time.is_zero()),
        warm_up: pool.warm_up.clone(),
        max_requests: pool.max_requests,
        memory_limit: u64::from(pool.memory_limit) << 20,
        out_of_band: OutOfBandSettings::default(),
    };
    Ok((settings, run.announcement + remark))
}

/// How long requests may take that run in a process that leaves: as long as in any,
/// unless it is said.
fn drain_timeout(said: Option<Duration>, max_request_time: Duration) -> Duration {
    said.unwrap_or_else(|| max_request_time.max(DRAIN_TIMEOUT))
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
        let instead = match dir.extension() {
            Some(extension) if extension == "toml" => "a configuration file is --config FILE",
            _ => "name the application's folder",
        };
        return Err(StartError::new(format!(
            "{} is not a folder; {instead}",
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
