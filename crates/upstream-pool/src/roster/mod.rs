//! Which processes exist, in which state, and what to do next.
//!
//! Pure: events go in with the time, actions come out. The
//! [supervisor](crate::supervisor) carries them out.
//!
//! ```text
//! Starting ──ready──▶ Ready ──withdraw──▶ Draining ──drained──▶ Terminating ──late──▶ Killed
//!     │                 │                     │                      │                  │
//!     └─────────────────┴──────── gone ───────┴──────────────────────┴──────────────────┘
//! ```
//!
//! 1. Starting and ready processes together are the *active* ones: at least
//!    `min` of them while nothing fails, never more than `max`. Those that are
//!    leaving do not count, so that a stuck process does not keep its
//!    successor out; but there are never more than `2 * max` in all.
//! 2. While requests queue, one more is started at a time; and only if they
//!    still do once the one before has taken what it can.
//! 3. A ready process that has been idle for a while leaves, down to `min`.
//! 4. One that is gone is replaced at once. If it had not proven itself, or a
//!    start fails, the next start waits, longer each time; and while failures
//!    last, starts are tried one at a time.
//! 5. After a stop, nothing is started. Ready processes stay until the queue
//!    is empty, then drain, then go; each step has a deadline.
//! 6. One that is to be replaced (it runs old code, has reached a limit, or is
//!    to be detached though no other one is ready) takes requests until its
//!    replacement is ready. That one starts while no other process starts or
//!    leaves: there is at most one too many, `max + 1` in all.
//! 7. A restart fails with the first pause between starts. What then still runs
//!    old code goes on, and none leaves for being idle, until a process gets
//!    ready or a restart is asked for again.
//! 8. Where pools share a [budget](crate::budget), what it refuses is asked for
//!    again until it is granted, or not wanted any more; and what it asks for
//!    leaves, if there still is one to spare.

mod backoff;
mod rolling;
#[cfg(test)]
mod tests;
mod wear;
mod words;

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use self::{
    backoff::Backoff,
    rolling::{Due, Rolling},
};
pub(crate) use self::{
    wear::max_requests,
    words::{Action, Event, Gate, Policy, ProcessId, State},
};
use crate::budget::{Share, Spare, Standing};

/// How long a process that has just become ready is given to take what waits
/// in the queue, before the queue asks for one more.
const SETTLING: Duration = Duration::from_millis(20);

/// How long until a pool that may not start a process looks again whether another
/// one has a process that has nothing to do. Of that nobody tells.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(crate) struct Roster {
    policy: Policy,
    share: Share,
    processes: BTreeMap<ProcessId, State>,
    next: ProcessId,
    queued: usize,
    backoff: Backoff,
    rolling: Rolling,
    /// No start for the queue's sake before this.
    settled_at: Option<Instant>,
    /// When to ask for a process again that the budget has refused.
    look_again_at: Option<Instant>,
    /// When a stop no longer waits for queued requests.
    stop_at: Option<Instant>,
}

impl Roster {
    pub(crate) fn new(policy: Policy, share: Share) -> Self {
        Self {
            policy,
            share,
            processes: BTreeMap::new(),
            next: ProcessId::new(1),
            queued: 0,
            backoff: Backoff::default(),
            rolling: Rolling::default(),
            settled_at: None,
            look_again_at: None,
            stop_at: None,
        }
    }

    /// Takes an event in, and says what is to be done now, in this order.
    pub(crate) fn handle(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.look_again_at = None;
        self.apply(now, event, &mut actions);
        if self.stop_at.is_some() {
            self.wind_up(now, &mut actions);
        } else {
            self.give_up_restart(now, &mut actions);
            self.fill_up(now, &mut actions);
            self.roll(now, &mut actions);
            self.finish_restart(&mut actions);
        }
        // Last, since a stop may withdraw with no time left to drain.
        self.meet_deadlines(now, &mut actions);
        let paid = matches!(event, Event::GiveBack(_));
        self.share.settle(self.standing(), self.is_refused(), paid);
        actions
    }

    /// When to come back with [`Event::Tick`] if nothing happens before.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let leaving = self.processes.values().filter_map(|state| match state {
            State::Draining { until } | State::Terminating { until } => Some(*until),
            State::Starting | State::Ready | State::Killed => None,
        });
        let stop = self.stop_at.filter(|_| self.count(State::Ready) > 0);
        let start = self.backoff.retry_at().into_iter();
        let start = start.chain(self.settled_at).chain(self.look_again_at);
        let start = start.filter(|_| self.stop_at.is_none());
        leaving.chain(stop).chain(start).min()
    }

    pub(crate) fn gate(&self) -> Gate {
        match (self.stop_at, self.backoff.retry_at()) {
            (Some(_), _) if self.count(State::Ready) > 0 => Gate::Stopping,
            (Some(_), _) => Gate::Closed,
            (None, Some(retry_at)) if self.active() == 0 => Gate::Failing { retry_at },
            (None, _) => Gate::Open,
        }
    }

    /// Whether idle processes may leave: then it is worth telling which are.
    pub(crate) fn has_surplus(&self) -> bool {
        self.stop_at.is_none()
            && !self.rolling.is_resisting()
            && !self.policy.idle_time.is_zero()
            && self.count(State::Ready) > self.policy.min
    }

    /// Whether it matters that requests begin to queue, or no longer do.
    pub(crate) fn watches_queue(&self) -> bool {
        self.stop_at.is_some() || self.active() < self.policy.max
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stop_at.is_some() && self.processes.is_empty()
    }

    /// How many processes are to be replaced.
    pub(crate) fn due(&self) -> usize {
        self.rolling.left()
    }

    /// Starts that came to nothing, in a row, and when the next one is tried;
    /// while that is still to come.
    pub(crate) fn pause(&self) -> Option<(u32, Instant)> {
        let retry_at = self.backoff.retry_at()?;
        Some((self.backoff.failures(), retry_at))
    }

    /// Whether this process is to be replaced.
    pub(crate) fn is_due(&self, id: ProcessId) -> bool {
        self.rolling.is_due(id)
    }

    /// Whether old processes stay since new ones do not start: rule 7.
    pub(crate) const fn is_resisting(&self) -> bool {
        self.rolling.is_resisting()
    }

    /// Whether the budget has refused a process.
    pub(crate) const fn is_refused(&self) -> bool {
        self.look_again_at.is_some()
    }

    /// Those that are ready, oldest first.
    pub(crate) fn ready(&self) -> impl Iterator<Item = ProcessId> {
        let ready = self.processes().filter(|(_, state)| *state == State::Ready);
        ready.map(|(id, _)| id)
    }

    /// One that is starting, in the place of no other one: the youngest.
    pub(crate) fn starts_beyond(&self) -> Option<ProcessId> {
        let starting = self.all(State::Starting).into_iter().rev();
        let mut beyond = starting.filter(|id| !self.rolling.is_replacement(*id));
        beyond.next()
    }

    pub(crate) fn processes(&self) -> impl Iterator<Item = (ProcessId, State)> {
        self.processes.iter().map(|(id, state)| (*id, *state))
    }

    fn apply(&mut self, now: Instant, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Queued(queued) => self.queued = queued,
            Event::Ready(id) => {
                if self.is(id, State::Starting) {
                    self.processes.insert(id, State::Ready);
                    self.backoff.start_succeeded();
                    self.settled_at = Some(now + SETTLING);
                    actions.push(Action::Publish(id));
                    if let Some(old) = self.rolling.got_ready(id) {
                        self.withdraw(now, old, actions);
                    }
                }
            }
            Event::StartFailed(id) => {
                self.rolling.left_service(id);
                if self.processes.remove(&id) == Some(State::Starting) {
                    self.backoff.start_failed(now);
                }
            }
            Event::Exited { id, proven } => {
                if self.processes.remove(&id) == Some(State::Ready) {
                    actions.push(Action::Withdraw(id));
                    self.judge(now, id, proven);
                }
                self.rolling.left_service(id);
            }
            Event::Unhealthy { id, proven } => {
                if self.is(id, State::Ready) {
                    self.judge(now, id, proven);
                    self.withdraw(now, id, actions);
                }
            }
            Event::Drained(id) => {
                if matches!(self.processes.get(&id), Some(State::Draining { .. })) {
                    self.terminate(now, id, actions);
                }
            }
            Event::IdleSince(id, since) => {
                if self.has_surplus()
                    && self.queued == 0
                    && self.is(id, State::Ready)
                    && now.saturating_duration_since(since) >= self.policy.idle_time
                {
                    self.withdraw(now, id, actions);
                }
            }
            Event::GiveBack(Some(id)) => {
                let spare = self.spare();
                let may_be_ready = spare == Spare::Last || self.count(State::Ready) > 1;
                if spare == Spare::Nothing || (spare == Spare::Last && self.queued > 0) {
                    // It was to spare, and is needed now.
                } else if self.is(id, State::Starting) {
                    self.terminate(now, id, actions);
                } else if self.is(id, State::Ready) && may_be_ready {
                    self.withdraw(now, id, actions);
                }
            }
            Event::Restart => {
                if self.stop_at.is_none() {
                    // Whoever asks has put right what was wrong.
                    self.backoff = Backoff::default();
                    self.rolling.restart(self.all(State::Ready));
                    // They may have read what is now out of date.
                    self.end_starts(now, actions);
                }
            }
            Event::Detach(id) => {
                if self.is(id, State::Starting) {
                    self.terminate(now, id, actions);
                } else if self.is(id, State::Ready) {
                    if self.count(State::Ready) > 1 {
                        self.withdraw(now, id, actions);
                    } else {
                        self.backoff = Backoff::default();
                        self.rolling.mark(id, Due::Detach);
                    }
                }
            }
            Event::Worn(id) => {
                if self.is(id, State::Ready) && self.stop_at.is_none() {
                    self.rolling.mark(id, Due::Worn);
                }
            }
            Event::Stop => {
                if self.stop_at.is_none() {
                    let stop_at = now + self.policy.stop_timeout;
                    self.stop_at = Some(stop_at);
                    for state in self.processes.values_mut() {
                        if let State::Draining { until } = state {
                            *until = stop_at.min(*until);
                        }
                    }
                    self.rolling = Rolling::default();
                    self.end_starts(now, actions);
                }
            }
            Event::GiveBack(None) | Event::Tick => {}
        }
    }

    fn end_starts(&mut self, now: Instant, actions: &mut Vec<Action>) {
        for id in self.all(State::Starting) {
            self.terminate(now, id, actions);
        }
    }

    fn meet_deadlines(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let late: Vec<_> = self
            .processes()
            .filter(|(_, state)| match state {
                State::Draining { until } | State::Terminating { until } => *until <= now,
                State::Starting | State::Ready | State::Killed => false,
            })
            .collect();
        for (id, state) in late {
            if matches!(state, State::Draining { .. }) {
                self.terminate(now, id, actions);
            } else {
                self.processes.insert(id, State::Killed);
                actions.push(Action::Kill(id));
            }
        }
        self.backoff.tick(now);
        self.settled_at = self.settled_at.filter(|at| *at > now);
    }

    fn fill_up(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let starting = self.count(State::Starting);
        let mut wanted = self.policy.min;
        // The one that was to settle may be gone.
        let settled = self.settled_at.is_none_or(|at| at <= now) || self.active() == 0;
        if self.queued > 0 && starting == 0 && settled {
            wanted = wanted.max(self.active() + 1);
        }
        if self.backoff.is_failing() {
            wanted = wanted.min(self.count(State::Ready) + 1);
        }
        if !self.backoff.may_start(now) {
            return;
        }
        while self.active() < wanted.min(self.policy.max)
            && self.processes.len() < 2 * self.policy.max
        {
            if !self.share.start(self.standing(), now) {
                self.look_again_at = Some(now + LOOK_AGAIN);
                return;
            }
            self.spawn(actions);
        }
    }

    fn spawn(&mut self, actions: &mut Vec<Action>) -> ProcessId {
        let id = self.next;
        self.next = id.next();
        self.processes.insert(id, State::Starting);
        actions.push(Action::Spawn(id));
        id
    }

    /// Starts the next replacement, if it is time.
    fn roll(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let calm = self.count(State::Ready) == self.processes.len();
        if self.rolling.wants_replacement() && calm && self.backoff.may_start(now) {
            self.share.start_anyway();
            let id = self.spawn(actions);
            self.rolling.starts(id);
        }
    }

    fn give_up_restart(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.backoff.may_start(now) {
            return;
        }
        let (restart_failed, kept) = self.rolling.starts_fail();
        actions.extend(kept.into_iter().map(Action::NotDetached));
        if restart_failed {
            actions.push(Action::RestartFailed);
        }
    }

    /// While none is ready and there are others, nobody knows yet.
    fn finish_restart(&mut self, actions: &mut Vec<Action>) {
        let known = self.count(State::Ready) > 0 || self.processes.is_empty();
        if known
            && self.rolling.is_restarting()
            && let Some(replaced) = self.rolling.finish_restart()
        {
            actions.push(Action::Restarted(replaced));
        }
    }

    /// Requests that queued before the stop are still served.
    fn wind_up(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.queued == 0 || self.stop_at.is_some_and(|at| at <= now) {
            for id in self.all(State::Ready) {
                self.withdraw(now, id, actions);
            }
        }
    }

    fn withdraw(&mut self, now: Instant, id: ProcessId, actions: &mut Vec<Action>) {
        // A stop has one deadline for the queue and for what runs.
        let until = match self.stop_at {
            Some(stop_at) => stop_at.max(now),
            None => now + self.policy.drain_timeout,
        };
        self.processes.insert(id, State::Draining { until });
        self.rolling.left_service(id);
        actions.push(Action::Withdraw(id));
    }

    fn terminate(&mut self, now: Instant, id: ProcessId, actions: &mut Vec<Action>) {
        let until = now + self.policy.shutdown_timeout;
        self.processes.insert(id, State::Terminating { until });
        self.rolling.left_service(id);
        actions.push(Action::Terminate(id));
    }

    /// A ready process was lost.
    fn judge(&mut self, now: Instant, id: ProcessId, proven: bool) {
        if self.rolling.is_due(id) {
            // It says nothing about what will be started in its place.
        } else if proven {
            self.backoff.proven();
        } else {
            self.backoff.died_young(now);
        }
    }

    fn standing(&self) -> Standing {
        Standing {
            reserve: if self.stop_at.is_some() {
                0
            } else {
                self.policy.min
            },
            active: self.active(),
            all: self.processes.len(),
            spare: self.spare(),
        }
    }

    /// Old processes that stay since new ones do not start are not to be had again.
    fn spare(&self) -> Spare {
        let (ready, active) = (self.count(State::Ready), self.active());
        // Whether anybody waits is looked at when it is to leave: nobody tells when
        // the queue gets empty and no more processes may be started.
        let is_calm = self.count(State::Starting) == 0;
        if self.stop_at.is_some() || self.rolling.is_resisting() || ready == 0 {
            Spare::Nothing
        } else if active > self.policy.min.max(1) {
            Spare::OneOfSeveral
        } else if active > self.policy.min && is_calm {
            Spare::Last
        } else {
            Spare::Nothing
        }
    }

    fn is(&self, id: ProcessId, state: State) -> bool {
        self.processes.get(&id) == Some(&state)
    }

    fn all(&self, state: State) -> Vec<ProcessId> {
        let all = self.processes().filter(|(_, other)| *other == state);
        all.map(|(id, _)| id).collect()
    }

    fn count(&self, state: State) -> usize {
        self.processes.values().filter(|s| **s == state).count()
    }

    /// Without the one too many of rule 6.
    fn active(&self) -> usize {
        let surplus = usize::from(self.rolling.has_surplus());
        self.count(State::Starting) + self.count(State::Ready) - surplus
    }
}
