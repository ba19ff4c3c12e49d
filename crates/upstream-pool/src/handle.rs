use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use crate::{
    ReplaceError, StartReport,
    process::Busyness,
    queue::Queue,
    restarts::{RestartLog, Restarts},
    supervisor::{DetachReply, RestartReply},
};

/// Watches, restarts and stops an [`UpstreamPool`](crate::UpstreamPool).
///
/// Clones are equal. A handle keeps the processes alive, as the pool itself
/// does.
#[derive(Clone)]
pub struct PoolHandle {
    lifeline: Lifeline,
    board: Arc<Board>,
    over: watch::Receiver<bool>,
}

/// What the supervisor is asked to do. When all who could ask are gone, it
/// stops.
#[derive(Debug)]
pub(crate) enum Command {
    Stop,
    Restart(RestartReply),
    /// The process of this id in the operating system.
    Detach(u32, DetachReply),
}

pub(crate) type Lifeline = mpsc::UnboundedSender<Command>;

/// What the supervisor tells those who look.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) queue: Arc<Queue>,
    pub(crate) max_pool_size: usize,
    pub(crate) news: Mutex<News>,
}

#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) processes: Vec<Entry>,
    pub(crate) stopping: bool,
    pub(crate) due: usize,
    pub(crate) started: u64,
    pub(crate) resisting: bool,
    pub(crate) restarts: RestartLog,
    pub(crate) pause: Option<(u32, Instant)>,
    pub(crate) waits_for_budget: bool,
    pub(crate) last_start_failure: Option<Arc<StartReport>>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) pid: u32,
    pub(crate) state: ProcessState,
    pub(crate) started: (SystemTime, Instant),
    pub(crate) busyness: Option<Arc<Busyness>>,
}

impl Board {
    /// Since when the process has had nothing to do that has had nothing for longest,
    /// of those that are ready.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = news.processes.iter();
        let ready = ready.filter(|entry| entry.state == ProcessState::Ready);
        ready
            .filter_map(|entry| entry.busyness.as_ref()?.idle_since())
            .min()
    }
}

/// A pool at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// The processes, oldest first.
    pub processes: Vec<ProcessSnapshot>,
    /// How many requests wait for a process.
    pub queued: usize,
    /// For how long the one has waited that has waited longest; absent if nobody
    /// waits.
    pub longest_wait: Option<Duration>,
    /// How many may wait.
    pub max_request_queue_size: usize,
    /// How many processes there may be.
    pub max_pool_size: usize,
    /// Whether the pool has been told to stop.
    pub stopping: bool,
    /// How many processes are to be replaced: they run old code, have reached a
    /// limit, or are to be detached.
    pub due: usize,
    /// How many processes have been started so far, those that have left among them:
    /// what goes up while the number of processes does not is a crash loop, or a
    /// limit that is reached often.
    pub started: u64,
    /// How many times all processes have been replaced, and when that was.
    pub restarts: Restarts,
    /// Whether old processes stay because a restart has failed.
    pub resisting_deployment_error: bool,
    /// How many starts in a row have come to nothing, and how long it takes until
    /// the next one is tried; absent unless there is such a pause.
    pub start_pause: Option<(u32, Duration)>,
    /// Whether requests wait for a process that the [process
    /// budget](crate::Builder::process_budget) has no room for.
    pub waits_for_budget: bool,
    /// Why the last start failed; absent if the last start succeeded.
    pub last_start_failure: Option<Arc<StartReport>>,
}

/// A process at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessSnapshot {
    /// Its id in the operating system.
    pub pid: u32,
    /// What it is doing.
    pub state: ProcessState,
    /// When it was started.
    pub started: SystemTime,
    /// For how long it has run.
    pub uptime: Duration,
    /// How long it took to get ready; absent while it is starting.
    pub ready_after: Option<Duration>,
    /// How many requests run in it.
    pub running: usize,
    /// How many requests it has answered.
    pub served: u64,
    /// For how long it has had nothing to do; absent while it has.
    pub idle: Option<Duration>,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProcessState {
    /// Loading the application; it has not answered yet.
    Starting,
    /// Taking requests.
    Ready,
    /// Finishing the requests that it has.
    Draining,
    /// Told to leave.
    Terminating,
}

impl ProcessState {
    /// The state in a word, as `passenger-status` would.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
            Self::Terminating => "terminating",
        }
    }
}

impl fmt::Display for ProcessState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PoolHandle {
    pub(crate) const fn new(
        lifeline: Lifeline,
        board: Arc<Board>,
        over: watch::Receiver<bool>,
    ) -> Self {
        Self {
            lifeline,
            board,
            over,
        }
    }

    /// The pool as it is now. Cheap enough to call for every status request.
    pub fn snapshot(&self) -> PoolSnapshot {
        let now = Instant::now();
        let news = self.board.news.lock();
        let news = news.unwrap_or_else(PoisonError::into_inner);
        PoolSnapshot {
            processes: news.processes.iter().map(|p| p.snapshot(now)).collect(),
            queued: self.board.queue.len(),
            longest_wait: self
                .board
                .queue
                .oldest()
                .map(|since| now.saturating_duration_since(since)),
            max_request_queue_size: self.board.queue.max(),
            max_pool_size: self.board.max_pool_size,
            stopping: news.stopping,
            due: news.due,
            started: news.started,
            restarts: news.restarts.look(now),
            resisting_deployment_error: news.resisting,
            start_pause: news
                .pause
                .map(|(failures, at)| (failures, at.saturating_duration_since(now))),
            waits_for_budget: news.waits_for_budget,
            last_start_failure: news.last_start_failure.clone(),
        }
    }

    /// Whether a request that came now, and found no process, would be turned
    /// away: to be asked before its body is read. Never so with a queue of
    /// length 0, in which nobody waits.
    pub fn is_queue_full(&self) -> bool {
        let queue = &self.board.queue;
        queue.max() > 0 && queue.len() >= queue.max()
    }

    /// Replaces all processes, one by one, and returns when no request goes to
    /// an old one any more, with the number of those that were replaced: after
    /// a deployment.
    ///
    /// A new process is ready before an old one drains, and the next one is
    /// started when that one has left: there is one process too many at most,
    /// and a long request may hold up the restart for the [drain
    /// timeout](crate::Builder::drain_timeout). No request fails.
    ///
    /// A restart during a restart begins anew. Dropped before it returns, the
    /// restart goes on.
    ///
    /// # Errors
    ///
    /// If a new process [does not start](ReplaceError::is_not_started). The old
    /// processes that are left stay and serve, even idle ones, as with
    /// Passenger's `passenger_resist_deployment_errors`, until this is called
    /// again, or until a process starts all the same: in the place of one that
    /// has died, or because requests queue. Then the restart goes on by itself.
    pub async fn restart(&self) -> Result<usize, ReplaceError> {
        let (reply, outcome) = oneshot::channel();
        self.ask(Command::Restart(reply), outcome).await
    }

    /// Sends a process no more requests, and ends it when it has finished those
    /// that it has; as `passenger-config detach-process`. Returns when it takes
    /// no more.
    ///
    /// The last process that is ready is replaced before. Dropped before this
    /// returns, the process leaves all the same.
    ///
    /// # Errors
    ///
    /// If there [is no such process](ReplaceError::is_unknown_process), or if it
    /// is the last one and its replacement [does not
    /// start](ReplaceError::is_not_started).
    pub async fn detach(&self, pid: u32) -> Result<(), ReplaceError> {
        let (reply, outcome) = oneshot::channel();
        self.ask(Command::Detach(pid, reply), outcome).await
    }

    async fn ask<T>(
        &self,
        command: Command,
        outcome: oneshot::Receiver<Result<T, ReplaceError>>,
    ) -> Result<T, ReplaceError> {
        // Nobody listens, nor answers, once it has stopped.
        let _ = self.lifeline.send(command);
        outcome.await.unwrap_or(Err(ReplaceError::stopping()))
    }

    /// Stops the pool, and returns when no process, socket or folder of it is
    /// left.
    ///
    /// New requests are refused from now on. Those that wait or run are
    /// finished, for the [stop timeout](crate::Builder::stop_timeout) at
    /// most. Then each process group gets SIGTERM, and after the [shutdown
    /// timeout](crate::Builder::shutdown_timeout) SIGKILL.
    ///
    /// May be called more than once. Dropped before it returns, the pool stops
    /// all the same.
    pub async fn stop(&self) {
        // Nobody listens once it has stopped.
        let _ = self.lifeline.send(Command::Stop);
        let mut over = self.over.clone();
        // An error means that the supervisor is gone, and the processes with
        // it.
        let _ = over.wait_for(|over| *over).await;
    }
}

impl Entry {
    fn snapshot(&self, now: Instant) -> ProcessSnapshot {
        let (started, begun) = self.started;
        let busyness = self.busyness.as_deref();
        ProcessSnapshot {
            pid: self.pid,
            state: self.state,
            started,
            uptime: now.saturating_duration_since(begun),
            ready_after: busyness.map(|b| b.ready_at().saturating_duration_since(begun)),
            running: busyness.map_or(0, Busyness::running),
            served: busyness.map_or(0, Busyness::served),
            idle: busyness
                .and_then(Busyness::idle_since)
                .map(|since| now.saturating_duration_since(since)),
        }
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolHandle")
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}
