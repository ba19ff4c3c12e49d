use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::time::Instant;

use crate::{
    member::Member,
    rota::{Action, Event, MemberId, Phase, Rota},
};

type Demand = Arc<dyn Fn() -> bool + Send + Sync>;

/// Services of which few rest at the same time.
///
/// Clones are the same group. By default one service rests at a time, and
/// nothing keeps it from that; a service that is alone in its group rests
/// whenever it asks.
///
/// ```
/// use peregrine_out_of_band::{OutOfBandLayer, RestGroup};
///
/// let group = RestGroup::new().max_resting(2);
/// let tidy = OutOfBandLayer::new(|| async { /* tidy up */ }).group(group.clone());
/// let compact = OutOfBandLayer::new(|| async { /* compact */ }).group(group.clone());
/// # let _ = (tidy, compact);
/// assert_eq!(group.resting(), 0);
/// ```
#[derive(Clone)]
#[must_use]
pub struct RestGroup {
    max_resting: usize,
    demand: Demand,
    shared: Arc<Shared>,
}

/// What all members of a group have in common.
struct Shared {
    table: Mutex<Table>,
    demand: Demand,
    /// Somebody would rest if nobody waited: whoever ends a request looks
    /// again. Read without the lock, since it is nearly never so.
    ///
    /// Written under the lock. A reader that misses it does no harm: somebody
    /// waited when it was set, whose own request will end.
    waits_for_calm: AtomicBool,
}

struct Table {
    rota: Rota,
    /// Weak: a member is gone when its service is.
    members: BTreeMap<MemberId, Weak<Member>>,
}

/// What a member is to do that has told that it is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Work,
    /// It takes requests again, or is gone.
    NotNow,
}

impl RestGroup {
    /// A group of which one member rests at a time.
    pub fn new() -> Self {
        Self::with(1, Arc::new(|| false))
    }

    /// How many may be away at the same time, draining or at work; as
    /// Passenger's `max_out_of_band_work_instances`. Default: 1, and at least
    /// that. This makes a new group: clones of the former one stay apart.
    pub fn max_resting(self, services: usize) -> Self {
        Self::with(services.max(1), self.demand)
    }

    /// Says whether anybody waits for a member of this group. While that is
    /// so, the last one that takes requests does not leave to rest. Default:
    /// nobody ever waits. This makes a new group: clones of the former one
    /// stay apart.
    ///
    /// It is asked under a lock, and is to be quick.
    pub fn demand(self, demand: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self::with(self.max_resting, Arc::new(demand))
    }

    /// How many are away: draining, at work, or gone in the midst of it.
    pub fn resting(&self) -> usize {
        self.table().rota.away()
    }

    fn with(max_resting: usize, demand: Demand) -> Self {
        Self {
            max_resting,
            demand: Arc::clone(&demand),
            shared: Arc::new(Shared {
                table: Mutex::new(Table {
                    rota: Rota::new(max_resting),
                    members: BTreeMap::new(),
                }),
                demand,
                waits_for_calm: AtomicBool::new(false),
            }),
        }
    }

    pub(crate) fn join(&self, make: impl FnOnce(MemberId) -> Arc<Member>) -> Arc<Member> {
        let mut table = self.table();
        let member = make(table.rota.join());
        let weak = Arc::downgrade(&member);
        table.members.insert(member.id(), weak);
        drop(table);
        // Those who were the last one are no longer.
        self.tell(Event::Calmer);
        member
    }

    pub(crate) fn phase(&self, id: MemberId) -> Option<Phase> {
        self.table().rota.phase(id)
    }

    /// A request is over.
    pub(crate) fn request_ended(&self) {
        if self.shared.waits_for_calm.load(Ordering::SeqCst) {
            self.tell(Event::Calmer);
        }
    }

    /// Carries out what an event leads to. The verdict is for a member that
    /// says that it is drained.
    ///
    /// Gates open and close under the lock, in the order of the decisions.
    /// Wakers are called, and rests begin, after it: both may lead back here.
    pub(crate) fn tell(&self, event: Event) -> Verdict {
        let mut verdict = Verdict::NotNow;
        let (mut opened, mut begun) = (Vec::new(), Vec::new());
        let mut table = self.table();
        if let Event::Left(id) = event {
            table.members.remove(&id);
        }
        let actions = table
            .rota
            .handle(Instant::now(), event, || (self.shared.demand)());
        for action in actions {
            tracing::trace!(?event, ?action);
            let (Action::Drain(id) | Action::Work(id) | Action::Open(id)) = action;
            let member = table.members.get(&id).and_then(Weak::upgrade);
            match (action, member) {
                (Action::Drain(_), Some(member)) => {
                    member.close();
                    begun.push(member);
                }
                (Action::Open(_), Some(member)) => {
                    member.open();
                    opened.push(member);
                }
                (Action::Work(_), _) => verdict = Verdict::Work,
                // Its last service is being dropped, and will say so.
                (_, None) => {}
            }
        }
        let waits = table.rota.waits_for_calm();
        self.shared.waits_for_calm.store(waits, Ordering::SeqCst);
        drop(table);
        for member in opened {
            member.wake();
        }
        begun.into_iter().for_each(Member::begin_rest);
        verdict
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The rota is whole between any two statements, whoever panicked.
        self.shared
            .table
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for RestGroup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RestGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestGroup")
            .field("max_resting", &self.max_resting)
            .field("resting", &self.resting())
            .finish_non_exhaustive()
    }
}
