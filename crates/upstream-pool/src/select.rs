use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use http::Request;
use tokio::time::Instant;
use tower::load::Load;
use tower_service::Service;

use crate::{
    Error, RequestBody, StartReport,
    retry::Avoid,
    roster::{Gate, ProcessId},
    supervisor::{Note, Notes},
};

/// The processes that requests may go to, and which of them is next.
///
/// The least busy one that is ready; among equals the oldest. Requests that
/// few processes can serve stay with those few: their caches are warm, and the
/// others grow idle enough to be stopped.
pub(crate) struct Selector<S> {
    table: Mutex<Table<S>>,
    /// Every process is polled with this one: the queue.
    waker: Waker,
    notes: Notes,
}

struct Table<S> {
    /// Oldest first.
    slots: Vec<Slot<S>>,
    gate: Gate,
    last_failure: Option<Arc<StartReport>>,
}

struct Slot<S> {
    id: ProcessId,
    pid: u32,
    service: S,
}

/// A request that is on its way.
pub(crate) struct Dispatched<F> {
    pub(crate) future: F,
    pub(crate) id: ProcessId,
    pub(crate) pid: u32,
}

impl<S> Selector<S> {
    pub(crate) const fn new(waker: Waker, notes: Notes) -> Self {
        Self {
            table: Mutex::new(Table {
                slots: Vec::new(),
                gate: Gate::Open,
                last_failure: None,
            }),
            waker,
            notes,
        }
    }

    pub(crate) fn publish(&self, id: ProcessId, pid: u32, service: S) {
        let slots = &mut self.table().slots;
        // A younger one may have been ready earlier.
        let at = slots.partition_point(|slot| slot.id < id);
        slots.insert(at, Slot { id, pid, service });
    }

    /// Takes a process out. The caller drops it, outside of the lock.
    pub(crate) fn withdraw(&self, id: ProcessId) -> Option<impl Sized + use<S>> {
        let mut table = self.table();
        let at = table.slots.iter().position(|slot| slot.id == id)?;
        Some(table.slots.remove(at))
    }

    pub(crate) fn set_gate(&self, gate: Gate, last_failure: Option<Arc<StartReport>>) {
        let mut table = self.table();
        table.gate = gate;
        table.last_failure = last_failure;
    }

    /// Why a request should not wait for a process, if so.
    pub(crate) fn refusal(&self, waited: bool) -> Option<Error> {
        self.table().refusal(waited)
    }

    fn table(&self) -> MutexGuard<'_, Table<S>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Selector<S>
where
    S: Service<Request<RequestBody>, Error = Error> + Load<Metric: Ord>,
{
    /// Gives the request to the process that is to have it, if one is ready;
    /// the queue is woken when one becomes ready.
    ///
    /// The service that is called is the one that was polled, under one lock:
    /// no other request can take the readiness away in between.
    pub(crate) fn dispatch(
        &self,
        request: &mut Option<Request<RequestBody>>,
        avoid: Avoid,
        waited: bool,
    ) -> Poll<Result<Dispatched<S::Future>, Error>> {
        let mut cx = Context::from_waker(&self.waker);
        let mut table = self.table();
        if let Some(refusal) = table.refusal(waited) {
            return Poll::Ready(Err(refusal));
        }
        let mut broken = None;
        let mut best = None;
        for (at, slot) in table.slots.iter_mut().enumerate() {
            if avoid == Avoid::Strictly(slot.id) {
                continue;
            }
            match slot.service.poll_ready(&mut cx) {
                Poll::Ready(Ok(())) => {
                    let rank = (avoid == Avoid::Rather(slot.id), slot.service.load());
                    if best.as_ref().is_none_or(|(_, least)| rank < *least) {
                        best = Some((at, rank));
                    }
                }
                Poll::Ready(Err(error)) => {
                    tracing::warn!(pid = slot.pid, %error, "a process's layer failed");
                    broken = Some(slot.id);
                }
                Poll::Pending => {}
            }
        }
        if let Some(id) = broken {
            self.notes.send(Note::Unhealthy(id, "failed in a layer"));
        }
        let Some((at, _)) = best else {
            return Poll::Pending;
        };
        let Some(request) = request.take() else {
            return Poll::Pending;
        };
        let slot = &mut table.slots[at];
        Poll::Ready(Ok(Dispatched {
            future: slot.service.call(request),
            id: slot.id,
            pid: slot.pid,
        }))
    }
}

impl<S> Table<S> {
    fn refusal(&self, waited: bool) -> Option<Error> {
        match (self.gate, &self.last_failure) {
            (Gate::Closed, _) => Some(Error::stopping()),
            (Gate::Stopping, _) if !waited => Some(Error::stopping()),
            (Gate::Failing { retry_at }, Some(report)) if self.slots.is_empty() => {
                let retry_after = retry_at.saturating_duration_since(Instant::now());
                Some(Error::not_started(Arc::clone(report), retry_after))
            }
            (Gate::Open | Gate::Stopping | Gate::Failing { .. }, _) => None,
        }
    }
}
