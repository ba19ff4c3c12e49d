//! What the supervisor is told: by processes and by those who use the pool.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::Request;
use tokio::time::{self, Instant};
use tower_layer::Layer;
use tower_service::Service;

use super::{Member, Note, Supervisor};
use crate::{
    Error, Process, ReplaceError, RequestBody, StartReport,
    connection::{Client, Endpoint},
    handle::Command,
    process::{self, Busyness, EXIT_TIME, Pulse},
    roster::{Event, Gate, ProcessId, State, max_requests},
};

/// How long a process that was too slow with a request may take to answer a
/// ping, before it is taken to hang.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

impl<L> Supervisor<L>
where
    L: Layer<Process>,
    L::Service: Service<Request<RequestBody>, Error = Error>,
{
    pub(super) fn obey(&mut self, command: Command) -> Event {
        let stopping = matches!(self.gate, Gate::Stopping | Gate::Closed);
        match command {
            Command::Stop => {
                self.restarts.cut_off(Instant::now());
                self.asked.stop();
                Event::Stop
            }
            Command::Restart(reply) => {
                if stopping {
                    let _ = reply.send(Err(ReplaceError::stopping()));
                    return Event::Tick;
                }
                tracing::info!("the application is restarted");
                self.restarts.begin(SystemTime::now(), Instant::now());
                self.asked.restart(reply);
                Event::Restart
            }
            Command::Detach(pid, reply) => {
                let Some(id) = self.id_of(pid) else {
                    let _ = reply.send(Err(ReplaceError::unknown_process(pid)));
                    return Event::Tick;
                };
                if stopping || !self.is_wanted(id) {
                    // It leaves already.
                    let _ = reply.send(Ok(()));
                    return Event::Tick;
                }
                tracing::info!(pid, "process is detached");
                self.asked.detach(id, reply);
                Event::Detach(id)
            }
        }
    }

    pub(super) fn read(&mut self, note: Note) -> Event {
        match note {
            Note::Spawned { id, pid, group } => {
                tracing::debug!(pid, "process started");
                // Told to leave before it was there.
                let wanted = |(other, state)| other == id && state == State::Starting;
                if !self.roster.processes().any(wanted) {
                    group.kill();
                }
                let member = Member {
                    pid,
                    group,
                    started: (SystemTime::now(), Instant::now()),
                    service: None,
                    endpoint: None,
                    probed: false,
                };
                self.members.insert(id, member);
                self.started += 1;
                Event::Tick
            }
            Note::Ready { id, endpoint } => {
                self.gets_ready(id, endpoint);
                Event::Ready(id)
            }
            Note::StartFailed(id, report) => {
                self.members.remove(&id);
                if self.is_wanted(id) {
                    tracing::warn!("{report}");
                    self.last_failure = Some(Arc::new(report));
                }
                Event::StartFailed(id)
            }
            // What is left of it finishes what it has. One that leaves already does.
            Note::LeaderExited(id, report) => {
                let proven = self.is_proven(id);
                if self.is_wanted(id) {
                    self.has_died(id, report, "process died, and others of its group go on");
                }
                Event::Unhealthy { id, proven }
            }
            Note::Exited(id, report) => {
                let proven = self.is_proven(id);
                if self.is_wanted(id) {
                    self.has_died(id, report, "process died");
                } else {
                    let pid = self.members.get(&id).map(|member| member.pid);
                    let status = report.exit_status().map(tracing::field::display);
                    tracing::info!(pid, status, "process has left");
                }
                Event::Exited { id, proven }
            }
            Note::Unhealthy(id, why) => {
                if self.is_wanted(id) {
                    let pid = self.members.get(&id).map(|member| member.pid);
                    tracing::warn!(pid, why, "process is replaced");
                }
                let proven = self.is_proven(id);
                Event::Unhealthy { id, proven }
            }
            Note::Exiting(id) => {
                // Its end is the next thing that is heard of it, nearly always.
                self.tell_later(EXIT_TIME, Note::Unhealthy(id, "does not finish its exit"));
                Event::Tick
            }
            Note::Drained(id) => Event::Drained(id),
            Note::Worn(id) => {
                let pid = self.members.get(&id).map(|member| member.pid);
                tracing::info!(pid, "process has served its requests, and is replaced");
                Event::Worn(id)
            }
            Note::Heavy { pid, bytes } => match self.id_of(pid) {
                Some(id) => {
                    if !self.roster.is_due(id) {
                        tracing::warn!(pid, bytes, "process is over its memory limit");
                    }
                    Event::Worn(id)
                }
                None => Event::Tick,
            },
            Note::Overdue(id) => {
                self.probe(id);
                Event::Tick
            }
            Note::Probed { id, answers } => {
                if let Some(member) = self.members.get_mut(&id) {
                    member.probed = false;
                    if let Some((busyness, _)) = member.service.as_ref().filter(|_| answers) {
                        busyness.trust();
                    }
                }
                if answers {
                    Event::Tick
                } else {
                    self.read(Note::Unhealthy(id, "does not answer"))
                }
            }
        }
    }

    fn gets_ready(&mut self, id: ProcessId, endpoint: Endpoint) {
        if let Some(member) = self.members.get_mut(&id) {
            let after = member.started.1.elapsed();
            tracing::info!(pid = member.pid, ?after, "process ready");
            member.endpoint = Some(endpoint.clone());
            let client = Client::new(endpoint, self.plan.limits);
            let busyness = Busyness::new(
                id,
                member.pid,
                self.plan.concurrency,
                max_requests(self.plan.max_requests, id),
                Pulse::of(&member.group),
                self.notes.clone(),
            );
            member.service = Some((busyness, client));
        }
        self.last_failure = None;
    }

    /// A process that was wanted.
    fn has_died(&mut self, id: ProcessId, report: StartReport, how: &'static str) {
        let pid = self.members.get(&id).map(|member| member.pid);
        let status = report.exit_status().map(tracing::field::display);
        tracing::warn!(pid, status, "{how}");
        if !self.is_proven(id) {
            self.last_failure = Some(Arc::new(report));
        }
    }

    fn id_of(&self, pid: u32) -> Option<ProcessId> {
        let mut members = self.members.iter();
        members.find_map(|(id, member)| (member.pid == pid).then_some(*id))
    }

    /// Asks a process whether it is there, once at a time.
    fn probe(&mut self, id: ProcessId) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let Some(endpoint) = member.endpoint.clone() else {
            return;
        };
        if std::mem::replace(&mut member.probed, true) {
            return;
        }
        let notes = self.notes.clone();
        tokio::spawn(async move {
            let answers = process::answers(&endpoint, PROBE_TIMEOUT).await;
            notes.send(Note::Probed { id, answers });
        });
    }

    fn tell_later(&self, after: Duration, note: Note) {
        let notes = self.notes.clone();
        tokio::spawn(async move {
            time::sleep(after).await;
            notes.send(note);
        });
    }

    fn is_wanted(&self, id: ProcessId) -> bool {
        self.roster
            .processes()
            .any(|(other, state)| other == id && matches!(state, State::Starting | State::Ready))
    }

    fn is_proven(&self, id: ProcessId) -> bool {
        self.members
            .get(&id)
            .and_then(|member| member.service.as_ref())
            .is_some_and(|(busyness, _)| busyness.served() > 0)
    }
}
