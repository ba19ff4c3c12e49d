use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{sync::Notify, time::Instant};

use crate::{
    roster::ProcessId,
    supervisor::{Note, Notes},
};

/// How much a process has to do, and whether it may be given more.
#[derive(Debug)]
pub(crate) struct Busyness {
    id: ProcessId,
    pid: u32,
    /// How many requests may run at the same time; 0 is any number.
    concurrency: usize,
    /// How many responses may begin before it is replaced; 0 is any number.
    max_requests: u64,
    /// Requests. Those that wait for all of them to end do not wait for upgraded
    /// connections, which may last for days.
    requests: AtomicUsize,
    upgraded: AtomicUsize,
    /// Both, where they do not count for the concurrency, nor are they waited for.
    beside: AtomicUsize,
    served: AtomicU64,
    /// The process is broken. It takes nothing more, and waits to be replaced.
    failing: AtomicBool,
    /// The process was too late with a request, and is asked whether it is there. It
    /// takes nothing more until it says so: a moment, if it is well.
    doubted: AtomicBool,
    /// The supervisor waits for the last request to end.
    draining: AtomicBool,
    ready_at: Instant,
    /// Milliseconds from `ready_at` to the end of the last request.
    last_used: AtomicU64,
    /// Who to wake when a place becomes free. One is enough: only the pool
    /// polls the process.
    waker: AtomicWaker,
    /// Told when the last request ends.
    idle: Notify,
    /// Told when draining begins.
    leaves: Notify,
    notes: Notes,
}

/// A request's place in a process. Dropped, the place is free.
#[derive(Debug)]
pub(crate) struct Permit {
    busyness: Arc<Busyness>,
    /// It does not count for the concurrency.
    beside: bool,
}

impl Busyness {
    pub(crate) fn new(
        id: ProcessId,
        pid: u32,
        concurrency: usize,
        max_requests: u64,
        notes: Notes,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            pid,
            concurrency,
            max_requests,
            requests: AtomicUsize::new(0),
            upgraded: AtomicUsize::new(0),
            beside: AtomicUsize::new(0),
            served: AtomicU64::new(0),
            failing: AtomicBool::new(false),
            doubted: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            ready_at: Instant::now(),
            last_used: AtomicU64::new(0),
            waker: AtomicWaker::new(),
            idle: Notify::new(),
            leaves: Notify::new(),
            notes,
        })
    }

    #[cfg(test)]
    pub(crate) fn id(&self) -> ProcessId {
        self.id
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Requests and upgraded connections.
    pub(crate) fn running(&self) -> usize {
        self.counted() + self.beside.load(Ordering::SeqCst)
    }

    /// Those that count for the concurrency.
    fn counted(&self) -> usize {
        self.requests.load(Ordering::SeqCst) + self.upgraded.load(Ordering::SeqCst)
    }

    /// Responses that have begun.
    pub(crate) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    pub(crate) fn ready_at(&self) -> Instant {
        self.ready_at
    }

    /// Since when nothing runs here; `None` while something does.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        let last = Duration::from_millis(self.last_used.load(Ordering::Relaxed));
        (self.running() == 0).then(|| self.ready_at + last)
    }

    pub(crate) fn poll_free(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_free() {
            return Poll::Ready(());
        }
        // Registered before the second look: whoever frees a place in between
        // finds the waker.
        self.waker.register(cx.waker());
        if self.is_free() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn is_free(&self) -> bool {
        !self.failing.load(Ordering::SeqCst)
            && !self.doubted.load(Ordering::SeqCst)
            && (self.concurrency == 0 || self.counted() < self.concurrency)
    }

    pub(crate) fn acquire(this: &Arc<Self>) -> Permit {
        this.requests.fetch_add(1, Ordering::SeqCst);
        Permit::new(this, false)
    }

    /// For a request that takes no place from others.
    pub(crate) fn acquire_beside(this: &Arc<Self>) -> Permit {
        this.beside.fetch_add(1, Ordering::SeqCst);
        Permit::new(this, true)
    }

    /// A permit as soon as no request runs here, for what is to run alone. Nobody
    /// else is kept from coming: whoever asks for this sees to that.
    ///
    /// Dropped while it waits, nothing is held.
    pub(crate) async fn acquire_idle(this: &Arc<Self>) -> Permit {
        loop {
            // Before the look: a permit that ends after it is heard.
            let idle = this.idle.notified();
            if this
                .requests
                .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
            {
                return Permit::new(this, false);
            }
            idle.await;
        }
    }

    /// The process has said that it is there.
    ///
    /// If it was too late once more since it was asked, that was before it answered, as
    /// far as anybody knows.
    pub(crate) fn trust(&self) {
        self.doubted.store(false, Ordering::SeqCst);
        self.waker.wake();
    }

    /// A place is free; perhaps the last one of its kind. Of the last of either
    /// kind, at least one finds the other gone.
    fn was_used(&self, last: bool) {
        let used = self.ready_at.elapsed().as_millis();
        let used = u64::try_from(used).unwrap_or(u64::MAX);
        self.last_used.store(used, Ordering::Relaxed);
        if last && self.draining.load(Ordering::SeqCst) && self.running() == 0 {
            self.notes.send(Note::Drained(self.id));
        }
        self.waker.wake();
    }

    /// Resolves when the process is to leave.
    pub(crate) async fn leaves(&self) {
        // Before the look: draining that begins after it is heard.
        let leaves = self.leaves.notified();
        if !self.draining.load(Ordering::SeqCst) {
            leaves.await;
        }
    }

    /// Has [`Note::Drained`] sent when nothing runs here any more. It may come
    /// twice; it cannot be missed, since of this store and the last permit's
    /// decrement each is followed by a look at the other.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        self.leaves.notify_waiters();
        if self.running() == 0 {
            self.notes.send(Note::Drained(self.id));
        }
    }
}

/// An upgraded connection's place in a process. Dropped, the place is free.
#[derive(Debug)]
pub(crate) struct UpgradedPermit {
    busyness: Arc<Busyness>,
    /// Present if it does not count for the concurrency.
    beside: Option<Permit>,
}

impl UpgradedPermit {
    pub(crate) fn busyness(&self) -> Arc<Busyness> {
        Arc::clone(&self.busyness)
    }
}

impl Permit {
    fn new(busyness: &Arc<Busyness>, beside: bool) -> Self {
        Self {
            busyness: Arc::clone(busyness),
            beside,
        }
    }

    /// The request has become something else, in the same place.
    pub(crate) fn upgraded(self) -> UpgradedPermit {
        let busyness = Arc::clone(&self.busyness);
        if self.beside {
            // Nobody waits for these in any form.
            let beside = Some(self);
            return UpgradedPermit { busyness, beside };
        }
        // Before this one is dropped: the place is never free in between.
        busyness.upgraded.fetch_add(1, Ordering::SeqCst);
        UpgradedPermit {
            busyness,
            beside: None,
        }
    }

    pub(crate) fn served(&self) {
        let before = self.busyness.served.fetch_add(1, Ordering::Relaxed);
        if before + 1 == self.busyness.max_requests {
            self.busyness.notes.send(Note::Worn(self.busyness.id));
        }
    }

    /// The process did not answer in time. One that takes one request at a
    /// time is stuck. With more than one the others may be well: the late one
    /// is given up, and the process is asked whether it is there. Until it says so, it
    /// is given no more that it might be late with. Requests beside the others may be
    /// late without that: who waits for events may wait for long.
    pub(crate) fn overdue(&self) {
        if self.busyness.concurrency == 1 && !self.beside {
            self.condemn("does not answer");
            return;
        }
        if !self.beside {
            self.busyness.doubted.store(true, Ordering::SeqCst);
        }
        self.busyness.notes.send(Note::Overdue(self.busyness.id));
    }

    /// Nothing more is given to this process: it is to be replaced. Said
    /// before the place is free, so that the next request is not the next
    /// victim.
    pub(crate) fn condemn(&self, why: &'static str) {
        self.busyness.failing.store(true, Ordering::SeqCst);
        self.busyness
            .notes
            .send(Note::Unhealthy(self.busyness.id, why));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let busyness = &*self.busyness;
        if self.beside {
            let last = busyness.beside.fetch_sub(1, Ordering::SeqCst) == 1;
            busyness.was_used(last);
            return;
        }
        let last = busyness.requests.fetch_sub(1, Ordering::SeqCst) == 1;
        if last {
            busyness.idle.notify_waiters();
        }
        busyness.was_used(last);
    }
}

impl Drop for UpgradedPermit {
    fn drop(&mut self) {
        // Else the permit says so.
        if self.beside.is_some() {
            return;
        }
        let busyness = &*self.busyness;
        let last = busyness.upgraded.fetch_sub(1, Ordering::SeqCst) == 1;
        busyness.was_used(last);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Wake, Waker},
    };

    use super::*;
    use crate::supervisor::notes;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn busyness(concurrency: usize) -> (Arc<Busyness>, crate::supervisor::Inbox) {
        let (notes, inbox) = notes();
        (
            Busyness::new(ProcessId::new(1), 4711, concurrency, 2, notes),
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
}
