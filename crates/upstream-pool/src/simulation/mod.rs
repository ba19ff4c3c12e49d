//! The whole pool with moved time and processes that play a part: it starts
//! them, sends them requests, replaces and stops them, and they behave as they
//! please.

mod actor;
mod neighbours;
mod stage;
mod world;

use std::time::Duration;

use proptest::prelude::*;

use self::{
    actor::Life,
    stage::{Stage, Turn},
};

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let start = 1..3000_u64;
    let life = prop_oneof![
        6 => start.clone().prop_map(Life::Good),
        2 => start.clone().prop_map(Life::FailsToStart),
        2 => (start.clone(), 1..5000_u64).prop_map(|(start, after)| Life::Crashes(start, after)),
        2 => (start.clone(), 1..5000_u64, 1..500_u64)
            .prop_map(|(start, after, linger)| Life::Lingers(start, after, linger)),
        2 => (start.clone(), 1..5000_u64, 1..5000_u64)
            .prop_map(|(start, after, going_on)| Life::Bereaves(start, after, going_on)),
        1 => start.clone().prop_map(Life::Hangs),
        1 => start.clone().prop_map(Life::Refuses),
        1 => start.prop_map(Life::HeedsNoSigterm),
    ];
    prop::collection::vec(life, 1..8)
}

fn good_lives() -> impl Strategy<Value = Vec<Life>> {
    prop::collection::vec((1..3000_u64).prop_map(Life::Good), 1..8)
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        8 => (0..500_u64).prop_map(Turn::Get),
        4 => (0..500_u64).prop_map(Turn::Post),
        2 => (0..50_usize).prop_map(Turn::Leave),
        2 => Just(Turn::Restart),
        1 => (0..9_usize).prop_map(Turn::Detach),
        6 => (0..2000_u64).prop_map(Turn::Wait),
    ];
    prop::collection::vec(turn, 0..60)
}

/// More for those who ask for it: `PROPTEST_CASES=100000`.
fn many() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(2000),
        ..default
    }
}

fn play(stage: impl AsyncFnOnce()) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(stage());
}

#[test]
fn what_a_process_loses_that_takes_its_time_to_exit_is_sent_to_the_next_one() {
    // One that is sent while the process works, and is lost; then others for it.
    let (work, linger) = (1000, 2000);
    for (max, concurrency) in [(1, 1), (1, 2), (2, 1)] {
        play(async || {
            let lives = vec![Life::Lingers(10, 500, linger), Life::Good(10)];
            let mut stage = Stage::new(lives, max, concurrency, |pool| pool.min_instances(1));
            let lost = Turn::Get(work);
            let turns = [Turn::Wait(100), lost, Turn::Wait(450), Turn::Post(1)];
            let later = [Turn::Wait(300), Turn::Post(1), Turn::Get(1)];
            for turn in turns.into_iter().chain(later) {
                stage.play(turn).await;
            }
            stage.assert_no_failure().await;
            stage.end().await;
        });
    }
}

#[test]
fn those_whose_leader_has_died_finish_what_they_have() {
    // Two that are there when it dies, and those that come later.
    let (work, going_on) = (1000, 100_000);
    for (max, concurrency) in [(1, 2), (2, 1)] {
        play(async || {
            let lives = vec![Life::Bereaves(10, 500, going_on), Life::Good(10)];
            let mut stage = Stage::new(lives, max, concurrency, |pool| pool.min_instances(max));
            let turns = [Turn::Wait(100), Turn::Post(work), Turn::Get(work)];
            let later = [Turn::Wait(450), Turn::Post(1), Turn::Get(1)];
            for turn in turns.into_iter().chain(later) {
                stage.play(turn).await;
            }
            stage.assert_no_failure().await;
            stage.end().await;
        });
    }
}

proptest! {
    #![proptest_config(many())]

    #[test]
    fn whatever_processes_do_no_request_is_lost_or_sent_twice(
        lives in lives(),
        turns in turns(),
        min in 0..3_usize,
        max in 1..4_usize,
        concurrency in 1..3_usize,
        idle in prop_oneof![Just(0), 100..5000_u64],
    ) {
        play(async || {
            let mut stage = Stage::new(lives, max, concurrency, |pool| {
                pool.min_instances(min)
                    .max_request_queue_size(10)
                    .max_requests(15)
                    .pool_idle_time(Duration::from_millis(idle))
            });
            for turn in turns {
                stage.play(turn).await;
            }
            stage.end().await;
        });
    }

    #[test]
    fn a_good_application_fails_no_request_however_it_is_restarted(
        lives in good_lives(),
        turns in turns(),
        min in 1..3_usize,
        max in 1..4_usize,
        concurrency in 1..3_usize,
        limit in prop_oneof![Just(0), 1..20_u64],
    ) {
        play(async || {
            let mut stage = Stage::new(lives, max, concurrency, |pool| {
                pool.min_instances(min)
                    .max_requests(limit)
                    .pool_idle_time(Duration::ZERO)
            });
            let mut most_ready = 0;
            for turn in turns {
                let detaches = matches!(turn, Turn::Detach(_));
                stage.play(turn).await;
                let ready = stage.ready();
                if detaches {
                    assert!(ready > 0 || most_ready == 0, "the last one was taken away");
                    most_ready = ready;
                }
                assert!(ready >= most_ready, "{most_ready} were ready, and {ready} are left");
                most_ready = ready;
            }
            stage.assert_no_failure().await;
            stage.end().await;
        });
    }
}
