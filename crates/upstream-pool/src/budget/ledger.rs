//! Who has how many processes, who may start one, and who is asked to give one back.
//!
//! Pure: the pools say how they stand, and are told what follows.
//!
//! 1. A pool's reserve is never refused: as many as it is always to have. Nobody else
//!    may start what would take it.
//! 2. Of what is left, pools without any process come first; then, who has waited
//!    longest. What becomes free goes to the first of them, whoever asks first.
//! 3. For a pool without any process another one gives one back: an idle one if
//!    there is any, else one that starts, else the least busy one, which finishes
//!    what it has. No pool gives its last one back unless that is idle, nobody waits
//!    for it, and no other pool has two.
//! 4. For a pool that wants more, only what has been idle for a while is given back:
//!    to start a process costs more than to let a request wait.
//! 5. A process counts until it is gone. Those that leave are waited for before
//!    anyone is asked for another one; but a pool without any process waits for them
//!    for a second only: they may hang.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// How long a process must have had nothing to do to be taken from one pool for
/// another that has some.
const UNUSED: Duration = Duration::from_secs(5);

/// How long a pool without any process waits for one to be gone before another one
/// is asked for.
const HOPE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Ledger {
    max: usize,
    accounts: BTreeMap<AccountId, Account>,
    next_account: u64,
    next_place: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AccountId(u64);

#[derive(Debug)]
struct Account {
    standing: Standing,
    wish: Option<Wish>,
    debt: Option<Debt>,
}

/// How a pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many are always to be there; none once it stops.
    pub(crate) reserve: usize,
    /// How many start or are ready.
    pub(crate) active: usize,
    /// How many there are, with those that leave.
    pub(crate) all: usize,
    pub(crate) spare: Spare,
}

/// What a pool could do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spare {
    Nothing,
    /// Its only process, if that has nothing to do.
    Last,
    /// One of those beyond its reserve, and it has another one that is ready.
    OneOfSeveral,
}

/// One more process that a pool would like to start.
#[derive(Clone, Copy, Debug)]
struct Wish {
    /// The most urgent is the least, then who has wished first.
    place: (Urgency, u64),
    /// Since when nobody was asked for it.
    hopes_since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// Its requests wait, and it has no process.
    First,
    More,
}

/// What a pool is asked to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Debt {
    /// A process that has nothing to do, if there still is one.
    Idle,
    /// Any that it can do without.
    Any,
}

/// A pool that could give something back.
#[derive(Clone, Copy, Debug)]
struct Holder {
    id: AccountId,
    spare: Spare,
    /// How many it has beyond what it is always to have.
    beyond: usize,
    /// For how long one of its processes has had nothing to do.
    idle: Option<Duration>,
}

impl Ledger {
    pub(super) const fn new(max: usize) -> Self {
        Self {
            max,
            accounts: BTreeMap::new(),
            next_account: 0,
            next_place: 0,
        }
    }

    pub(super) const fn max(&self) -> usize {
        self.max
    }

    /// How many processes there are.
    pub(super) fn used(&self) -> usize {
        self.accounts.values().map(|it| it.standing.all).sum()
    }

    /// Opens an account, unless the reserves of all, and one for those that have
    /// none, would be more than there is.
    pub(super) fn open(&mut self, reserve: usize) -> Option<AccountId> {
        let reserves = || self.accounts.values().map(|it| it.standing.reserve);
        let lends = reserves().chain([reserve]).any(|reserve| reserve == 0);
        let needed = reserves().sum::<usize>() + reserve + usize::from(lends);
        if needed > self.max {
            return None;
        }
        let id = AccountId(self.next_account);
        self.next_account += 1;
        let standing = Standing {
            reserve,
            active: 0,
            all: 0,
            spare: Spare::Nothing,
        };
        let account = Account {
            standing,
            wish: None,
            debt: None,
        };
        self.accounts.insert(id, account);
        Some(id)
    }

    pub(super) fn close(&mut self, id: AccountId) {
        self.accounts.remove(&id);
    }

    /// Has a pool start one more process, if it may; if not, it has a wish from now
    /// on, and `asked` is the pool that is to give something back for it, if one is.
    /// `idle` says for how long a process of a pool has had nothing to do.
    pub(super) fn start(
        &mut self,
        id: AccountId,
        standing: Standing,
        now: Instant,
        idle: impl Fn(AccountId) -> Option<Duration>,
    ) -> Start {
        let urgency = if standing.active == 0 {
            Urgency::First
        } else {
            Urgency::More
        };
        let Some(account) = self.accounts.get_mut(&id) else {
            return Start::Granted;
        };
        account.standing = standing;
        let known = account.wish.filter(|wish| wish.place.0 == urgency);
        let wish = known.unwrap_or(Wish {
            place: (urgency, self.next_place),
            hopes_since: now,
        });
        account.wish = Some(wish);
        self.next_place += 1;
        let rank = self.rank(id, wish);
        if standing.active < standing.reserve || rank < self.free(id) {
            self.start_anyway(id);
            return Start::Granted;
        }
        let hopes = now.saturating_duration_since(wish.hopes_since);
        let is_patient = urgency == Urgency::More || hopes < HOPE;
        if is_patient && rank < self.free_soon(id) {
            return Start::Refused { asked: None };
        }
        let asked = self.ask(id, urgency, idle);
        if asked.is_some()
            && let Some(Account {
                wish: Some(wish), ..
            }) = self.accounts.get_mut(&id)
        {
            wish.hopes_since = now;
        }
        Start::Refused { asked }
    }

    /// Has a pool start a process in the place of one that is to leave: rule 6 of
    /// the [roster](crate::roster).
    pub(super) fn start_anyway(&mut self, id: AccountId) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.standing.active += 1;
            account.standing.all += 1;
            account.wish = None;
        }
    }

    /// How a pool stands now, whether it still has its wish, and whether it has paid
    /// what it owed, or cannot.
    pub(super) fn settle(&mut self, id: AccountId, standing: Standing, wishes: bool, paid: bool) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.standing = standing;
            account.wish = account.wish.filter(|_| wishes);
            let owes = !paid && standing.spare != Spare::Nothing;
            account.debt = account.debt.filter(|_| owes);
        }
    }

    pub(super) fn debt(&self, id: AccountId) -> Option<Debt> {
        self.accounts.get(&id)?.debt
    }

    /// Who may start what it could not start before.
    pub(super) fn lucky(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().filter_map(|(id, account)| {
            let wish = account.wish?;
            (self.rank(*id, wish) < self.free(*id)).then_some(*id)
        })
    }

    /// How many wishes are to be fulfilled before this one.
    fn rank(&self, id: AccountId, wish: Wish) -> usize {
        let others = self.accounts.iter().filter(|(other, _)| **other != id);
        others
            .filter(|(_, other)| other.wish.is_some_and(|other| other.place < wish.place))
            .count()
    }

    /// How many processes may be started beyond the reserves.
    fn free(&self, id: AccountId) -> usize {
        let taken = self.used() + self.unfilled_beside(id);
        self.max.saturating_sub(taken)
    }

    /// The same, once those are gone that leave, or are to.
    fn free_soon(&self, id: AccountId) -> usize {
        let active: usize = self.accounts.values().map(|it| it.standing.active).sum();
        let owed = self.accounts.values().filter(|it| it.debt.is_some());
        let taken = active + self.unfilled_beside(id);
        (self.max + owed.count()).saturating_sub(taken)
    }

    /// How many processes the others lack.
    fn unfilled_beside(&self, id: AccountId) -> usize {
        let others = self.accounts.iter().filter(|(other, _)| **other != id);
        others
            .map(|(_, other)| other.standing)
            .map(|other| other.reserve.saturating_sub(other.active))
            .sum()
    }

    fn ask(
        &mut self,
        id: AccountId,
        urgency: Urgency,
        idle: impl Fn(AccountId) -> Option<Duration>,
    ) -> Option<AccountId> {
        let holders = self.accounts.iter().filter_map(|(other, account)| {
            let Standing {
                reserve,
                active,
                spare,
                ..
            } = account.standing;
            (*other != id && account.debt.is_none() && spare != Spare::Nothing).then(|| Holder {
                id: *other,
                spare,
                beyond: active.saturating_sub(reserve.max(1)),
                idle: idle(*other),
            })
        });
        let (asked, debt) = who_gives(urgency, &holders.collect::<Vec<_>>())?;
        self.accounts.get_mut(&asked)?.debt = Some(debt);
        Some(asked)
    }
}

/// What becomes of the wish to start a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Granted,
    Refused { asked: Option<AccountId> },
}

/// Who is asked to give a process back, and which.
fn who_gives(urgency: Urgency, holders: &[Holder]) -> Option<(AccountId, Debt)> {
    let idle_longest = |spare: Spare, at_least: Duration| {
        let holders = holders.iter().filter(|holder| holder.spare == spare);
        holders
            .filter(|holder| holder.idle.is_some_and(|idle| idle >= at_least))
            .max_by_key(|holder| (holder.idle, Reverse(holder.id)))
            .map(|holder| (holder.id, Debt::Idle))
    };
    let several = || {
        let holders = holders.iter();
        holders.filter(|holder| holder.spare == Spare::OneOfSeveral)
    };
    match urgency {
        Urgency::First => idle_longest(Spare::OneOfSeveral, Duration::ZERO)
            .or_else(|| {
                several()
                    .max_by_key(|holder| (holder.beyond, Reverse(holder.id)))
                    .map(|holder| (holder.id, Debt::Any))
            })
            .or_else(|| idle_longest(Spare::Last, Duration::ZERO)),
        Urgency::More => idle_longest(Spare::OneOfSeveral, UNUSED),
    }
}

#[cfg(test)]
mod tests;
