use std::{
    pin::pin,
    task::{Wake, Waker},
};

use super::*;
use crate::{
    process::{Leave, Look},
    supervisor::{Inbox, notes},
};

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn busyness(concurrency: usize) -> (Arc<Busyness>, Inbox) {
    let (notes, inbox) = notes();
    (
        Busyness::new(
            ProcessId::new(1),
            4711,
            concurrency,
            2,
            Pulse::none(),
            notes,
        ),
        inbox,
    )
}

fn is_free(busyness: &Busyness) -> bool {
    busyness
        .poll_free(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

#[tokio::test]
async fn a_process_is_free_below_its_concurrency() {
    for (concurrency, places) in [(1, 1), (3, 3)] {
        let (busyness, _inbox) = busyness(concurrency);
        let mut permits = Vec::new();
        for _ in 0..places {
            assert!(is_free(&busyness));
            permits.push(Busyness::acquire(&busyness));
        }
        assert!(!is_free(&busyness));
        permits.pop();
        assert!(is_free(&busyness));
    }
}

#[tokio::test]
async fn zero_is_any_number() {
    let (busyness, _inbox) = busyness(0);
    let _permits: Vec<_> = (0..1000).map(|_| Busyness::acquire(&busyness)).collect();
    assert!(is_free(&busyness));
}

#[tokio::test]
async fn a_request_beside_takes_no_place_and_is_finished_all_the_same() {
    let (busyness, mut inbox) = busyness(1);
    let beside = [(); 3].map(|()| Busyness::acquire_beside(&busyness));
    assert!(is_free(&busyness));
    assert_eq!(busyness.running(), 3);
    let counted = Busyness::acquire(&busyness);
    assert!(!is_free(&busyness));
    drop(counted);

    // It may be late without being stuck.
    beside[0].overdue();
    assert!(matches!(inbox.try_recv(), Some(Note::Overdue(_))));
    assert!(is_free(&busyness));

    let upgraded = beside.map(Permit::upgraded);
    assert!(is_free(&busyness));
    busyness.drain();
    assert!(inbox.try_recv().is_none());
    drop(upgraded);
    assert!(matches!(inbox.try_recv(), Some(Note::Drained(_))));
    assert_eq!(busyness.running(), 0);
}

#[tokio::test]
async fn what_is_to_run_alone_waits_for_the_last_request() {
    let (busyness, _inbox) = busyness(0);
    let (one, two) = (Busyness::acquire(&busyness), Busyness::acquire(&busyness));
    let mut alone = pin!(Busyness::acquire_idle(&busyness));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(alone.as_mut().poll(&mut cx).is_pending());
    drop(one);
    assert!(alone.as_mut().poll(&mut cx).is_pending());
    drop(two);
    assert!(alone.as_mut().poll(&mut cx).is_ready());
}

#[tokio::test]
async fn a_broken_process_is_not_free_when_its_last_request_ends() {
    let (busyness, _inbox) = busyness(1);
    let permit = Busyness::acquire(&busyness);
    permit.overdue();
    drop(permit);
    assert!(!is_free(&busyness));
}

#[tokio::test]
async fn a_late_answer_among_several_is_a_reason_to_ask() {
    let (busyness, mut inbox) = busyness(5);
    Busyness::acquire(&busyness).overdue();
    assert!(matches!(inbox.try_recv(), Some(Note::Overdue(_))));
    assert!(!is_free(&busyness), "perhaps it hangs");
    busyness.trust();
    assert!(is_free(&busyness), "it is well");
}

#[tokio::test]
async fn who_waits_is_woken_when_a_process_says_that_it_is_there() {
    let (busyness, _inbox) = busyness(5);
    Busyness::acquire(&busyness).overdue();
    let waiting = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&waiting));
    let mut cx = Context::from_waker(&waker);
    assert!(busyness.poll_free(&mut cx).is_pending());
    assert!(!waiting.0.load(Ordering::SeqCst));
    busyness.trust();
    assert!(waiting.0.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_process_is_worn_once() {
    let (busyness, mut inbox) = busyness(1);
    for _ in 0..3 {
        Busyness::acquire(&busyness).served();
    }
    assert!(matches!(inbox.try_recv(), Some(Note::Worn(_))));
    assert!(inbox.try_recv().is_none());
    assert!(is_free(&busyness), "until another one is ready");
}

#[tokio::test]
async fn draining_is_over_when_the_last_request_ends() {
    let (busyness, mut inbox) = busyness(0);
    let (one, two) = (Busyness::acquire(&busyness), Busyness::acquire(&busyness));
    busyness.drain();
    drop(one);
    assert!(inbox.try_recv().is_none());
    drop(two);
    assert!(matches!(inbox.try_recv(), Some(Note::Drained(_))));
}

#[tokio::test]
async fn an_upgraded_connection_takes_a_place_and_is_waited_for_at_the_end() {
    let (busyness, mut inbox) = busyness(1);
    let upgraded = Busyness::acquire(&busyness).upgraded();
    assert_eq!(busyness.running(), 1);
    assert!(!is_free(&busyness));
    assert!(busyness.idle_since().is_none());

    busyness.drain();
    assert!(inbox.try_recv().is_none());
    drop(upgraded);
    assert!(matches!(inbox.try_recv(), Some(Note::Drained(_))));
}

#[tokio::test]
async fn what_is_to_run_alone_waits_for_no_upgraded_connection() {
    let (busyness, _inbox) = busyness(0);
    let request = Busyness::acquire(&busyness);
    let mut alone = pin!(Busyness::acquire_idle(&busyness));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(alone.as_mut().poll(&mut cx).is_pending());
    let _upgraded = request.upgraded();
    assert!(alone.as_mut().poll(&mut cx).is_ready());
}

#[tokio::test]
async fn who_waits_for_the_leave_hears_of_it_before_and_after() {
    let (busyness, _inbox) = busyness(0);
    let mut before = pin!(busyness.leaves());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(before.as_mut().poll(&mut cx).is_pending());
    busyness.drain();
    assert!(before.as_mut().poll(&mut cx).is_ready());
    assert!(pin!(busyness.leaves()).poll(&mut cx).is_ready());
}

#[tokio::test]
async fn an_idle_process_is_drained_at_once() {
    let (busyness, mut inbox) = busyness(1);
    busyness.drain();
    assert!(matches!(inbox.try_recv(), Some(Note::Drained(_))));
}

/// A process group of which some part exits for so many looks, or its leader.
#[derive(Debug)]
struct Dying {
    looks: AtomicUsize,
    leader: bool,
}

impl Leave for Dying {
    fn terminate(&self) {}

    fn kill(&self) {}

    fn is_exiting(&self) -> bool {
        self.leader
    }

    fn has_exiting(&self) -> Look {
        let left = self.looks.load(Ordering::Relaxed);
        self.looks.store(left.saturating_sub(1), Ordering::Relaxed);
        Box::pin(std::future::ready(left > 0))
    }
}

fn dying(looks: usize, leader: bool) -> (Arc<dyn Leave>, Arc<Busyness>, Inbox) {
    let group: Arc<dyn Leave> = Arc::new(Dying {
        looks: looks.into(),
        leader,
    });
    let (notes, inbox) = notes();
    let busyness = Busyness::new(ProcessId::new(1), 4711, 5, 0, Pulse::of(&group), notes);
    (group, busyness, inbox)
}

#[tokio::test]
async fn a_process_that_exits_is_given_nothing_more_and_says_so_once() {
    let (_group, busyness, mut inbox) = dying(0, true);
    let permit = Busyness::acquire(&busyness);
    assert!(is_free(&busyness), "nobody has asked");
    assert!(!permit.outlives_exits().await);
    assert!(!permit.outlives_exits().await);
    drop(permit);
    assert!(!is_free(&busyness));
    assert!(matches!(inbox.try_recv(), Some(Note::Exiting(_))));
    assert!(inbox.try_recv().is_none());
}

#[tokio::test(start_paused = true)]
async fn while_a_part_of_a_process_exits_it_is_given_nothing() {
    let (_group, busyness, mut inbox) = dying(3, false);
    let permit = Busyness::acquire(&busyness);
    let mut waits = pin!(permit.outlives_exits());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waits.as_mut().poll(&mut cx).is_pending());
    assert!(!is_free(&busyness));
    assert!(waits.await, "the leader lives");
    assert!(is_free(&busyness));
    assert!(inbox.try_recv().is_none());

    // Whoever waits may leave.
    let (_group, busyness, _inbox) = dying(3, false);
    let permit = Busyness::acquire(&busyness);
    {
        let mut waits = pin!(permit.outlives_exits());
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        assert!(!is_free(&busyness));
    }
    assert!(is_free(&busyness));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_does_not_finish_its_exit_is_not_waited_for_for_ever() {
    let (_group, busyness, _inbox) = dying(usize::MAX, false);
    let permit = Busyness::acquire(&busyness);
    let begun = Instant::now();
    assert!(permit.outlives_exits().await);
    let took = begun.elapsed();
    assert!(took >= EXIT_TIME && took < 2 * EXIT_TIME, "{took:?}");
    assert!(is_free(&busyness));
}
