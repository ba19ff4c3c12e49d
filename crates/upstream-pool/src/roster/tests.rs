use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn policy(min: usize, max: usize) -> Policy {
    Policy {
        min,
        max,
        idle_time: 300 * SECOND,
        drain_timeout: 60 * SECOND,
        stop_timeout: 30 * SECOND,
        shutdown_timeout: 10 * SECOND,
    }
}

/// A roster with a clock, told in short.
struct Story {
    roster: Roster,
    begun: Instant,
    now: Instant,
}

impl Story {
    fn new(min: usize, max: usize) -> Self {
        let now = Instant::now();
        Self {
            roster: Roster::new(policy(min, max), Share::unlimited()),
            begun: now,
            now,
        }
    }

    fn at(&mut self, seconds: u32) -> &mut Self {
        self.now = self.begun + seconds * SECOND;
        self
    }

    #[track_caller]
    fn on(&mut self, event: Event, expected: &[Action]) -> &mut Self {
        let actions = self.roster.handle(self.now, event);
        assert_eq!(actions, expected, "on {event:?}");
        self
    }

    #[track_caller]
    fn gate(&mut self, expected: Gate) -> &mut Self {
        assert_eq!(self.roster.gate(), expected);
        self
    }

    fn failing_until(&mut self, seconds: u32) -> &mut Self {
        let retry_at = self.begun + seconds * SECOND;
        self.gate(Gate::Failing { retry_at })
    }
}

const fn id(number: u64) -> ProcessId {
    ProcessId::new(number)
}

const fn exited(number: u64, proven: bool) -> Event {
    Event::Exited {
        id: id(number),
        proven,
    }
}

const fn unhealthy(number: u64, proven: bool) -> Event {
    Event::Unhealthy {
        id: id(number),
        proven,
    }
}

use Action::{Kill, NotDetached, Publish, RestartFailed, Restarted, Spawn, Terminate, Withdraw};
use Event::{Detach, Drained, IdleSince, Queued, Ready, Restart, StartFailed, Stop, Tick, Worn};

#[test]
fn the_minimum_starts_at_once_and_is_published_as_it_gets_ready() {
    Story::new(2, 6)
        .on(Tick, &[Spawn(id(1)), Spawn(id(2))])
        .on(Ready(id(2)), &[Publish(id(2))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(Tick, &[]);
}

#[test]
fn a_dead_process_is_replaced_at_once() {
    Story::new(1, 6)
        .on(Tick, &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(exited(1, true), &[Withdraw(id(1)), Spawn(id(2))])
        .gate(Gate::Open);
}

#[test]
fn requests_that_queue_start_one_process_at_a_time() {
    Story::new(1, 3)
        .on(Tick, &[Spawn(id(1))])
        .on(Queued(5), &[])
        .on(Ready(id(1)), &[Publish(id(1))])
        // They have been woken: perhaps nobody waits in a moment.
        .on(Queued(5), &[])
        .at(1)
        .on(Tick, &[Spawn(id(2))])
        .on(Queued(7), &[])
        .on(Ready(id(2)), &[Publish(id(2))])
        .at(2)
        .on(Tick, &[Spawn(id(3))])
        .on(Ready(id(3)), &[Publish(id(3))])
        .at(3)
        .on(Queued(9), &[]);
}

#[test]
fn without_a_minimum_the_first_request_starts_the_first_process() {
    Story::new(0, 3)
        .on(Tick, &[])
        .gate(Gate::Open)
        .on(Queued(1), &[Spawn(id(1))]);
}

#[test]
fn failed_starts_are_tried_again_with_growing_pauses_one_at_a_time() {
    let mut story = Story::new(2, 6);
    story
        .on(Tick, &[Spawn(id(1)), Spawn(id(2))])
        .on(StartFailed(id(1)), &[])
        .gate(Gate::Open)
        .on(StartFailed(id(2)), &[])
        .failing_until(1)
        .on(Queued(3), &[])
        .at(1)
        .on(Tick, &[Spawn(id(3))])
        .gate(Gate::Open)
        .on(StartFailed(id(3)), &[])
        .failing_until(3)
        .at(3)
        .on(Tick, &[Spawn(id(4))])
        .on(StartFailed(id(4)), &[])
        .failing_until(7);
    // Put right: the others need not wait.
    story
        .at(7)
        .on(Tick, &[Spawn(id(5))])
        .on(Ready(id(5)), &[Publish(id(5)), Spawn(id(6))]);
}

#[test]
fn a_process_that_dies_without_having_served_is_replaced_at_once_only_once() {
    Story::new(1, 6)
        .on(Tick, &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(exited(1, false), &[Withdraw(id(1)), Spawn(id(2))])
        .on(Ready(id(2)), &[Publish(id(2))])
        .on(exited(2, false), &[Withdraw(id(2))])
        .failing_until(1)
        .at(1)
        .on(Tick, &[Spawn(id(3))])
        .on(Ready(id(3)), &[Publish(id(3))])
        .on(exited(3, false), &[Withdraw(id(3))])
        .failing_until(3)
        .at(3)
        .on(Tick, &[Spawn(id(4))])
        .on(Ready(id(4)), &[Publish(id(4))])
        // It has served: all is forgiven.
        .on(exited(4, true), &[Withdraw(id(4)), Spawn(id(5))])
        .on(Ready(id(5)), &[Publish(id(5))])
        .on(exited(5, false), &[Withdraw(id(5)), Spawn(id(6))]);
}

#[test]
fn a_failed_start_does_not_stop_those_that_serve() {
    Story::new(1, 6)
        .on(Tick, &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .at(1)
        .on(Queued(1), &[Spawn(id(2))])
        .on(StartFailed(id(2)), &[])
        .gate(Gate::Open)
        .on(Queued(2), &[])
        .at(2)
        .on(Tick, &[Spawn(id(3))]);
}

#[test]
fn a_stuck_process_is_replaced_before_it_has_left() {
    let mut story = Story::new(1, 1);
    story
        .on(Tick, &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(unhealthy(1, true), &[Withdraw(id(1)), Spawn(id(2))])
        .on(Drained(id(1)), &[Terminate(id(1))])
        .at(9)
        .on(Tick, &[])
        .at(10)
        .on(Tick, &[Kill(id(1))]);
    // The next one is stuck as well: now there are two for one, and no more.
    story
        .on(Ready(id(2)), &[Publish(id(2))])
        .on(unhealthy(2, true), &[Withdraw(id(2))])
        .on(exited(1, true), &[Spawn(id(3))]);
}

#[test]
fn an_idle_process_leaves_down_to_the_minimum() {
    let mut story = Story::new(1, 2);
    let begun = story.begun;
    story
        .on(Queued(1), &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .at(1)
        .on(Tick, &[Spawn(id(2))])
        .on(Ready(id(2)), &[Publish(id(2))])
        .at(299)
        .on(Queued(0), &[])
        .on(IdleSince(id(2), begun), &[])
        .at(300)
        .on(Queued(1), &[])
        .on(IdleSince(id(2), begun), &[])
        .on(Queued(0), &[])
        .on(IdleSince(id(2), begun), &[Withdraw(id(2))])
        .on(IdleSince(id(1), begun), &[])
        .on(Drained(id(2)), &[Terminate(id(2))])
        .on(exited(2, true), &[]);
}

#[test]
fn a_stop_serves_what_waits_then_drains_then_terminates_then_kills() {
    let mut story = Story::new(1, 6);
    story
        .on(Tick, &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .at(1)
        .on(Queued(1), &[Spawn(id(2))])
        .at(5)
        .on(Stop, &[Terminate(id(2))])
        .gate(Gate::Stopping)
        .on(Stop, &[])
        .on(StartFailed(id(2)), &[])
        .at(20)
        .on(Queued(0), &[Withdraw(id(1))])
        .gate(Gate::Closed)
        .at(34)
        .on(Tick, &[])
        .at(35)
        .on(Tick, &[Terminate(id(1))])
        .at(45)
        .on(Tick, &[Kill(id(1))]);
    assert!(!story.roster.is_over());
    story.on(exited(1, true), &[]);
    assert!(story.roster.is_over());
    story.on(Queued(3), &[]).on(Tick, &[]);
}

#[test]
fn what_runs_in_a_process_that_leaves_has_more_time_than_at_a_stop() {
    let mut story = Story::new(2, 2);
    story
        .on(Tick, &[Spawn(id(1)), Spawn(id(2))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(Ready(id(2)), &[Publish(id(2))])
        .on(Detach(id(1)), &[Withdraw(id(1)), Spawn(id(3))])
        .at(5)
        .on(Ready(id(3)), &[Publish(id(3))])
        .on(Detach(id(2)), &[Withdraw(id(2)), Spawn(id(4))])
        .on(Ready(id(4)), &[Publish(id(4))])
        .at(59)
        .on(Tick, &[])
        .at(60)
        .on(Tick, &[Terminate(id(1))])
        .on(exited(1, true), &[])
        // Where the other one has five seconds left.
        .on(Stop, &[Withdraw(id(3)), Withdraw(id(4))])
        .at(65)
        .on(Tick, &[Terminate(id(2))])
        .at(90)
        .on(Tick, &[Kill(id(2)), Terminate(id(3)), Terminate(id(4))]);
}

#[test]
fn a_stop_hurries_those_who_leave_already() {
    Story::new(2, 2)
        .on(Tick, &[Spawn(id(1)), Spawn(id(2))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(Ready(id(2)), &[Publish(id(2))])
        .on(Detach(id(1)), &[Withdraw(id(1)), Spawn(id(3))])
        .at(1)
        .on(Stop, &[Terminate(id(3)), Withdraw(id(2))])
        .at(30)
        .on(StartFailed(id(3)), &[])
        .at(31)
        .on(Tick, &[Terminate(id(1)), Terminate(id(2))]);
}

#[test]
fn a_stop_does_not_wait_for_the_queue_for_ever() {
    Story::new(1, 6)
        .on(Tick, &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .at(30)
        .on(Queued(1), &[Spawn(id(2))])
        .on(Stop, &[Terminate(id(2))])
        .on(StartFailed(id(2)), &[])
        .at(60)
        .on(Tick, &[Withdraw(id(1)), Terminate(id(1))])
        .gate(Gate::Closed);
}

#[test]
fn a_process_that_dies_during_a_stop_is_not_replaced() {
    Story::new(1, 6)
        .on(Tick, &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .at(1)
        .on(Queued(1), &[Spawn(id(2))])
        .on(Stop, &[Terminate(id(2))])
        .on(exited(1, true), &[Withdraw(id(1))])
        .gate(Gate::Closed);
}

/// Two processes that are ready.
fn two(max: usize) -> Story {
    let mut story = Story::new(2, max);
    story
        .on(Tick, &[Spawn(id(1)), Spawn(id(2))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(Ready(id(2)), &[Publish(id(2))]);
    story
}

#[test]
fn a_restart_replaces_one_after_the_other_when_the_one_before_is_gone() {
    let mut story = two(2);
    story
        .on(Restart, &[Spawn(id(3))])
        .on(Queued(5), &[])
        .on(Ready(id(3)), &[Publish(id(3)), Withdraw(id(1))])
        .on(Drained(id(1)), &[Terminate(id(1))])
        .on(exited(1, true), &[Spawn(id(4))])
        .on(
            Ready(id(4)),
            &[Publish(id(4)), Withdraw(id(2)), Restarted(2)],
        )
        .on(Drained(id(2)), &[Terminate(id(2))])
        .on(exited(2, true), &[]);
    assert_eq!(story.roster.due(), 0);
}

#[test]
fn a_restart_of_nothing_is_over_at_once() {
    Story::new(0, 2).on(Restart, &[Restarted(0)]);
}

#[test]
fn a_restart_ends_the_pause_after_failed_starts() {
    Story::new(1, 2)
        .on(Tick, &[Spawn(id(1))])
        .on(StartFailed(id(1)), &[])
        .failing_until(1)
        .on(Restart, &[Spawn(id(2))])
        .gate(Gate::Open)
        .on(Ready(id(2)), &[Publish(id(2)), Restarted(0)]);
}

#[test]
fn a_restart_begins_anew_what_is_starting() {
    let mut story = two(2);
    story
        .on(Restart, &[Spawn(id(3))])
        // The third may have read what was deployed before.
        .on(Restart, &[Terminate(id(3))])
        .on(StartFailed(id(3)), &[Spawn(id(4))])
        .on(Ready(id(4)), &[Publish(id(4)), Withdraw(id(1))]);
}

#[test]
fn old_processes_stay_when_new_ones_do_not_start() {
    let mut story = two(3);
    let begun = story.begun;
    story
        .on(Restart, &[Spawn(id(3))])
        .on(Ready(id(3)), &[Publish(id(3)), Withdraw(id(1))])
        .on(exited(1, true), &[Spawn(id(4))])
        .on(StartFailed(id(4)), &[RestartFailed])
        .gate(Gate::Open);
    assert!(story.roster.is_resisting());
    story
        .at(60)
        .on(Tick, &[])
        // Three are ready, and one was idle, but who knows when it is needed.
        .on(Queued(1), &[Spawn(id(5))])
        .on(StartFailed(id(5)), &[])
        .at(600)
        .on(Queued(0), &[])
        .on(IdleSince(id(2), begun), &[]);
    // It is put right.
    story
        .on(Restart, &[Spawn(id(6))])
        .on(Ready(id(6)), &[Publish(id(6)), Withdraw(id(2))])
        .on(exited(2, true), &[Spawn(id(7))])
        .on(
            Ready(id(7)),
            &[Publish(id(7)), Withdraw(id(3)), Restarted(2)],
        );
}

#[test]
fn a_restart_that_failed_goes_on_when_a_process_starts_all_the_same() {
    let mut story = two(2);
    story
        .on(Restart, &[Spawn(id(3))])
        .on(StartFailed(id(3)), &[RestartFailed])
        .at(60)
        .on(exited(1, true), &[Withdraw(id(1)), Spawn(id(4))])
        .on(Ready(id(4)), &[Publish(id(4)), Spawn(id(5))])
        .on(Ready(id(5)), &[Publish(id(5)), Withdraw(id(2))]);
}

#[test]
fn new_processes_that_die_young_end_a_restart_but_old_ones_do_not() {
    let mut story = two(2);
    story
        .on(Restart, &[Spawn(id(3))])
        .on(exited(1, false), &[Withdraw(id(1)), Spawn(id(4))])
        .on(exited(2, false), &[Withdraw(id(2))])
        // Nobody old is left: these two are the new ones.
        .on(Ready(id(3)), &[Publish(id(3)), Restarted(2)])
        .on(Ready(id(4)), &[Publish(id(4))]);

    let mut story = two(2);
    story
        .on(Restart, &[Spawn(id(3))])
        .on(Ready(id(3)), &[Publish(id(3)), Withdraw(id(1))])
        .on(exited(3, false), &[Withdraw(id(3)), Spawn(id(4))])
        .on(Ready(id(4)), &[Publish(id(4))])
        .on(exited(4, false), &[Withdraw(id(4)), RestartFailed]);
}

#[test]
fn one_of_several_is_detached_at_once_and_the_last_when_it_is_replaced() {
    two(2)
        .on(Detach(id(1)), &[Withdraw(id(1)), Spawn(id(3))])
        .on(Detach(id(2)), &[])
        .on(exited(1, true), &[])
        // It was not started for that, but now it is not the last one.
        .on(
            Ready(id(3)),
            &[Publish(id(3)), Withdraw(id(2)), Spawn(id(4))],
        );

    Story::new(1, 1)
        .on(Tick, &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(Detach(id(1)), &[Spawn(id(2))])
        .on(StartFailed(id(2)), &[NotDetached(id(1))])
        .on(Tick, &[])
        .on(Detach(id(1)), &[Spawn(id(3))])
        .on(Ready(id(3)), &[Publish(id(3)), Withdraw(id(1))]);
}

#[test]
fn a_worn_process_serves_until_it_is_replaced_however_often_that_fails() {
    Story::new(1, 1)
        .on(Tick, &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(Worn(id(1)), &[Spawn(id(2))])
        .on(StartFailed(id(2)), &[])
        .gate(Gate::Open)
        .on(Worn(id(1)), &[])
        .at(1)
        .on(Tick, &[Spawn(id(3))])
        .on(StartFailed(id(3)), &[])
        .at(3)
        .on(Tick, &[Spawn(id(4))])
        .on(Ready(id(4)), &[Publish(id(4)), Withdraw(id(1))]);
}

#[test]
fn processes_that_are_worn_together_are_replaced_one_after_the_other() {
    two(2)
        .on(Worn(id(2)), &[Spawn(id(3))])
        .on(Worn(id(1)), &[])
        .on(Ready(id(3)), &[Publish(id(3)), Withdraw(id(1))])
        .on(exited(1, true), &[Spawn(id(4))])
        .on(Ready(id(4)), &[Publish(id(4)), Withdraw(id(2))]);
}

#[test]
fn while_a_restart_has_failed_worn_processes_stay_too() {
    two(2)
        .on(Restart, &[Spawn(id(3))])
        .on(StartFailed(id(3)), &[RestartFailed])
        .on(Worn(id(1)), &[])
        .at(60)
        .on(Tick, &[])
        .on(Restart, &[Spawn(id(4))]);
}

#[test]
fn a_stop_ends_a_restart() {
    two(2)
        .on(Restart, &[Spawn(id(3))])
        .on(Stop, &[Terminate(id(3)), Withdraw(id(1)), Withdraw(id(2))])
        .on(Restart, &[])
        .on(StartFailed(id(3)), &[]);
}

#[test]
fn what_another_pool_needs_leaves_if_it_still_can_be_spared() {
    let give_back = |number| Event::GiveBack(Some(id(number)));
    let three = || {
        let mut story = Story::new(1, 3);
        story
            .on(Tick, &[Spawn(id(1))])
            .on(Ready(id(1)), &[Publish(id(1))])
            .at(1)
            .on(Queued(1), &[Spawn(id(2))])
            .on(Ready(id(2)), &[Publish(id(2))])
            .at(2)
            .on(Tick, &[Spawn(id(3))]);
        story
    };
    // Down to the minimum.
    three()
        .on(Queued(0), &[])
        .on(give_back(3), &[Terminate(id(3))])
        .on(StartFailed(id(3)), &[])
        .on(give_back(2), &[Withdraw(id(2))])
        .on(give_back(1), &[])
        .on(Event::GiveBack(None), &[]);
    // Not what is ready for what is not.
    Story::new(0, 2)
        .on(Queued(1), &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .at(1)
        .on(Tick, &[Spawn(id(2))])
        .on(give_back(1), &[]);
    // The last one if nobody waits for it.
    Story::new(0, 1)
        .on(Queued(1), &[Spawn(id(1))])
        .on(Ready(id(1)), &[Publish(id(1))])
        .on(give_back(1), &[])
        .on(Queued(0), &[])
        .on(give_back(1), &[Withdraw(id(1))]);
    // What runs old code, and does not start anew.
    two(3)
        .on(Queued(1), &[])
        .at(1)
        .on(Tick, &[Spawn(id(3))])
        .on(Ready(id(3)), &[Publish(id(3))])
        .on(Queued(0), &[])
        .on(Restart, &[Spawn(id(4))])
        .on(StartFailed(id(4)), &[RestartFailed])
        .on(give_back(3), &[]);
    three().on(Stop, &[Terminate(id(3))]).on(give_back(2), &[]);
}

/// What the world may do next. Processes are chosen among those there are.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Queued(usize),
    Ready(usize),
    StartFails(usize),
    Exits(usize, bool),
    Unhealthy(usize),
    Drained(usize),
    Idle(usize),
    Wait(u32),
    Restart,
    Detach(usize),
    Worn(usize),
    Stop,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        3 => (0..4_usize).prop_map(Turn::Queued),
        5 => (0..9_usize).prop_map(Turn::Ready),
        2 => (0..9_usize).prop_map(Turn::StartFails),
        3 => (0..9_usize, any::<bool>()).prop_map(|(n, proven)| Turn::Exits(n, proven)),
        2 => (0..9_usize).prop_map(Turn::Unhealthy),
        3 => (0..9_usize).prop_map(Turn::Drained),
        2 => (0..9_usize).prop_map(Turn::Idle),
        4 => (0..400_u32).prop_map(Turn::Wait),
        2 => Just(Turn::Restart),
        1 => (0..9_usize).prop_map(Turn::Detach),
        2 => (0..9_usize).prop_map(Turn::Worn),
        1 => Just(Turn::Stop),
    ];
    prop::collection::vec(turn, 0..120)
}

/// The world around a roster: it knows what it was told to do, and checks
/// that it makes sense.
struct World {
    roster: Roster,
    policy: Policy,
    now: Instant,
    alive: BTreeMap<ProcessId, State>,
    /// Somebody waits for the end of a restart.
    restarting: bool,
    stopped: bool,
}

impl World {
    fn new(policy: Policy) -> Self {
        let mut world = Self {
            roster: Roster::new(policy, Share::unlimited()),
            policy,
            now: Instant::now() + 1000 * SECOND,
            alive: BTreeMap::new(),
            restarting: false,
            stopped: false,
        };
        world.tell(Tick);
        world
    }

    fn tell(&mut self, event: Event) {
        let ready = self.roster.count(State::Ready);
        self.restarting |= event == Restart && !self.stopped;
        for action in self.roster.handle(self.now, event) {
            match action {
                Restarted(_) | RestartFailed => {
                    assert!(std::mem::take(&mut self.restarting), "nobody asked");
                }
                NotDetached(id) => assert!(self.roster.is(id, State::Ready)),
                Spawn(id) => {
                    assert!(!self.stopped, "started after a stop");
                    let known = self.alive.insert(id, State::Starting);
                    assert!(known.is_none(), "a name was used twice");
                }
                Publish(id) => assert!(self.alive.contains_key(&id)),
                // It may be gone already, but its service is not.
                Withdraw(_) => {}
                Terminate(id) | Kill(id) => {
                    assert!(self.alive.contains_key(&id), "signalled a stranger");
                }
            }
        }
        let (min, max) = (self.policy.min, self.policy.max);
        assert!(self.roster.active() <= max);
        let too_many = usize::from(self.roster.due() > 0);
        let starting = self.roster.count(State::Starting);
        let now_ready = self.roster.count(State::Ready);
        assert!(starting + now_ready <= max + too_many);
        match event {
            // Whoever runs has his reasons to take these away.
            Event::Exited { .. } | Event::Unhealthy { .. } | IdleSince(..) => {}
            Detach(_) => assert!(now_ready > 0 || ready == 0, "the last one was taken away"),
            _ if self.stopped => {}
            _ => assert!(
                now_ready >= ready,
                "{ready} were ready, and {now_ready} are left"
            ),
        }
        assert!(self.roster.processes.len() <= 2 * max);
        let names: Vec<_> = self.roster.processes.keys().collect();
        assert_eq!(names, self.alive.keys().collect::<Vec<_>>());
        if !self.stopped
            && !self.roster.backoff.is_failing()
            && self.roster.processes.len() < 2 * max
        {
            assert!(self.roster.active() >= min.min(max), "too few");
        }
        if self.roster.gate() == Gate::Open && self.roster.active() == 0 {
            // Whoever waits now must be woken by something.
            let more = self.roster.queued == 0 && min == 0;
            let leaving = !self.roster.processes.is_empty();
            assert!(more || leaving, "requests wait for nothing");
        }
        if let Some(deadline) = self.roster.next_deadline() {
            assert!(deadline > self.now, "a deadline in the past wakes for ever");
        }
    }

    fn play(&mut self, turn: Turn) {
        let nth = |n: usize| {
            let names: Vec<_> = self.alive.keys().copied().collect();
            (!names.is_empty()).then(|| names[n % names.len()])
        };
        let event = match turn {
            Turn::Queued(n) => Some(Queued(n)),
            Turn::Ready(n) => nth(n).map(Ready),
            Turn::StartFails(n) => nth(n)
                .filter(|id| self.roster.processes[id] != State::Ready)
                .inspect(|id| _ = self.alive.remove(id))
                .map(StartFailed),
            Turn::Exits(n, proven) => nth(n)
                .filter(|id| self.roster.processes[id] != State::Starting)
                .inspect(|id| _ = self.alive.remove(id))
                .map(|id| Event::Exited { id, proven }),
            Turn::Unhealthy(n) => nth(n).map(|id| Event::Unhealthy {
                id,
                proven: n % 2 == 0,
            }),
            Turn::Drained(n) => nth(n).map(Drained),
            Turn::Idle(n) => nth(n).map(|id| IdleSince(id, self.now - 300 * SECOND)),
            Turn::Wait(seconds) => {
                self.now += seconds * SECOND;
                Some(Tick)
            }
            Turn::Restart => Some(Restart),
            Turn::Detach(n) => nth(n).map(Detach),
            Turn::Worn(n) => nth(n).map(Worn),
            Turn::Stop => {
                self.stopped = true;
                self.restarting = false;
                Some(Stop)
            }
        };
        if let Some(event) = event {
            self.tell(event);
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_bounds_hold_and_a_stop_ends(
        min in 0..4_usize,
        max in 1..4_usize,
        turns in turns(),
    ) {
        let mut world = World::new(policy(min.min(max), max));
        for turn in turns {
            world.play(turn);
        }

        // Nobody behaves: requests stay queued, nothing drains, and only
        // SIGKILL is heeded. The deadlines alone must end it.
        world.stopped = true;
        world.tell(Stop);
        for _ in 0..100 {
            let killed: Vec<_> = world.roster.processes()
                .filter(|(_, state)| *state == State::Killed)
                .map(|(id, _)| id)
                .collect();
            for id in killed {
                world.alive.remove(&id);
                world.tell(Event::Exited { id, proven: false });
            }
            if world.roster.is_over() {
                break;
            }
            if let Some(deadline) = world.roster.next_deadline() {
                world.now = deadline;
            }
            world.tell(Tick);
        }
        prop_assert!(world.roster.is_over(), "{:?}", world.roster);
        prop_assert_eq!(world.roster.gate(), Gate::Closed);
    }

    #[test]
    fn whatever_happened_before_a_restart_comes_to_its_end(
        min in 0..4_usize,
        max in 1..4_usize,
        turns in turns(),
    ) {
        let mut world = World::new(policy(min.min(max), max));
        let unstopped = |turn: &Turn| !matches!(turn, Turn::Stop);
        for turn in turns.into_iter().filter(unstopped) {
            world.play(turn);
        }
        let old: Vec<_> = world.alive.keys().copied().collect();
        world.tell(Restart);

        // Everybody behaves from now on.
        for _ in 0..100 {
            for (id, state) in world.roster.processes().collect::<Vec<_>>() {
                match state {
                    State::Starting => world.tell(Ready(id)),
                    State::Draining { .. } => world.tell(Drained(id)),
                    State::Terminating { .. } | State::Killed => {
                        world.alive.remove(&id);
                        world.tell(Event::Exited { id, proven: true });
                    }
                    State::Ready => {}
                }
            }
            world.now += SECOND;
            world.tell(Tick);
        }
        prop_assert!(!world.restarting, "{:?}", world.roster);
        prop_assert_eq!(world.roster.due(), 0);
        let stays = |id: &ProcessId| world.alive.contains_key(id);
        prop_assert!(!old.iter().any(stays), "{:?}", world.roster);
    }
}
