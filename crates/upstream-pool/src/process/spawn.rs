use std::{
    io,
    net::TcpListener,
    path::PathBuf,
    pin::pin,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::uri::PathAndQuery;
use rustix::process::Pid;
use tokio::{
    process::Child,
    task::JoinHandle,
    time::{self, Instant},
};
use tracing::Instrument;

use super::{
    Group, Guard, Leave, SocketDir,
    children::{self, OwnChild},
    ready,
    stdio::{self, Channel, Tail},
    warm_up::warm_up,
};
use crate::{
    AppCommand, StartReport,
    connection::Endpoint,
    report::Failure,
    roster::ProcessId,
    supervisor::{Note, Notes},
};

/// How long to wait for the end of the output of a process that has exited. A
/// daemon that it left behind may hold the pipe for ever.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What it takes to start one process.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) id: ProcessId,
    pub(crate) command: Arc<AppCommand>,
    /// Present if the command takes a socket.
    pub(crate) sockets: Option<Arc<SocketDir>>,
    pub(crate) start_timeout: Duration,
    pub(crate) warm_up: Option<PathAndQuery>,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) guard: Arc<Guard>,
    pub(crate) notes: Notes,
}

/// How the start of a process went.
enum Start {
    Ready,
    /// It answered, but not as it should.
    Useless(String),
    Exited(Option<ExitStatus>),
    TimedOut,
}

/// Starts a process, tells when it is ready, and stays with it until it and
/// all that it started is gone. The last word is [`Note::StartFailed`] if it
/// was never ready, [`Note::Exited`] otherwise.
///
/// Dropped with the runtime: the group is killed.
pub(crate) async fn run(launch: Launch) {
    let id = launch.id;
    let notes = launch.notes.clone();
    notes.send(match live(launch).await {
        Ok(report) => Note::Exited(id, report),
        Err(report) => Note::StartFailed(id, report),
    });
}

/// `Err` if the process was never ready, otherwise how it died.
async fn live(launch: Launch) -> Result<StartReport, StartReport> {
    let begun = Instant::now();
    let mut story = Story {
        command: Arc::clone(&launch.command),
        begun,
        address: String::new(),
        tail: Tail::default(),
    };
    let endpoint = launch
        .endpoint()
        .map_err(|error| story.ends(Failure::Spawn(error)))?;
    story.address = endpoint.to_string();
    let mut child = spawn(&launch.command, &endpoint, &launch.guard)
        .map_err(|error| story.ends(Failure::Spawn(error)))?;
    let pid = child.pid();
    let Some(leader) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        let error = io::Error::other("the operating system gave no process id");
        return Err(story.ends(Failure::Spawn(error)));
    };
    let group = Arc::new(Group::new(leader, Arc::clone(&launch.guard)));
    let _socket = SocketFile::of(&endpoint);
    let output = Output::follow(&mut child.child, pid, &story.tail);
    launch.notes.send(Note::Spawned {
        id: launch.id,
        pid,
        group: group.clone(),
    });

    let mut last = String::from("nothing listened there");
    let start = {
        let ready = pin!(async {
            ready::wait(&endpoint, &mut last).await;
            match &launch.warm_up {
                Some(path) => warm_up(&endpoint, path, &mut last).await,
                None => Ok(()),
            }
        });
        tokio::select! {
            ready = ready => ready.map_or_else(Start::Useless, |()| Start::Ready),
            status = child.wait() => Start::Exited(status.ok()),
            () = time::sleep(launch.start_timeout) => Start::TimedOut,
        }
    };
    match start {
        Start::Ready => {
            launch.notes.send(Note::Ready {
                id: launch.id,
                endpoint,
            });
            let status = child.wait().await.ok();
            group.bury(launch.shutdown_timeout).await;
            output.finish().await;
            Ok(story.ends(Failure::DiedYoung(status)))
        }
        Start::Exited(status) => {
            group.bury(launch.shutdown_timeout).await;
            output.finish().await;
            Err(story.ends(Failure::Exited(status)))
        }
        Start::Useless(_) | Start::TimedOut => {
            // It never took a client's request: nothing is lost by not asking
            // politely.
            group.kill();
            let _ = child.wait().await;
            group.bury(launch.shutdown_timeout).await;
            output.finish().await;
            Err(story.ends(match start {
                Start::Useless(why) => Failure::Useless(why),
                _ => Failure::TimedOut(last),
            }))
        }
    }
}

impl Launch {
    /// Where the process is to listen. A port is free when it is chosen, not
    /// necessarily when the process binds it: should another program take it
    /// in between, the process fails to start and the next one gets another.
    fn endpoint(&self) -> io::Result<Endpoint> {
        if let Some(dir) = &self.sockets {
            return Ok(Endpoint::Unix(dir.socket(self.id)));
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        Ok(Endpoint::Port(listener.local_addr()?.port()))
    }
}

fn spawn(command: &AppCommand, endpoint: &Endpoint, guard: &Guard) -> io::Result<OwnChild> {
    let mut command = match endpoint {
        Endpoint::Unix(path) => command.build(Some(path)),
        Endpoint::Port(port) | Endpoint::Name { port, .. } => {
            let mut command = command.build(None);
            command.env("PORT", port.to_string());
            command
        }
    };
    command
        .envs(guard.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.process_group(0);
    children::spawn(&mut command)
}

/// What a report will tell, collected on the way.
struct Story {
    command: Arc<AppCommand>,
    begun: Instant,
    address: String,
    tail: Tail,
}

impl Story {
    fn ends(&self, failure: Failure) -> StartReport {
        StartReport {
            command: self.command.to_string(),
            dir: self.command.dir().map(Into::into),
            env: self.command.shown_env(),
            address: self.address.clone(),
            failure,
            output: self.tail.lines(),
            took: self.begun.elapsed(),
            at: SystemTime::now(),
        }
    }
}

/// A socket's file, removed on drop: a process that was killed leaves it.
struct SocketFile(Option<PathBuf>);

impl SocketFile {
    fn of(endpoint: &Endpoint) -> Self {
        Self(match endpoint {
            Endpoint::Unix(path) => Some(path.clone()),
            Endpoint::Port(_) | Endpoint::Name { .. } => None,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Most servers have removed it already.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The readers of a process's output.
struct Output(Vec<JoinHandle<()>>);

impl Output {
    fn follow(child: &mut Child, pid: u32, tail: &Tail) -> Self {
        let out = child.stdout.take().map(|pipe| {
            tokio::spawn(stdio::read(pipe, pid, Channel::Stdout, tail.clone()).in_current_span())
        });
        let err = child.stderr.take().map(|pipe| {
            tokio::spawn(stdio::read(pipe, pid, Channel::Stderr, tail.clone()).in_current_span())
        });
        Self(out.into_iter().chain(err).collect())
    }

    async fn finish(mut self) {
        let _ = time::timeout(LAST_WORDS, async {
            for reader in &mut self.0 {
                let _ = reader.await;
            }
        })
        .await;
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}
