//! Several pools that share a budget.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use proptest::prelude::*;
use tokio::time::Instant;

use super::{
    actor::Life,
    good_lives, lives, play,
    stage::{Stage, Turn},
    world::Census,
};
use crate::ProcessBudget;

/// How long one may be in need while another one has something to spare, from one time
/// that a process is asked to leave to the next: until no more is hoped of those that
/// leave, and an idle process has left. One that does not leave when it is asked to is
/// nobody's fault.
const HELP: Duration = Duration::from_millis(1500);

/// How often to look for that.
const LOOK: u64 = 100;

/// A pool, as it is described.
#[derive(Clone, Debug)]
struct Described {
    lives: Vec<Life>,
    min: usize,
    max: usize,
    concurrency: usize,
    idle: u64,
}

fn described(lives: impl Strategy<Value = Vec<Life>>) -> impl Strategy<Value = Described> {
    let idle = prop_oneof![Just(0), 100..5000_u64];
    (lives, 0..3_usize, 1..5_usize, 1..3_usize, idle).prop_map(
        |(lives, min, max, concurrency, idle)| Described {
            lives,
            min: min.min(max),
            max,
            concurrency,
            idle,
        },
    )
}

/// What happens, and to whom.
fn turns(restarts: u32) -> impl Strategy<Value = Vec<(usize, Turn)>> {
    let turn = prop_oneof![
        8 => (0..500_u64).prop_map(Turn::Get),
        4 => (0..500_u64).prop_map(Turn::Post),
        2 => (0..50_usize).prop_map(Turn::Leave),
        restarts => Just(Turn::Restart),
        restarts => (0..9_usize).prop_map(Turn::Detach),
        4 => (0..4000_u64).prop_map(Turn::Wait),
    ];
    prop::collection::vec((0..3_usize, turn), 0..60)
}

struct Neighbours {
    stages: Vec<(Stage, usize)>,
    census: Arc<Census>,
    budget: ProcessBudget,
    /// Since when somebody has been in need whom another one could help.
    unfair_since: Option<Instant>,
    /// How many were leaving then.
    leaving: usize,
}

impl Neighbours {
    /// `beyond` is how many there are beyond what is always to be there.
    fn new(pools: Vec<Described>, beyond: usize) -> Self {
        let reserved: usize = pools.iter().map(|pool| pool.min).sum();
        let lends = pools.iter().any(|pool| pool.min == 0);
        let max = NonZeroUsize::new(reserved + usize::from(lends) + beyond).unwrap();
        let budget = ProcessBudget::new(max);
        let census = Arc::<Census>::default();
        let stages = pools.into_iter().map(|pool| {
            let Described {
                lives,
                min,
                max,
                concurrency,
                idle,
            } = pool;
            let census = Arc::clone(&census);
            let stage = Stage::beside(census, lives, max, concurrency, |pool| {
                pool.min_instances(min)
                    .process_budget(&budget)
                    .pool_idle_time(Duration::from_millis(idle))
            });
            (stage, min)
        });
        Self {
            stages: stages.collect(),
            census,
            budget: budget.clone(),
            unfair_since: None,
            leaving: 0,
        }
    }

    async fn play(&mut self, who: usize, turn: Turn) {
        let who = who % self.stages.len();
        match turn {
            Turn::Wait(millis) => {
                let until = Instant::now() + Duration::from_millis(millis);
                while Instant::now() < until {
                    self.stages[who].0.play(Turn::Wait(LOOK)).await;
                    self.look();
                }
            }
            turn => self.stages[who].0.play(turn).await,
        }
        self.look();
    }

    fn look(&mut self) {
        let needs = self.stages.iter().any(|(stage, _)| stage.is_in_need());
        let mut stages = self.stages.iter();
        let could_help = stages.any(|(stage, min)| stage.has_idle_beyond(1.max(*min)));
        let leaving = self.stages.iter().map(|(stage, _)| stage.leaving()).sum();
        let was_asked = leaving > std::mem::replace(&mut self.leaving, leaving);
        if !needs || !could_help || was_asked {
            self.unfair_since = None;
            return;
        }
        let since = self.unfair_since.get_or_insert_with(Instant::now);
        assert!(since.elapsed() < HELP, "{:?}", self.budget);
    }

    async fn end(self) {
        for (stage, _) in self.stages {
            stage.end().await;
        }
        assert_eq!(self.budget.processes(), 0);
    }
}

proptest! {
    #[test]
    fn good_applications_that_share_a_budget_keep_to_it_and_fail_no_request(
        pools in prop::collection::vec(described(good_lives()), 2..4),
        beyond in 0..4_usize,
        turns in turns(0),
    ) {
        play(async || {
            let reserved: usize = pools.iter().map(|pool| pool.min).sum();
            let mut neighbours = Neighbours::new(pools, beyond.max(usize::from(reserved == 0)));
            for (who, turn) in turns {
                neighbours.play(who, turn).await;
            }
            for (stage, _) in &mut neighbours.stages {
                stage.assert_no_failure().await;
            }
            let most = neighbours.census.most();
            assert!(most <= neighbours.budget.max(), "{most} of {:?}", neighbours.budget);
            neighbours.end().await;
        });
    }

    #[test]
    fn whatever_neighbours_do_no_request_is_lost(
        pools in prop::collection::vec(described(lives()), 2..4),
        beyond in 1..4_usize,
        turns in turns(2),
    ) {
        play(async || {
            let mut neighbours = Neighbours::new(pools, beyond);
            for (who, turn) in turns {
                neighbours.play(who, turn).await;
            }
            neighbours.end().await;
        });
    }
}
