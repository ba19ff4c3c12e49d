use std::{
    future::pending,
    io,
    pin::pin,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::uri::PathAndQuery;
use rustix::process::Pid;
use tokio::{
    process::Child,
    task::{self, JoinHandle},
    time::{self, Instant},
};
use tracing::Instrument;

use super::{
    Group, Guard, Leave, Mark, NotOurs, SocketDir,
    children::{self, OwnChild},
    place::Place,
    priority::StartPriority,
    ready::{self, Unready},
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

/// How many ports are tried in one start, should another program take each of them
/// before the process does. The application is not to blame for that: it is no
/// reason to give up a restart.
const PORTS: u32 = 3;

/// This part of the time that a start may take, it leaves the processors to those who
/// serve: a machine that is swamped delays it, but does not keep it from being ready.
const POLITE: u32 = 4;

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
    /// Others serve, from whom this one is not to take the processors.
    pub(crate) beside_others: bool,
    pub(crate) guard: Arc<Guard>,
    pub(crate) notes: Notes,
}

/// How the start of a process went.
enum Start {
    Ready,
    Unready(Unready),
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
    let mut ports = 1;
    let last_word = loop {
        match live(&launch).await {
            Ok(report) => break Note::Exited(id, report),
            Err(report) if report.is_port_taken() && ports < PORTS => {
                tracing::warn!("{report}");
                ports += 1;
            }
            Err(report) => break Note::StartFailed(id, report),
        }
    };
    launch.notes.send(last_word);
}

/// `Err` if the process was never ready, otherwise how it died.
async fn live(launch: &Launch) -> Result<StartReport, StartReport> {
    let begun = Instant::now();
    let mut story = Story {
        command: Arc::clone(&launch.command),
        begun,
        address: String::new(),
        tail: Tail::default(),
    };
    let place = Place::choose(launch.sockets.as_deref(), launch.id)
        .map_err(|error| story.ends(Failure::Spawn(error)))?;
    story.address = place.to_string();
    let mark = launch.guard.mark(launch.id);
    let mut child = spawn(&launch.command, &place, mark.as_ref())
        .map_err(|error| story.ends(Failure::Spawn(error)))?;
    let pid = child.pid();
    let Some(leader) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        let error = io::Error::other("the operating system gave no process id");
        return Err(story.ends(Failure::Spawn(error)));
    };
    // Where nobody serves, all who ask wait for this one.
    let lower = || StartPriority::lower(leader, mark.as_ref());
    let mut polite = launch.beside_others.then(lower).flatten();
    let group = Arc::new(Group::new(leader, Arc::clone(&launch.guard)));
    let endpoint = place.endpoint(leader, mark.as_ref());
    let entrance = Entrance(endpoint.clone());
    let output = Output::follow(&mut child.child, pid, &story.tail);
    launch.notes.send(Note::Spawned {
        id: launch.id,
        pid,
        group: group.clone(),
    });

    let mut last = String::from("nothing listened there");
    let start = {
        let ready = pin!(async {
            ready::wait(&endpoint, &mut last).await?;
            match &launch.warm_up {
                Some(path) => warm_up(&endpoint, path, &mut last).await,
                None => Ok(()),
            }
        });
        tokio::select! {
            ready = ready => ready.map_or_else(Start::Unready, |()| Start::Ready),
            status = child.wait() => Start::Exited(status.ok()),
            () = time::sleep(launch.start_timeout) => Start::TimedOut,
            () = insist(&mut polite, launch.start_timeout / POLITE) => Start::TimedOut,
        }
    };
    match start {
        Start::Ready => {
            restore(polite).await;
            launch.notes.send(Note::Ready {
                id: launch.id,
                endpoint,
            });
            let status = child.wait().await.ok();
            if group.outlives_leader() {
                // They finish what they have, on the connections that there are.
                drop(entrance);
                let report = story.ends(Failure::DiedYoung(status));
                launch.notes.send(Note::LeaderExited(launch.id, report));
                group.go_on().await;
            }
            group.bury(launch.shutdown_timeout).await;
            output.finish().await;
            Ok(story.ends(Failure::DiedYoung(status)))
        }
        Start::Exited(status) => {
            // Most leave at once when they find their port taken.
            let taken = taken(&endpoint).await;
            group.bury(launch.shutdown_timeout).await;
            end_strays(mark.as_ref()).await;
            output.finish().await;
            Err(story.ends(taken.map_or(Failure::Exited(status), Failure::PortTaken)))
        }
        Start::Unready(_) | Start::TimedOut => {
            // It never took a client's request: nothing is lost by not asking
            // politely.
            group.kill();
            let _ = child.wait().await;
            group.bury(launch.shutdown_timeout).await;
            end_strays(mark.as_ref()).await;
            output.finish().await;
            Err(story.ends(match start {
                Start::Unready(Unready::Useless(why)) => Failure::Useless(why),
                Start::Unready(Unready::PortTaken(why)) => Failure::PortTaken(why),
                _ => Failure::TimedOut(last),
            }))
        }
    }
}

/// Ends those who have left the group of a process that was never ready, as a command does
/// that makes a daemon of itself: nobody needs them, and there would be more with each
/// start. What a process leaves behind that was ready may be of use to the others.
async fn end_strays(mark: Option<&Mark>) {
    if let Some(mark) = mark {
        mark.kill_bearers().await;
    }
}

/// Has a process that was `polite` for this time start as fast as it can. Never resolves.
async fn insist(polite: &mut Option<StartPriority>, after: Duration) {
    time::sleep(after).await;
    restore(polite.take()).await;
    pending::<()>().await;
}

/// Not on the thread that minds all processes.
async fn restore(polite: Option<StartPriority>) {
    if let Some(polite) = polite {
        let _ = task::spawn_blocking(|| polite.restore()).await;
    }
}

/// Who listens where a process should have, if somebody does.
async fn taken(endpoint: &Endpoint) -> Option<NotOurs> {
    match endpoint {
        Endpoint::Port(port) => port.taken().await,
        Endpoint::Unix(_) | Endpoint::Name { .. } => None,
    }
}

fn spawn(command: &AppCommand, place: &Place, mark: Option<&Mark>) -> io::Result<OwnChild> {
    let mut command = place.command(command);
    if let Some(mark) = mark {
        mark.put_on(&mut command);
    }
    command
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

/// Where connections to a process are made. Dropped, none is made any more: a socket
/// has no file, which a process that was killed leaves, and a port is closed.
struct Entrance(Endpoint);

impl Drop for Entrance {
    fn drop(&mut self) {
        match &self.0 {
            Endpoint::Unix(path) => {
                // Most servers have removed it already.
                let _ = std::fs::remove_file(path);
            }
            Endpoint::Port(port) => port.close(),
            Endpoint::Name { .. } => {}
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
