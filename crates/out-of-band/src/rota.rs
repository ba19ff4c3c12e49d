//! Who rests next. Pure: events go in with the time, actions come out.
//!
//! ```text
//!            asks            its turn             drained             over
//! Awake ─────────▶ Waiting ──────────▶ Draining ──────────▶ Resting ─────────▶ Awake
//!   ▲                 ▲                 │    │
//!   │                 └── the others ───┘    │
//!   │                      went away         │
//!   └────────────────────── late ────────────┘
//! ```
//!
//! 1. Who asks takes requests until it is its turn: first come, first served.
//!    So no more services are away than may rest, however many ask.
//! 2. It is its turn when fewer than `max_resting` drain or rest, and when it
//!    can be spared: another member takes requests, or nobody waits for one.
//!    That is looked at again when it is drained.
//! 3. One that takes too long to drain takes requests again, and for a while
//!    does not try again. It may hold a stream without an end.
//! 4. Who asks while it drains has asked already. Who asks while it rests will
//!    rest again: that work may have come too late for the one that is running.
//! 5. A member that goes away gives its turn back when its work has ended.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

/// Names a member for its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemberId(u64);

/// How long a member that could not drain is left in peace: rule 3.
pub(crate) const PAUSE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Asked(MemberId),
    /// Nothing runs in it any more.
    Drained(MemberId),
    /// What runs in it took too long.
    NotDrained(MemberId),
    /// Its work has ended, however, or will never begin.
    Over(MemberId),
    Left(MemberId),
    /// Fewer may be waiting for a member than before.
    Calmer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It takes nothing new, and tells when it is drained.
    Drain(MemberId),
    /// It does its work, and tells when that is over.
    Work(MemberId),
    /// It takes requests again.
    Open(MemberId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Takes requests. Does not rest before the given time.
    Awake {
        not_before: Option<Instant>,
    },
    /// Takes requests, and is to rest.
    Waiting,
    Draining,
    Resting {
        again: bool,
    },
    /// Gone, but its work may still be running.
    Leaving,
}

#[derive(Debug)]
pub(crate) struct Rota {
    max_resting: usize,
    members: BTreeMap<MemberId, Phase>,
    /// Those in [`Phase::Waiting`], in the order in which they asked.
    waiting: VecDeque<MemberId>,
    next: u64,
}

impl Rota {
    pub(crate) const fn new(max_resting: usize) -> Self {
        Self {
            max_resting,
            members: BTreeMap::new(),
            waiting: VecDeque::new(),
            next: 0,
        }
    }

    /// Takes a member in. Tell [`Event::Calmer`] then: others may be spared now.
    pub(crate) fn join(&mut self) -> MemberId {
        let id = MemberId(self.next);
        self.next += 1;
        self.members.insert(id, Phase::Awake { not_before: None });
        id
    }

    /// Takes an event in, and says what is to be done now, in this order.
    /// `demand` tells whether anybody waits for a member.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        event: Event,
        demand: impl Fn() -> bool,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        self.apply(now, event, &demand, &mut actions);
        self.give_turns(demand, &mut actions);
        actions
    }

    pub(crate) fn phase(&self, id: MemberId) -> Option<Phase> {
        self.members.get(&id).copied()
    }

    /// How many drain or rest.
    pub(crate) fn away(&self) -> usize {
        self.members.len() - self.awake()
    }

    /// Whether someone would have its turn if nobody waited for a member: then
    /// it is worth telling [`Event::Calmer`].
    pub(crate) fn waits_for_calm(&self) -> bool {
        !self.waiting.is_empty() && self.away() < self.max_resting
    }

    fn apply(
        &mut self,
        now: Instant,
        event: Event,
        demand: &impl Fn() -> bool,
        actions: &mut Vec<Action>,
    ) {
        let (Event::Asked(id)
        | Event::Drained(id)
        | Event::NotDrained(id)
        | Event::Over(id)
        | Event::Left(id)) = event
        else {
            return;
        };
        let Some(phase) = self.phase(id) else {
            return;
        };
        let next = match (event, phase) {
            (Event::Asked(_), Phase::Awake { not_before }) => {
                if not_before.is_some_and(|at| now < at) {
                    return;
                }
                self.waiting.push_back(id);
                Phase::Waiting
            }
            (Event::Asked(_), Phase::Resting { .. }) => Phase::Resting { again: true },
            (Event::Drained(_), Phase::Draining) => {
                if self.awake() > 0 || !demand() {
                    actions.push(Action::Work(id));
                    Phase::Resting { again: false }
                } else {
                    // The next turn is its own.
                    self.waiting.push_front(id);
                    actions.push(Action::Open(id));
                    Phase::Waiting
                }
            }
            (Event::NotDrained(_), Phase::Draining) => {
                actions.push(Action::Open(id));
                Phase::Awake {
                    not_before: Some(now + PAUSE),
                }
            }
            (Event::Over(_), Phase::Resting { again: true }) => {
                self.waiting.push_back(id);
                actions.push(Action::Open(id));
                Phase::Waiting
            }
            (Event::Over(_), Phase::Draining | Phase::Resting { again: false }) => {
                actions.push(Action::Open(id));
                Phase::Awake { not_before: None }
            }
            (Event::Left(_), Phase::Draining | Phase::Resting { .. }) => Phase::Leaving,
            (Event::Left(_), _)
            | (Event::Drained(_) | Event::NotDrained(_) | Event::Over(_), Phase::Leaving) => {
                self.waiting.retain(|other| *other != id);
                self.members.remove(&id);
                return;
            }
            _ => return,
        };
        self.members.insert(id, next);
    }

    fn give_turns(&mut self, demand: impl Fn() -> bool, actions: &mut Vec<Action>) {
        while self.away() < self.max_resting
            && let Some(id) = self.waiting.front().copied()
            // The first of those who wait is awake itself.
            && (self.awake() > 1 || !demand())
        {
            self.waiting.pop_front();
            self.members.insert(id, Phase::Draining);
            actions.push(Action::Drain(id));
        }
    }

    /// How many take requests.
    fn awake(&self) -> usize {
        self.members
            .values()
            .filter(|phase| matches!(phase, Phase::Awake { .. } | Phase::Waiting))
            .count()
    }
}

#[cfg(test)]
mod tests;
