//! How many processes several pools may have together.

mod ledger;

use std::{
    collections::BTreeMap,
    fmt,
    future::pending,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use self::ledger::{AccountId, Ledger, Start};
pub(crate) use self::ledger::{Debt, Spare, Standing};

/// How many processes several pools may have together, as Passenger's
/// `passenger_max_pool_size`. Clones are the same.
///
/// ```
/// use std::num::NonZeroUsize;
/// use peregrine_upstream_pool::{AppCommand, ProcessBudget, UpstreamPool};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let budget = ProcessBudget::new(NonZeroUsize::new(4).unwrap());
/// let pool = |instances| {
///     let command = AppCommand::new("sh").args(["-c", "exec python3 -m http.server $PORT"]);
///     let pool = UpstreamPool::builder(command).min_instances(instances);
///     pool.process_budget(&budget).spawn()
/// };
/// let (_forum, forum) = pool(3)?;
/// let (_shop, shop) = pool(0)?;
/// assert!(pool(1).is_err(), "nothing would be left for the shop");
/// # forum.stop().await;
/// # shop.stop().await;
/// assert_eq!(budget.processes(), 0);
/// # Ok(())
/// # }
/// ```
///
/// - A pool's [`min_instances`](crate::Builder::min_instances) are always there for
///   it, whatever the others do.
/// - What is beyond goes to who needs it. A pool that has no process, and a request,
///   gets the next one: another pool that has two or more gives one back for it,
///   which finishes what it has. A pool that wants more gets what has been idle
///   elsewhere for five seconds.
/// - A process counts until it is gone, with two exceptions: one that is being
///   replaced, as by a [restart](crate::PoolHandle::restart), is there together with
///   its successor for a while; and what is late in leaving does not keep a pool
///   below its `min_instances`.
/// - If there are more pools than processes, one that has none waits until that of
///   another has nothing to do.
///
/// Give it to each pool before requests come: one that joins late takes what is its
/// own, even if the others have lent it among them.
#[derive(Clone)]
pub struct ProcessBudget(Arc<Mutex<State>>);

struct State {
    ledger: Ledger,
    members: BTreeMap<AccountId, Member>,
}

/// A pool, for those of the others.
struct Member {
    /// Told when it may start a process, or is to give one back.
    news: Arc<Notify>,
    idle_since: IdleSince,
}

/// Since when one of a pool's processes has had nothing to do: that which has had
/// nothing for longest. Called under the lock of the budget.
pub(crate) type IdleSince = Box<dyn Fn() -> Option<Instant> + Send + Sync>;

/// A pool's part in a budget. Clones are the same; when the last is dropped, what the
/// pool had is free.
#[derive(Clone, Debug)]
pub(crate) struct Share(Option<Arc<Seat>>);

struct Seat {
    budget: ProcessBudget,
    id: AccountId,
    news: Arc<Notify>,
}

impl ProcessBudget {
    /// For so many processes.
    #[must_use]
    pub fn new(max: NonZeroUsize) -> Self {
        Self(Arc::new(Mutex::new(State {
            ledger: Ledger::new(max.get()),
            members: BTreeMap::new(),
        })))
    }

    /// How many processes there may be.
    pub fn max(&self) -> usize {
        self.state().ledger.max()
    }

    /// How many there are, those that are leaving among them.
    pub fn processes(&self) -> usize {
        self.state().ledger.used()
    }

    /// For one more pool, unless what is reserved would be more than there is.
    pub(crate) fn join(&self, reserve: usize, idle_since: IdleSince) -> Option<Share> {
        let mut state = self.state();
        let id = state.ledger.open(reserve)?;
        let news = Arc::<Notify>::default();
        let member = Member {
            news: Arc::clone(&news),
            idle_since,
        };
        state.members.insert(id, member);
        drop(state);
        let budget = self.clone();
        Some(Share(Some(Arc::new(Seat { budget, id, news }))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell(&self, id: AccountId) {
        if let Some(member) = self.members.get(&id) {
            member.news.notify_one();
        }
    }

    /// Something may have become free.
    fn tell_lucky(&self) {
        self.ledger.lucky().for_each(|id| self.tell(id));
    }
}

impl Share {
    /// For a pool that shares with nobody.
    pub(crate) const fn unlimited() -> Self {
        Self(None)
    }

    /// Whether a pool that stands so may start one more process. If not, it is told
    /// when it may; but that something has become idle nobody tells: it is to ask
    /// again after a while.
    pub(crate) fn start(&self, standing: Standing, now: Instant) -> bool {
        let Some(seat) = &self.0 else {
            return true;
        };
        let mut state = seat.budget.state();
        let State { ledger, members } = &mut *state;
        let idle = |id| {
            let since = (members.get(&id)?.idle_since)()?;
            Some(now.saturating_duration_since(since))
        };
        match ledger.start(seat.id, standing, now, idle) {
            Start::Granted => true,
            Start::Refused { asked } => {
                if let Some(asked) = asked {
                    state.tell(asked);
                }
                false
            }
        }
    }

    /// A process starts in the place of one that is to leave.
    pub(crate) fn start_anyway(&self) {
        if let Some(seat) = &self.0 {
            seat.budget.state().ledger.start_anyway(seat.id);
        }
    }

    /// How the pool stands after all that was to be done, whether it still wishes to
    /// start a process, and whether it has paid its debt, or cannot.
    pub(crate) fn settle(&self, standing: Standing, wishes: bool, paid: bool) {
        if let Some(seat) = &self.0 {
            let mut state = seat.budget.state();
            state.ledger.settle(seat.id, standing, wishes, paid);
            state.tell_lucky();
        }
    }

    /// What the pool is asked to give back.
    pub(crate) fn debt(&self) -> Option<Debt> {
        let seat = self.0.as_ref()?;
        seat.budget.state().ledger.debt(seat.id)
    }

    /// Resolves when there is something to start, or to give back. Nothing is lost if
    /// this is dropped.
    pub(crate) async fn news(&self) {
        match &self.0 {
            Some(seat) => seat.news.notified().await,
            None => pending().await,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.ledger.close(self.id);
        let member = state.members.remove(&self.id);
        state.tell_lucky();
        drop(state);
        // It may hold what is locked within the lock of the budget.
        drop(member);
    }
}

impl fmt::Debug for ProcessBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("ProcessBudget")
            .field("max", &state.ledger.max())
            .field("processes", &state.ledger.used())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
