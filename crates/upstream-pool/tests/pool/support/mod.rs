//! What the tests with real processes share.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use peregrine_upstream_pool::{
    AppCommand, Error, PoolHandle, Process, ProcessHandle, ProcessState, UpstreamPool,
};
use tokio::{task::JoinSet, time::timeout};
use tower::ServiceExt;
use tower_layer::Layer;

/// Long enough for the slowest machine; no test waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Keeps a failing test's story: `RUST_LOG=trace`.
pub(crate) fn trace_init() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_test_writer()
        .try_init();
}

/// The application in `app.py`, on a Unix socket.
pub(crate) fn app() -> AppCommand {
    trace_init();
    AppCommand::new("python3").args([script(), "{socket}"])
}

pub(crate) fn script() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pool/support/app.py")
}

pub(crate) fn shell(script: &str) -> AppCommand {
    trace_init();
    AppCommand::new("sh").args(["-c", script])
}

pub(crate) fn get(path: impl AsRef<str>) -> Request<Empty<Bytes>> {
    Request::get(path.as_ref()).body(Empty::new()).unwrap()
}

pub(crate) async fn text<B>(response: Response<B>) -> String
where
    B: http_body::Body<Error = Error>,
{
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.into()).unwrap()
}

/// Asks the application for its process id.
pub(crate) async fn pid(pool: &UpstreamPool) -> u32 {
    let response = pool.clone().oneshot(get("/pid")).await.unwrap();
    text(response).await.parse().unwrap()
}

/// The answer, where the time for it is short: whoever was too late, as a process on a
/// slow machine may be, is asked again.
pub(crate) async fn in_time<B>(
    mut ask: impl AsyncFnMut() -> Result<Response<B>, Error>,
) -> Response<B> {
    let answer = timeout(PATIENCE, async {
        loop {
            match ask().await {
                Ok(response) => break response,
                Err(error) => assert!(error.is_timeout(), "{error:?}"),
            }
        }
    });
    answer.await.expect("an answer in time")
}

/// As [`pid`], where the time for the answer is short.
pub(crate) async fn answered(pool: &UpstreamPool) -> u32 {
    let response = in_time(async || pool.clone().oneshot(get("/pid")).await);
    text(response.await).await.parse().unwrap()
}

/// Waits until something is so, as seen from outside.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    let what = what.to_owned();
    async move {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !so() {
            assert!(
                tokio::time::Instant::now() < deadline,
                "not so, at {place}: {what}"
            );
            // There is nothing to wait on: the system is asked again.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) fn ready(handle: &PoolHandle) -> usize {
    let processes = handle.snapshot().processes;
    let ready = |p: &&_| matches!(p, ProcessState::Ready);
    processes.iter().map(|p| &p.state).filter(ready).count()
}

/// The processes of a group, as the system describes them, and those zombies
/// among them that are ours to reap. The children of a dead process are its
/// heir's: process 1, which may take its time.
pub(crate) fn group(leader: u32) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap();
    all.filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        // The name may hold anything, and ends with the last parenthesis.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let (state, parent, group) = (fields.next()?, fields.next()?, fields.next()?);
        let not_ours = state == "Z" && parent == "1";
        (group.parse() == Ok(leader) && !not_ours).then(|| stat.clone())
    })
    .collect()
}

/// Where the process listens, from its command line.
pub(crate) fn socket(pid: u32) -> PathBuf {
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    line.trim_end_matches('\0')
        .rsplit('\0')
        .next()
        .unwrap()
        .into()
}

pub(crate) fn kill(signal: &str, pid: u32) {
    let status = std::process::Command::new("sh")
        .args(["-c", &format!("kill -{signal} {pid}")])
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

pub(crate) fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(Into::into).collect()
}

/// Keeps the handle of the latest process.
#[derive(Clone, Default)]
pub(crate) struct Keeper(Arc<Mutex<Option<ProcessHandle>>>);

impl Layer<Process> for Keeper {
    type Service = Process;

    fn layer(&self, process: Process) -> Process {
        *self.0.lock().unwrap() = Some(process.handle());
        process
    }
}

impl Keeper {
    pub(crate) fn handle(&self) -> ProcessHandle {
        self.0.lock().unwrap().clone().unwrap()
    }
}

/// Clients that ask for as long as this lives, and want an answer each time.
pub(crate) struct Clients {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    tasks: JoinSet<()>,
}

impl Clients {
    pub(crate) fn ask(pool: &UpstreamPool) -> Self {
        let mut this = Self {
            stop: Arc::default(),
            answers: Arc::default(),
            tasks: JoinSet::new(),
        };
        for _ in 0..4 {
            let (stop, answers) = (Arc::clone(&this.stop), Arc::clone(&this.answers));
            let pool = pool.clone();
            this.tasks.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    pid(&pool).await;
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        this
    }

    pub(crate) async fn some_answers(&self) {
        let before = self.answers.load(Ordering::Relaxed);
        until("they are answered", || {
            self.answers.load(Ordering::Relaxed) > before + 20
        })
        .await;
    }

    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
    }
}
