use proptest::prelude::*;

use super::*;

const A: MemberId = MemberId(0);
const B: MemberId = MemberId(1);
const C: MemberId = MemberId(2);

use Action::{Drain, Open, Work};
use Event::{Asked, Calmer, Drained, Left, NotDrained, Over};

/// An event, whether somebody waits for a member, and what is to be done.
type Step = (Event, bool, &'static [Action]);

struct Case {
    name: &'static str,
    members: usize,
    max_resting: usize,
    steps: &'static [Step],
}

const CASES: &[Case] = &[
    Case {
        name: "one alone",
        members: 1,
        max_resting: 1,
        steps: &[
            (Asked(A), false, &[Drain(A)]),
            (Drained(A), false, &[Work(A)]),
            (Over(A), false, &[Open(A)]),
            (Asked(A), false, &[Drain(A)]),
        ],
    },
    Case {
        name: "one at a time, in the order in which they asked",
        members: 3,
        max_resting: 1,
        steps: &[
            (Asked(B), false, &[Drain(B)]),
            (Asked(C), false, &[]),
            (Asked(A), false, &[]),
            (Asked(C), false, &[]),
            (Drained(B), false, &[Work(B)]),
            (Over(B), false, &[Open(B), Drain(C)]),
            (Drained(C), false, &[Work(C)]),
            (Over(C), false, &[Open(C), Drain(A)]),
        ],
    },
    Case {
        name: "two at a time",
        members: 3,
        max_resting: 2,
        steps: &[
            (Asked(A), false, &[Drain(A)]),
            (Asked(B), false, &[Drain(B)]),
            (Asked(C), false, &[]),
            (Drained(B), false, &[Work(B)]),
            (Over(B), false, &[Open(B), Drain(C)]),
        ],
    },
    Case {
        name: "the last one stays while somebody waits",
        members: 1,
        max_resting: 1,
        steps: &[
            (Asked(A), true, &[]),
            (Calmer, true, &[]),
            (Calmer, false, &[Drain(A)]),
        ],
    },
    Case {
        name: "the last one goes back to work if somebody waits when it is drained",
        members: 1,
        max_resting: 1,
        steps: &[
            (Asked(A), false, &[Drain(A)]),
            (Drained(A), true, &[Open(A)]),
            (Calmer, false, &[Drain(A)]),
            (Drained(A), false, &[Work(A)]),
        ],
    },
    Case {
        name: "one that is not the last one may leave whoever waits",
        members: 2,
        max_resting: 2,
        steps: &[
            (Asked(A), true, &[Drain(A)]),
            (Asked(B), true, &[]),
            (Drained(A), true, &[Work(A)]),
            (Over(A), true, &[Open(A), Drain(B)]),
        ],
    },
    Case {
        name: "it becomes the last one while it drains",
        members: 2,
        max_resting: 1,
        steps: &[
            (Asked(A), true, &[Drain(A)]),
            (Left(B), true, &[]),
            (Drained(A), true, &[Open(A)]),
        ],
    },
    Case {
        name: "one that cannot drain takes requests again, and the next one rests",
        members: 2,
        max_resting: 1,
        steps: &[
            (Asked(A), false, &[Drain(A)]),
            (Asked(B), false, &[]),
            (NotDrained(A), false, &[Open(A), Drain(B)]),
            (Asked(A), false, &[]),
            (Over(B), false, &[Open(B)]),
        ],
    },
    Case {
        name: "who asks while it drains rests once, who asks while it rests twice",
        members: 1,
        max_resting: 1,
        steps: &[
            (Asked(A), false, &[Drain(A)]),
            (Asked(A), false, &[]),
            (Drained(A), false, &[Work(A)]),
            (Asked(A), false, &[]),
            (Over(A), false, &[Open(A), Drain(A)]),
            (Drained(A), false, &[Work(A)]),
            (Over(A), false, &[Open(A)]),
        ],
    },
    Case {
        name: "one that goes in the midst of its work keeps its turn until that ends",
        members: 3,
        max_resting: 1,
        steps: &[
            (Asked(A), false, &[Drain(A)]),
            (Drained(A), false, &[Work(A)]),
            (Asked(B), false, &[]),
            (Left(A), false, &[]),
            (Over(A), false, &[Drain(B)]),
        ],
    },
    Case {
        name: "one that goes while it drains gives its turn back as soon as that is known",
        members: 2,
        max_resting: 1,
        steps: &[
            (Asked(A), false, &[Drain(A)]),
            (Asked(B), false, &[]),
            (Left(A), false, &[]),
            (Drained(A), false, &[Drain(B)]),
        ],
    },
    Case {
        name: "one that goes while it waits is not waited for",
        members: 3,
        max_resting: 1,
        steps: &[
            (Asked(A), false, &[Drain(A)]),
            (Asked(B), false, &[]),
            (Asked(C), false, &[]),
            (Left(B), false, &[]),
            (Over(A), false, &[Open(A), Drain(C)]),
        ],
    },
    Case {
        name: "news of those who are gone is no news",
        members: 1,
        max_resting: 1,
        steps: &[
            (Left(A), false, &[]),
            (Asked(A), false, &[]),
            (Drained(A), false, &[]),
            (Over(A), false, &[]),
        ],
    },
];

#[test]
fn who_rests_when() {
    let now = Instant::now();
    for case in CASES {
        let name = case.name;
        let mut rota = rota(case.members, case.max_resting);
        for (event, demand, expected) in case.steps {
            let actions = rota.handle(now, *event, || *demand);
            assert_eq!(actions, *expected, "{name}: {event:?}");
        }
    }
}

#[test]
fn another_member_spares_the_last_one() {
    let now = Instant::now();
    let mut rota = rota(1, 1);
    assert_eq!(rota.handle(now, Asked(A), || true), []);
    assert!(rota.waits_for_calm());
    rota.join();
    assert_eq!(rota.handle(now, Calmer, || true), [Drain(A)]);
    assert!(!rota.waits_for_calm());
}

#[test]
fn one_that_could_not_drain_is_left_in_peace_for_a_while() {
    let start = Instant::now();
    let mut rota = rota(1, 1);
    rota.handle(start, Asked(A), || false);
    rota.handle(start, NotDrained(A), || false);
    let soon = start + PAUSE - Duration::from_millis(1);
    assert_eq!(rota.handle(soon, Asked(A), || false), []);
    assert_eq!(rota.handle(start + PAUSE, Asked(A), || false), [Drain(A)]);
}

fn rota(members: usize, max_resting: usize) -> Rota {
    let mut rota = Rota::new(max_resting);
    for _ in 0..members {
        rota.join();
    }
    rota
}

#[derive(Clone, Debug)]
enum Random {
    Join,
    Event(u64, u8),
}

fn random() -> impl Strategy<Value = (Random, bool)> {
    let step = prop_oneof![
        1 => Just(Random::Join),
        8 => (0..6_u64, 0..6_u8).prop_map(|(id, kind)| Random::Event(id, kind)),
    ];
    (step, any::<bool>())
}

proptest! {
    /// Whatever comes in whatever order: the bound holds, each `Work` follows a
    /// `Drain` and each member's gate is closed exactly while it is away, and
    /// nobody waits while it could rest.
    #[test]
    fn the_bounds_hold_whatever_happens(
        max_resting in 1..3_usize,
        steps in prop::collection::vec(random(), 0..200),
    ) {
        let now = Instant::now();
        let mut rota = rota(2, max_resting);
        let mut closed = std::collections::BTreeSet::new();
        for (step, demand) in steps {
            let event = match step {
                Random::Join => {
                    rota.join();
                    Calmer
                }
                Random::Event(id, kind) => {
                    let id = MemberId(id);
                    match kind {
                        0 | 1 => Asked(id),
                        2 => Drained(id),
                        3 => NotDrained(id),
                        4 => Over(id),
                        _ => Left(id),
                    }
                }
            };
            for action in rota.handle(now, event, || demand) {
                match action {
                    Drain(id) => prop_assert!(closed.insert(id), "{id:?} twice"),
                    Open(id) => prop_assert!(closed.remove(&id), "{id:?} was open"),
                    Work(id) => {
                        prop_assert!(closed.contains(&id));
                        let others = closed.len() < rota.members.len();
                        prop_assert!(others || !demand, "the last one left");
                    }
                }
            }
            closed.retain(|id| rota.members.contains_key(id));
            prop_assert_eq!(closed.len(), rota.away());
            prop_assert!(rota.away() <= max_resting);
            let waiting = rota.members.values().filter(|p| **p == Phase::Waiting);
            prop_assert_eq!(waiting.count(), rota.waiting.len());
            if !demand {
                prop_assert!(!rota.waits_for_calm(), "somebody waits for nothing");
            }
        }
    }
}
