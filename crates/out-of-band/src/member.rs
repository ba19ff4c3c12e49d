use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{runtime::Handle, sync::Notify, task::AbortHandle};

use crate::{
    gate::Gate,
    group::RestGroup,
    handle::Rests,
    rest::Turn,
    rota::{Event, MemberId, Phase},
    wakers::{Ticket, Wakers},
};

/// What is done while a service rests.
pub(crate) type Work = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// How one service rests.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) work: Work,
    pub(crate) drain_timeout: Duration,
    pub(crate) work_timeout: Duration,
}

/// One service of a group, whatever number of clones it has.
pub(crate) struct Member {
    id: MemberId,
    group: RestGroup,
    plan: Plan,
    /// Inside are the requests that run, and those who were told that they
    /// may send one.
    gate: Gate,
    /// Told when the last one leaves the closed gate.
    drained: Notify,
    wakers: Arc<Wakers>,
    /// Where the service was made. A task for its sake ends with that runtime,
    /// not with that of some request.
    runtime: Option<Handle>,
    rest: Mutex<Option<AbortHandle>>,
    rests: Mutex<Rests>,
}

/// A place for one request. Dropped, the exchange is over.
#[derive(Debug)]
pub(crate) struct Place(Arc<Member>);

/// Held by the clones of a service. Dropped, the member is gone.
#[derive(Debug)]
pub(crate) struct Owner(pub(crate) Arc<Member>);

impl Member {
    pub(crate) fn join(group: &RestGroup, plan: Plan) -> Arc<Self> {
        group.join(|id| {
            Arc::new(Self {
                id,
                group: group.clone(),
                plan,
                gate: Gate::default(),
                drained: Notify::new(),
                wakers: Arc::default(),
                runtime: Handle::try_current().ok(),
                rest: Mutex::default(),
                rests: Mutex::default(),
            })
        })
    }

    pub(crate) const fn id(&self) -> MemberId {
        self.id
    }

    pub(crate) const fn group(&self) -> &RestGroup {
        &self.group
    }

    pub(crate) const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn phase(&self) -> Option<Phase> {
        self.group.phase(self.id)
    }

    pub(crate) fn inside(&self) -> usize {
        self.gate.inside()
    }

    pub(crate) fn rests(&self) -> MutexGuard<'_, Rests> {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ask(&self) {
        self.group.tell(Event::Asked(self.id));
    }

    /// A place for a request, as soon as the service does not rest.
    pub(crate) fn poll_enter(
        self: &Arc<Self>,
        ticket: &mut Option<Ticket>,
        cx: &Context<'_>,
    ) -> Poll<Place> {
        if let Some(place) = self.enter() {
            return Poll::Ready(place);
        }
        // Registered before the second look: whoever opens the gate in between
        // finds the waker.
        self.wakers.register(ticket, cx.waker());
        self.enter().map_or(Poll::Pending, Poll::Ready)
    }

    fn enter(self: &Arc<Self>) -> Option<Place> {
        self.gate.try_enter().then(|| Place(Arc::clone(self)))
    }

    pub(crate) fn close(&self) {
        self.gate.close();
    }

    pub(crate) fn open(&self) {
        self.gate.open();
    }

    pub(crate) fn wake(&self) {
        self.wakers.wake();
    }

    /// Returns when nothing runs and nothing will, as long as the gate stays
    /// closed.
    pub(crate) async fn drained(&self) {
        while !self.gate.is_drained() {
            // A wake-up that comes before this waits for it, and one that is
            // left from an earlier rest costs one more look.
            self.drained.notified().await;
        }
    }

    /// Starts the task that rests. Not under the group's lock: without a
    /// runtime the turn goes back at once.
    pub(crate) fn begin_rest(self: Arc<Self>) {
        let turn = Turn::new(Arc::clone(&self));
        let runtime = self.runtime.clone().or_else(|| Handle::try_current().ok());
        let Some(runtime) = runtime else {
            tracing::warn!("no runtime to rest in: make the service within one");
            return;
        };
        // Locked over the start: an owner that leaves finds the task, or the
        // task finds that it has left.
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        *rest = Some(runtime.spawn(turn.rest()).abort_handle());
    }
}

impl Place {
    /// The request that has this place asks for a rest.
    pub(crate) fn ask(&self) {
        self.0.ask();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let member = &self.0;
        if member.gate.leave() {
            member.drained.notify_one();
        }
        member.group.request_ended();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let member = &self.0;
        member.group.tell(Event::Left(member.id));
        let mut rest = member.rest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rest) = rest.take() {
            rest.abort();
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("id", &self.id)
            .field("inside", &self.inside())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("drain_timeout", &self.drain_timeout)
            .field("work_timeout", &self.work_timeout)
            .finish_non_exhaustive()
    }
}
