//! One application: what answers for it, and the stack in front of that.

use std::{io, path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use peregrine::{
    Cached, ErrorPages, ProcessAccounting, ProcessRest, Stack, Uncached, Varied,
    buffering::request::RequestBody,
    request_accounting::RequestAccounting,
    trace_context::TraceContextLayer,
    turbocache::TurboCache,
    upstream_pool::{
        AppCommand, Error, HttpUpstream, PoolHandle, ProcessBudget, UpstreamPool,
        forwarded::InformLayer, sticky::StickyService,
    },
};
use tower::{BoxError, Layer, Service};

use super::{ApplicationSources, PoolSources, buffering::buffering, cannot, files::files};
use crate::{
    access_log::AccessLogHandle,
    front::{ClientBody, Front, Timeouts},
    refused::Refusals,
    route::OneOf,
    run_as::User,
    settings::{AppSettings, ApplicationSettings, CacheMode, ServeSettings, UpstreamSettings},
    start_error::StartError,
};

/// What answers the requests that the stack in front of it does not.
///
/// Not to be implemented: whatever is one is one.
pub(super) trait Upstream:
    Service<
        Request<RequestBody<ClientBody>>,
        Response = Response<<Self as Upstream>::Body>,
        Error = Error,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
    /// The body of its answers.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static;
}

impl<S, B> Upstream for S
where
    S: Service<
            Request<RequestBody<ClientBody>>,
            Response = Response<B>,
            Error = Error,
            Future: Send,
        > + Clone
        + Send
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    type Body = B;
}

/// An application behind its stack, which has a cache with variants, a cache, or
/// none.
type Stacked<U> = OneOf<OneOf<Varied<U>, Cached<U>>, Uncached<U>>;

/// The same, where clients may stay with one process.
pub(super) type Whole<U> = OneOf<StickyService<Stacked<U>>, Stacked<U>>;

/// What is known of an upstream, for those who ask.
pub(super) struct Behind {
    serves: String,
    pool: Option<(PathBuf, PoolSources)>,
}

/// What is known of an application that is served.
pub(super) struct Served {
    pub(super) sources: ApplicationSources,
    /// The folder of its processes, and their pool, if they are ours.
    pub(super) processes: Option<(PathBuf, PoolHandle)>,
}

/// Starts an application's processes.
pub(super) fn processes(
    app: AppSettings,
    application: &ApplicationSettings,
    settings: &ServeSettings,
    budget: Option<&ProcessBudget>,
) -> Result<(impl Upstream + Sync + use<>, Behind), StartError> {
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
    let serves = command.to_string();
    let forever = Duration::ZERO;
    let mut pool = UpstreamPool::builder(command);
    if let Some(path) = app.warm_up {
        pool = pool.warm_up(path);
    }
    if let Some(budget) = budget {
        pool = pool.process_budget(budget);
    }
    for path in app.unlimited_concurrency_paths {
        pool = pool.unlimited_concurrency_path(path);
    }
    let (pool, handle) = pool
        .min_instances(app.min_instances)
        .max_pool_size(app.max_pool_size.get())
        .max_request_queue_size(app.max_request_queue_size)
        .max_concurrent_requests(app.concurrency.map_or(0, |n| n.get() as usize))
        .start_timeout(app.start_timeout)
        .response_timeout(application.max_request_time.unwrap_or(forever))
        .pool_idle_time(app.pool_idle_time.unwrap_or(forever))
        .max_requests(app.max_requests)
        .memory_limit(app.memory_limit)
        .drain_timeout(app.drain_timeout)
        .stop_timeout(settings.shutdown_timeout)
        .shutdown_timeout(settings.shutdown_timeout)
        .process_layer(accounting.clone())
        .process_layer(rest.clone())
        .spawn()
        .map_err(|error| cannot("prepare the application's processes", error))?;
    let sources = PoolSources {
        handle,
        accounting,
        rest: rest.clone(),
        min_instances: app.min_instances,
    };
    let behind = Behind {
        serves,
        pool: Some((app.dir, sources)),
    };
    Ok((rest.hide().layer(pool), behind))
}

/// Reaches a server that runs already.
pub(super) fn running(
    upstream: &UpstreamSettings,
    application: &ApplicationSettings,
) -> Result<(HttpUpstream, Behind), StartError> {
    let serves = format!("http://{}", upstream.authority);
    let client = serves
        .parse()
        .map_err(BoxError::from)
        .and_then(|uri| Ok(HttpUpstream::new(uri)?))
        .map_err(|error| cannot("use this upstream", error))?
        .response_timeout(application.max_request_time.unwrap_or(Duration::ZERO));
    Ok((client, Behind { serves, pool: None }))
}

/// Puts an application's stack in front of it, each request of which is a line in
/// `log`.
pub(super) fn stacked<U>(
    application: ApplicationSettings,
    settings: &ServeSettings,
    log: Option<&AccessLogHandle>,
    behind: Behind,
    upstream: U,
) -> (Whole<U>, Served) {
    let details = if application.environment.shows_errors() {
        ErrorPages::with_details()
    } else {
        ErrorPages::new()
    }
    .queue_overflow_status(application.queue_overflow_status);
    let pool = behind.pool.as_ref().map(|(_, pool)| pool.handle.clone());
    let (requests, responses, space) = buffering(&application.buffering, pool);
    let mut accounting = RequestAccounting::new();
    if let Some(log) = log {
        accounting = accounting.observed_by(log.of(&application.name));
    }
    let (static_files, sendfile) = files(&application.files);
    let stack = Stack::new()
        .count_into(accounting)
        .trace_context(trace_context(settings))
        .trusted_proxies(settings.trusted_proxies.iter().copied())
        .error_pages(details)
        .static_files(static_files)
        .sendfile(sendfile)
        .inform(InformLayer::new().beside_the_fields())
        .request_buffering(requests)
        .response_buffering(responses);
    let cache = match application.cache {
        CacheMode::Conservative => Some(TurboCache::conservative()),
        CacheMode::Standard => Some(TurboCache::standard()),
        CacheMode::Off => None,
    };
    // What is sent to a process needs no task of its own here.
    let cache = cache.map(|cache| cache.finish_abandoned(true));
    let stacked = match (&cache, &application.cookies) {
        (Some(cache), Some(cookies)) => {
            OneOf::First(OneOf::First(stack.varied(cookies, cache, upstream)))
        }
        (Some(cache), None) => OneOf::First(OneOf::Second(stack.cached(cache, upstream))),
        (None, _) => OneOf::Second(stack.uncached(upstream)),
    };
    let service = match &application.sticky {
        Some(sessions) => OneOf::First(sessions.layer(stacked)),
        None => OneOf::Second(stacked),
    };
    let (dir, pool) = behind.pool.unzip();
    let handle = pool.as_ref().map(|pool| pool.handle.clone());
    let served = Served {
        sources: ApplicationSources::new(
            application.name,
            application.environment.as_str(),
            behind.serves,
            &stack,
            space,
            cache.as_ref().map(TurboCache::handle),
            pool,
        ),
        processes: dir.zip(handle),
    };
    (service, served)
}

fn trace_context(settings: &ServeSettings) -> TraceContextLayer {
    match settings.trace_requests {
        Some(share) => {
            TraceContextLayer::new(share).trusted_proxies(settings.trusted_proxies.iter().copied())
        }
        None => TraceContextLayer::off(),
    }
}

/// The front of a server with one application: its stack is called as the type
/// that it is, at no cost for what it might have been.
pub(super) fn front_of<U: Upstream>(
    whole: Whole<U>,
    timeouts: Timeouts,
    refusals: &Refusals,
) -> io::Result<Front> {
    match whole {
        OneOf::First(sticky) => Front::new(&sticky, timeouts, refusals),
        OneOf::Second(OneOf::First(OneOf::First(varied))) => {
            Front::new(&varied, timeouts, refusals)
        }
        OneOf::Second(OneOf::First(OneOf::Second(cached))) => {
            Front::new(&cached, timeouts, refusals)
        }
        OneOf::Second(OneOf::Second(uncached)) => Front::new(&uncached, timeouts, refusals),
    }
}

/// This program becomes the user in each process, and then the command.
fn as_user(command: AppCommand, user: &User) -> Result<AppCommand, StartError> {
    let this = std::env::current_exe()
        .map_err(|error| cannot("run the application as another user", error))?;
    let launcher = [vec![this.into_os_string()], user.exec_arguments()].concat();
    Ok(command.launcher(launcher).socket_owner(user.uid))
}
