use proptest::prelude::*;

use super::*;

const fn account(id: u64) -> AccountId {
    AccountId(id)
}

const fn standing(reserve: usize, active: usize, leaving: usize, spare: Spare) -> Standing {
    Standing {
        reserve,
        active,
        all: active + leaving,
        spare,
    }
}

use Spare::{Last, Nothing, OneOfSeveral};

#[test]
fn who_is_asked_to_give_a_process_back() {
    type Case = (
        &'static str,
        Urgency,
        &'static [(Spare, usize, Option<u64>)],
        Option<(u64, Debt)>,
    );
    // Of each holder: what it can spare, how many it has beyond its reserve, and for
    // how many seconds one has been idle.
    let cases: [Case; 12] = [
        ("nobody is there", Urgency::First, &[], None),
        (
            "the one that was idle for longest",
            Urgency::First,
            &[(OneOfSeveral, 9, Some(1)), (OneOfSeveral, 1, Some(2))],
            Some((1, Debt::Idle)),
        ),
        (
            "an idle one before a busy one",
            Urgency::First,
            &[(OneOfSeveral, 9, None), (OneOfSeveral, 1, Some(0))],
            Some((1, Debt::Idle)),
        ),
        (
            "if all are busy, one of who has most",
            Urgency::First,
            &[(OneOfSeveral, 1, None), (OneOfSeveral, 2, None)],
            Some((1, Debt::Any)),
        ),
        (
            "of equals, of who was there first",
            Urgency::First,
            &[(OneOfSeveral, 2, None), (OneOfSeveral, 2, None)],
            Some((0, Debt::Any)),
        ),
        (
            "the last of one only if no other has two",
            Urgency::First,
            &[(Last, 0, Some(99)), (OneOfSeveral, 1, None)],
            Some((1, Debt::Any)),
        ),
        (
            "the last of one, if it is idle",
            Urgency::First,
            &[(Last, 0, None), (Last, 0, Some(0))],
            Some((1, Debt::Idle)),
        ),
        (
            "the last of one is busy",
            Urgency::First,
            &[(Last, 0, None)],
            None,
        ),
        (
            "who has some gets what nobody uses",
            Urgency::More,
            &[(OneOfSeveral, 1, Some(5)), (OneOfSeveral, 5, None)],
            Some((0, Debt::Idle)),
        ),
        (
            "but not what was used a moment ago",
            Urgency::More,
            &[(OneOfSeveral, 5, Some(4))],
            None,
        ),
        (
            "nor what is busy",
            Urgency::More,
            &[(OneOfSeveral, 5, None)],
            None,
        ),
        (
            "nor the last of another",
            Urgency::More,
            &[(Last, 0, Some(3600))],
            None,
        ),
    ];
    for (name, urgency, holders, expected) in cases {
        let holders: Vec<_> = (0..)
            .zip(holders)
            .map(|(id, (spare, beyond, idle))| Holder {
                id: account(id),
                spare: *spare,
                beyond: *beyond,
                idle: idle.map(Duration::from_secs),
            })
            .collect();
        let expected = expected.map(|(id, debt)| (account(id), debt));
        assert_eq!(who_gives(urgency, &holders), expected, "{name}");
    }
}

#[test]
fn what_is_reserved_fits_with_one_for_those_who_have_none() {
    let cases: [(&str, usize, &[usize], bool); 6] = [
        ("just enough", 3, &[1, 2], true),
        ("too many", 3, &[2, 2], false),
        ("one is left to be lent", 3, &[2, 0], true),
        ("none is left to be lent", 2, &[2, 0], false),
        ("whoever comes first", 2, &[0, 2], false),
        ("more sleepers than processes", 1, &[0, 0, 0], true),
    ];
    for (name, max, reserves, fits) in cases {
        let mut ledger = Ledger::new(max);
        let opened = reserves
            .iter()
            .all(|reserve| ledger.open(*reserve).is_some());
        assert_eq!(opened, fits, "{name}");
    }
}

/// Accounts with these reserves, of which none has a process.
fn opened(max: usize, reserves: &[usize]) -> Ledger {
    let mut ledger = Ledger::new(max);
    for reserve in reserves {
        ledger.open(*reserve).unwrap();
    }
    ledger
}

const NOT_ASKED: Start = Start::Refused { asked: None };

const fn asked(id: u64) -> Start {
    Start::Refused {
        asked: Some(account(id)),
    }
}

fn busy(_: AccountId) -> Option<Duration> {
    None
}

#[test]
fn what_is_reserved_is_lent_to_nobody_and_refused_to_nobody() {
    let now = Instant::now();
    let mut ledger = opened(3, &[1, 2]);
    let has = |active| standing(1, active, 0, OneOfSeveral);
    assert_eq!(ledger.start(account(0), has(0), now, busy), Start::Granted);
    assert_eq!(ledger.start(account(0), has(1), now, busy), NOT_ASKED);
    // It is not told either, but the owner may come.
    assert_eq!(ledger.lucky().next(), None);
    let has = |active, leaving| standing(2, active, leaving, Nothing);
    assert_eq!(
        ledger.start(account(1), has(0, 0), now, busy),
        Start::Granted
    );
    assert_eq!(
        ledger.start(account(1), has(1, 0), now, busy),
        Start::Granted
    );
    // Nor does what hangs on the way out keep the owner's own from starting.
    assert_eq!(
        ledger.start(account(1), has(1, 1), now, busy),
        Start::Granted
    );
    assert_eq!(ledger.used(), 4);
}

#[test]
fn what_becomes_free_goes_to_who_has_none_and_then_to_who_has_waited_longest() {
    let now = Instant::now();
    let mut ledger = opened(3, &[0, 0, 0, 0]);
    let full = standing(0, 3, 0, OneOfSeveral);
    ledger.settle(account(0), full, false, false);
    let one = standing(0, 1, 0, Nothing);
    let none = standing(0, 0, 0, Nothing);
    // One that wants more, and then two that have none.
    assert_eq!(ledger.start(account(0), full, now, busy), NOT_ASKED);
    assert_eq!(ledger.start(account(2), none, now, busy), asked(0));
    // One was asked to leave, which is for the one before.
    assert_eq!(ledger.debt(account(0)), Some(Debt::Any));
    assert_eq!(ledger.start(account(1), none, now, busy), NOT_ASKED);
    // It leaves, and has not left.
    let leaves = standing(0, 2, 1, OneOfSeveral);
    ledger.settle(account(0), leaves, true, true);
    assert_eq!(ledger.lucky().next(), None);
    assert_eq!(ledger.start(account(2), none, now, busy), NOT_ASKED);
    assert_eq!(ledger.start(account(1), none, now, busy), asked(0));
    // It has left: not for who asks first.
    let left = standing(0, 2, 0, OneOfSeveral);
    ledger.settle(account(0), left, true, false);
    assert_eq!(ledger.lucky().collect::<Vec<_>>(), [account(2)]);
    assert_ne!(ledger.start(account(1), none, now, busy), Start::Granted);
    assert_ne!(ledger.start(account(0), left, now, busy), Start::Granted);
    assert_eq!(ledger.start(account(2), none, now, busy), Start::Granted);
    assert_eq!(ledger.lucky().next(), None);
    // Who does not want it any more is not waited for.
    ledger.settle(account(1), none, false, false);
    ledger.settle(account(0), standing(0, 1, 0, Nothing), true, false);
    assert_eq!(ledger.lucky().collect::<Vec<_>>(), [account(0)]);
    // Nor is one that is gone.
    ledger.settle(account(0), one, false, false);
    ledger.close(account(2));
    assert_eq!(ledger.start(account(3), none, now, busy), Start::Granted);
    assert_eq!(ledger.start(account(1), none, now, busy), Start::Granted);
    assert_eq!(ledger.used(), 3);
}

#[test]
fn a_debt_is_forgotten_once_there_is_nothing_to_spare() {
    let now = Instant::now();
    let mut ledger = opened(2, &[0, 0]);
    let full = standing(0, 2, 0, OneOfSeveral);
    let none = standing(0, 0, 0, Nothing);
    ledger.settle(account(0), full, false, false);
    assert_eq!(ledger.start(account(1), none, now, busy), asked(0));
    // Nobody is asked twice.
    assert_eq!(ledger.start(account(1), none, now, busy), NOT_ASKED);
    ledger.settle(account(0), standing(0, 2, 0, Nothing), false, false);
    assert_eq!(ledger.debt(account(0)), None);
    ledger.settle(account(0), full, false, false);
    assert_eq!(ledger.start(account(1), none, now, busy), asked(0));
}

#[test]
fn what_does_not_leave_is_not_waited_for_by_who_has_none() {
    let now = Instant::now();
    let mut ledger = opened(4, &[0, 0]);
    let none = standing(0, 0, 0, Nothing);
    let hangs = |active, leaving| standing(0, active, leaving, OneOfSeveral);
    ledger.settle(account(0), hangs(3, 1), false, false);
    assert_eq!(ledger.start(account(1), none, now, busy), NOT_ASKED);
    let late = now + HOPE;
    assert_eq!(ledger.start(account(1), none, late, busy), asked(0));
    ledger.settle(account(0), hangs(2, 2), false, true);
    assert_eq!(ledger.start(account(1), none, late, busy), NOT_ASKED);
    assert_eq!(ledger.start(account(1), none, late + HOPE, busy), asked(0));

    // Who has some has time.
    let mut ledger = opened(4, &[0, 0]);
    ledger.settle(account(0), hangs(2, 1), false, false);
    let one = standing(0, 1, 0, Nothing);
    let idle = |_| Some(UNUSED);
    assert_eq!(ledger.start(account(1), one, now, idle), NOT_ASKED);
    assert_eq!(
        ledger.start(account(1), one, now + HOPE * 9, idle),
        NOT_ASKED
    );
}

/// What pools may do.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Start(usize),
    StartAnyway(usize),
    /// One takes no more requests.
    Leave(usize),
    /// One that leaves is gone.
    Gone(usize),
    GiveUp(usize),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let who = 0..4_usize;
    let turn = prop_oneof![
        6 => who.clone().prop_map(Turn::Start),
        1 => who.clone().prop_map(Turn::StartAnyway),
        3 => who.clone().prop_map(Turn::Leave),
        4 => who.clone().prop_map(Turn::Gone),
        1 => who.prop_map(Turn::GiveUp),
    ];
    prop::collection::vec(turn, 0..200)
}

/// A pool: what it has, and whether it waits.
#[derive(Clone, Copy, Debug, Default)]
struct Pool {
    reserve: usize,
    active: usize,
    leaving: usize,
    waits: bool,
}

impl Pool {
    fn standing(self) -> Standing {
        let spare = match self.active {
            _ if self.active > self.reserve.max(1) => OneOfSeveral,
            1 if self.reserve == 0 && !self.waits => Last,
            _ => Nothing,
        };
        standing(self.reserve, self.active, self.leaving, spare)
    }
}

struct World {
    ledger: Ledger,
    pools: Vec<Pool>,
}

impl World {
    fn all(&self) -> usize {
        let pools = self.pools.iter();
        pools.map(|pool| pool.active + pool.leaving).sum()
    }

    fn tell(&mut self, who: usize, paid: bool) {
        let pool = self.pools[who];
        let id = account(who as u64);
        self.ledger.settle(id, pool.standing(), pool.waits, paid);
    }

    fn start(&mut self, who: usize) -> Start {
        let pool = self.pools[who];
        let id = account(who as u64);
        let start = self
            .ledger
            .start(id, pool.standing(), Instant::now(), |_| Some(UNUSED));
        self.pools[who].waits = start != Start::Granted;
        if start == Start::Granted {
            let is_own = pool.active < pool.reserve;
            let full = self.all() >= self.ledger.max();
            assert!(is_own || !full, "{who} starts beyond the bound");
            self.pools[who].active += 1;
        }
        start
    }

    fn play(&mut self, turn: Turn) {
        let (Turn::Start(who)
        | Turn::StartAnyway(who)
        | Turn::Leave(who)
        | Turn::Gone(who)
        | Turn::GiveUp(who)) = turn;
        let who = who % self.pools.len();
        let pool = &mut self.pools[who];
        match turn {
            Turn::Start(_) => {
                self.start(who);
                return;
            }
            Turn::StartAnyway(_) if pool.active > 0 => {
                self.ledger.start_anyway(account(who as u64));
                // The old one leaves in a moment.
                pool.leaving += 1;
            }
            Turn::Leave(_) if pool.active > 0 => {
                pool.active -= 1;
                pool.leaving += 1;
            }
            Turn::Gone(_) if pool.leaving > 0 => {
                pool.leaving -= 1;
            }
            Turn::GiveUp(_) => pool.waits = false,
            _ => return,
        }
        self.tell(who, false);
    }

    /// Everybody does what the ledger asks for, and what leaves is gone.
    fn behave(&mut self) {
        for who in 0..self.pools.len() {
            let gives = self.ledger.debt(account(who as u64)).is_some();
            self.pools[who].active -= usize::from(gives);
            self.pools[who].leaving = 0;
            self.tell(who, true);
        }
        for id in self.ledger.lucky().collect::<Vec<_>>() {
            let who = usize::try_from(id.0).unwrap();
            assert_eq!(self.start(who), Start::Granted, "told for nothing");
        }
    }
}

proptest! {
    #[test]
    fn the_bound_holds_and_nobody_waits_for_ever_without_a_process(
        reserves in prop::collection::vec(0..3_usize, 1..4),
        beyond in 0..4_usize,
        turns in turns(),
    ) {
        let lends = usize::from(reserves.contains(&0));
        let max = (reserves.iter().sum::<usize>() + lends + beyond).max(1);
        let mut world = World {
            ledger: opened(max, &reserves),
            pools: reserves
                .iter()
                .map(|reserve| Pool { reserve: *reserve, ..Pool::default() })
                .collect(),
        };
        for turn in turns {
            world.play(turn);
            prop_assert_eq!(world.ledger.used(), world.all());
        }

        // One after the other has requests; who has a process by then is content.
        for who in 0..world.pools.len() {
            world.pools[who].waits = false;
            world.tell(who, false);
        }
        for who in 0..world.pools.len() {
            let mut patience = 0;
            while world.pools[who].active <= world.pools[who].reserve.saturating_sub(1)
                || world.pools[who].active == 0
            {
                world.start(who);
                world.behave();
                patience += 1;
                prop_assert!(patience < 20, "{} of {:?} waits for ever", who, world.pools);
            }
            world.pools[who].waits = false;
            world.tell(who, false);
        }
    }
}
