#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{
    sync::Notify,
    time::{self, Instant},
};

use super::Pulse;
use crate::{
    roster::ProcessId,
    supervisor::{Note, Notes},
};

/// How often to look whether what was exiting has ended.
const LOOK: Duration = Duration::from_millis(5);

/// How long to wait for that: a moment, on however busy a machine, unless it waits for
/// a disk. Then the process gets requests again, unless it was itself: then it is
/// replaced.
pub(crate) const EXIT_TIME: Duration = Duration::from_secs(5);

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
    /// The process is broken, or exiting. It takes nothing more, and waits to be
    /// replaced.
    failing: AtomicBool,
    /// The process was too late with a request, and is asked whether it is there. It
    /// takes nothing more until it says so: a moment, if it is well.
    doubted: AtomicBool,
    /// How many wait for a part of the process that is exiting. It takes nothing
    /// meanwhile: it may be the part that everything depends on.
    pausing: AtomicUsize,
    pulse: Pulse,
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
        pulse: Pulse,
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
            pausing: AtomicUsize::new(0),
            pulse,
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
            && self.pausing.load(Ordering::SeqCst) == 0
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

    /// A connection was closed: whether the process is exiting. Then it is given
    /// nothing any more, and its end is about to be heard.
    pub(crate) fn is_of_no_use(&self) -> bool {
        let busyness = &*self.busyness;
        // Somebody has found out already, or it is to be replaced anyway.
        if busyness.failing.load(Ordering::SeqCst) {
            return true;
        }
        let exits = busyness.pulse.stops();
        if exits && !busyness.failing.swap(true, Ordering::SeqCst) {
            busyness.notes.send(Note::Exiting(busyness.id));
        }
        exits
    }

    /// As [`is_of_no_use`](Self::is_of_no_use), and waits until no other part of the
    /// process is exiting, which may be the one that listens: what is sent there
    /// now, by whomever, may be lost.
    ///
    /// Dropped while it waits, the process gets requests again.
    pub(crate) async fn outlives_exits(&self) -> bool {
        let deadline = Instant::now() + EXIT_TIME;
        let mut pause = None;
        loop {
            if self.is_of_no_use() {
                return false;
            }
            if !self.busyness.pulse.falters().await || Instant::now() >= deadline {
                return true;
            }
            pause.get_or_insert_with(|| Pause::of(&self.busyness));
            time::sleep(LOOK).await;
        }
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

/// As long as one of these is there, a process takes no requests.
struct Pause(Arc<Busyness>);

impl Pause {
    fn of(busyness: &Arc<Busyness>) -> Self {
        busyness.pausing.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(busyness))
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.0.pausing.fetch_sub(1, Ordering::SeqCst);
        self.0.waker.wake();
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
