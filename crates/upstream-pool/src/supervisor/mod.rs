//! The one task that carries out what the [roster](crate::roster) decides.

mod asked;
mod give_back;
mod hear;
mod memory;
mod note;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::{Duration, SystemTime},
};

use http::{Request, uri::PathAndQuery};
use tokio::{
    sync::{mpsc, watch},
    time::{self, Instant},
};
use tower_layer::Layer;
use tower_service::Service;

pub(crate) use self::{
    asked::{Asked, DetachReply, RestartReply},
    memory::watch as watch_memory,
    note::{Inbox, Note, Notes, notes},
};
use crate::{
    AppCommand, Error, RequestBody, StartReport,
    budget::Share,
    connection::{Client, Endpoint, Limits},
    handle::{Board, Command, Entry, ProcessState},
    process::{Busyness, Guard, Guardian, Launch, Leave, Process, SocketDir, UnlimitedPaths},
    queue::Queue,
    restarts::RestartLog,
    roster::{Action, Event, Gate, ProcessId, Roster, State},
    select::Selector,
};

/// What all processes of a pool have in common.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) command: Arc<AppCommand>,
    pub(crate) sockets: Option<Arc<SocketDir>>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) concurrency: usize,
    /// Where requests do not count for that.
    pub(crate) unlimited: UnlimitedPaths,
    /// How many requests each process may serve; 0 is any number.
    pub(crate) max_requests: u64,
    pub(crate) limits: Limits,
    pub(crate) start_timeout: Duration,
    /// What to ask a process for before clients may.
    pub(crate) warm_up: Option<PathAndQuery>,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) idle_time: Duration,
}

pub(crate) struct Supervisor<L: Layer<Process>> {
    pub(crate) plan: Plan,
    /// Brings a process to life, which then sends notes.
    pub(crate) launch: Box<dyn Fn(Launch) + Send>,
    pub(crate) guardian: Guardian,
    pub(crate) layer: L,
    pub(crate) roster: Roster,
    /// The roster's.
    pub(crate) share: Share,
    pub(crate) selector: Arc<Selector<L::Service>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) board: Arc<Board>,
    pub(crate) notes: Notes,
    pub(crate) inbox: Inbox,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) over: watch::Sender<bool>,
    pub(crate) asked: Asked,
    pub(crate) restarts: RestartLog,
    pub(crate) members: BTreeMap<ProcessId, Member>,
    /// Processes so far.
    pub(crate) started: u64,
    pub(crate) gate: Gate,
    pub(crate) last_failure: Option<Arc<StartReport>>,
}

/// A process as the supervisor knows it.
pub(crate) struct Member {
    pid: u32,
    group: Arc<dyn Leave>,
    started: (SystemTime, Instant),
    /// Present once it has been ready.
    service: Option<(Arc<Busyness>, Arc<Client>)>,
    /// Where it listens; present once it has been ready.
    endpoint: Option<Endpoint>,
    /// It is being asked whether it is there.
    probed: bool,
}

impl Member {
    /// Whether it has been ready, and so perhaps still serves.
    const fn has_served(&self) -> bool {
        self.service.is_some()
    }
}

impl<L> Supervisor<L>
where
    L: Layer<Process>,
    L::Service: Service<Request<RequestBody>, Error = Error>,
{
    /// Runs until the pool has stopped.
    ///
    /// Dropped before that, with the runtime, each process group is killed by
    /// its own guard.
    pub(crate) async fn run(mut self) {
        let mut event = Event::Tick;
        let mut has_users = true;
        loop {
            let queued = self.queue.len();
            self.handle(Event::Queued(queued));
            self.handle(event);
            self.publish_news();
            if self.roster.is_over() {
                break;
            }
            let watches = self.roster.watches_queue();
            self.queue.watch(watches);
            event = if watches && (self.queue.len() > 0) != (queued > 0) {
                // It changed before we watched, and nobody told.
                Event::Tick
            } else {
                self.next_event(&mut has_users).await
            };
        }
        let Self {
            plan,
            guardian,
            members,
            board,
            over,
            ..
        } = self;
        // The folder of the sockets goes before anyone hears that it is over,
        // and so does the guard, when it hears that there is nothing to guard.
        drop((plan, members));
        guardian.leave().await;
        tracing::debug!(queued = board.queue.len(), "the pool has stopped");
        over.send_replace(true);
    }

    async fn next_event(&mut self, has_users: &mut bool) -> Event {
        let now = Instant::now();
        let idle_check = self.roster.has_surplus().then(|| now + self.idle_check());
        let deadline = self.roster.next_deadline();
        let wake = deadline.into_iter().chain(idle_check).min();
        let sleep = async {
            match wake {
                Some(at) => time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // In an order that a simulation can repeat. Nobody starves: deadlines
            // are met at every event.
            biased;
            note = self.inbox.recv() => self.read(note),
            command = self.commands.recv(), if *has_users => {
                *has_users = command.is_some();
                self.obey(command.unwrap_or(Command::Stop))
            }
            () = self.queue.pressure.notified() => Event::Tick,
            () = self.share.news() => self.give_back(),
            () = sleep => {
                self.send_idle_home();
                Event::Tick
            }
        }
    }

    /// How often to look for processes that have been idle for long.
    fn idle_check(&self) -> Duration {
        let (shortest, longest) = (Duration::from_millis(10), Duration::from_secs(10));
        (self.plan.idle_time / 10).clamp(shortest, longest)
    }

    fn send_idle_home(&mut self) {
        let idle: Vec<_> = self
            .members
            .iter()
            // Youngest first: the oldest is the one that requests go to.
            .rev()
            .filter_map(|(id, member)| {
                let (busyness, _) = member.service.as_ref()?;
                Some(Event::IdleSince(*id, busyness.idle_since()?))
            })
            .collect();
        for event in idle {
            self.handle(event);
        }
    }

    fn handle(&mut self, event: Event) {
        let gone = match event {
            Event::Exited { id, .. } => Some(id),
            _ => None,
        };
        let mut published = false;
        for action in self.roster.handle(Instant::now(), event) {
            tracing::trace!(?event, ?action);
            published |= matches!(action, Action::Publish(_));
            self.carry_out(action);
        }
        if let Some(id) = gone {
            self.members.remove(&id);
        }
        let gate = self.roster.gate();
        let changed = gate != self.gate;
        if changed {
            self.gate = gate;
            self.selector.set_gate(gate, self.last_failure.clone());
        }
        if changed && gate != Gate::Open {
            self.queue.wake_all();
        } else if published {
            self.queue.wake_head();
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Spawn(id) => {
                (self.launch)(Launch {
                    id,
                    command: Arc::clone(&self.plan.command),
                    sockets: self.plan.sockets.clone(),
                    guard: Arc::clone(&self.plan.guard),
                    start_timeout: self.plan.start_timeout,
                    warm_up: self.plan.warm_up.clone(),
                    shutdown_timeout: self.plan.shutdown_timeout,
                    beside_others: self.members.values().any(Member::has_served),
                    notes: self.notes.clone(),
                });
            }
            Action::Publish(id) => {
                if let Some(member) = self.members.get(&id)
                    && let Some((busyness, client)) = &member.service
                {
                    let process = Process::new(
                        Arc::clone(client),
                        Arc::clone(busyness),
                        self.plan.unlimited.clone(),
                        Arc::clone(&self.queue),
                    );
                    let service = self.layer.layer(process);
                    self.selector.publish(id, member.pid, service);
                }
            }
            Action::Withdraw(id) => {
                self.asked.detached(id);
                drop(self.selector.withdraw(id));
                if let Some(member) = self.members.get(&id)
                    && let Some((busyness, client)) = &member.service
                {
                    // A server that shuts down may wait for its connections.
                    client.close();
                    busyness.drain();
                }
            }
            Action::Terminate(id) => {
                self.asked.detached(id);
                if let Some(member) = self.members.get(&id) {
                    member.group.terminate();
                }
            }
            Action::Kill(id) => {
                if let Some(member) = self.members.get(&id) {
                    tracing::warn!(pid = member.pid, "process does not leave, and is killed");
                    member.group.kill();
                }
            }
            Action::Restarted(replaced) => {
                tracing::info!(replaced, "the application has restarted");
                self.restarts.finish(Instant::now());
                // Whoever has asked may look at once.
                self.publish_news();
                self.asked.restarted(replaced);
            }
            Action::RestartFailed => {
                tracing::warn!(
                    left = self.roster.due(),
                    "the restart has failed: new processes do not start, the old ones stay"
                );
                self.restarts.fail(Instant::now());
                self.publish_news();
                self.asked.restart_failed(self.last_failure.clone());
            }
            Action::NotDetached(id) => {
                self.asked.not_detached(id, self.last_failure.clone());
            }
        }
    }

    fn publish_news(&self) {
        let entries = self.roster.processes().filter_map(|(id, state)| {
            let member = self.members.get(&id)?;
            Some(Entry {
                pid: member.pid,
                state: match state {
                    State::Starting => ProcessState::Starting,
                    State::Ready => ProcessState::Ready,
                    State::Draining { .. } => ProcessState::Draining,
                    State::Terminating { .. } | State::Killed => ProcessState::Terminating,
                },
                started: member.started,
                busyness: member
                    .service
                    .as_ref()
                    .map(|(busyness, _)| Arc::clone(busyness)),
            })
        });
        let mut news = self
            .board
            .news
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        news.processes = entries.collect();
        news.due = self.roster.due();
        news.started = self.started;
        news.pause = self.roster.pause();
        news.resisting = self.roster.is_resisting();
        news.restarts = self.restarts;
        news.waits_for_budget = self.roster.is_refused();
        news.stopping = matches!(self.gate, Gate::Stopping | Gate::Closed);
        news.last_start_failure.clone_from(&self.last_failure);
    }
}
