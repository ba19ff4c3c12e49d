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
    /// Counts the dispatches.
    round: u64,
}

struct Slot<S> {
    id: ProcessId,
    pid: u32,
    service: S,
    /// The last dispatch that has polled it.
    polled_in: u64,
}

/// What became of a request for one process.
pub(crate) enum Asked<F> {
    Sent(Dispatched<F>),
    /// It has no place free; the queue is woken when it has.
    Busy,
    /// It takes no requests any more.
    Gone,
    Refused(Error),
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
                round: 0,
            }),
            waker,
            notes,
        }
    }

    pub(crate) fn publish(&self, id: ProcessId, pid: u32, service: S) {
        let slots = &mut self.table().slots;
        // A younger one may have been ready earlier.
        let at = slots.partition_point(|slot| slot.id < id);
        let slot = Slot {
            id,
            pid,
            service,
            polled_in: 0,
        };
        slots.insert(at, slot);
    }

    /// Takes a process out. The caller drops it, outside of the lock.
    pub(crate) fn withdraw(&self, id: ProcessId) -> Option<impl Sized + use<S>> {
        let mut table = self.table();
        let at = table.slots.iter().position(|slot| slot.id == id)?;
        let slot = table.slots.remove(at);
        drop(table);
        // Who waits for this process alone need wait no longer.
        self.waker.wake_by_ref();
        Some(slot)
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
        if request.is_none() {
            return Poll::Pending;
        }
        table.round += 1;
        while let Some(slot) = table.next(avoid) {
            match slot.service.poll_ready(&mut cx) {
                Poll::Ready(Ok(())) => {
                    let Some(request) = request.take() else {
                        break;
                    };
                    return Poll::Ready(Ok(Dispatched {
                        future: slot.service.call(request),
                        id: slot.id,
                        pid: slot.pid,
                    }));
                }
                Poll::Ready(Err(error)) => {
                    tracing::warn!(pid = slot.pid, %error, "a process's layer failed");
                    self.notes
                        .send(Note::Unhealthy(slot.id, "failed in a layer"));
                }
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }
}

impl<S> Selector<S>
where
    S: Service<Request<RequestBody>, Error = Error>,
{
    /// Gives the request to the process of this id in the operating system, and to
    /// no other.
    pub(crate) fn dispatch_to(
        &self,
        pid: u32,
        request: &mut Option<Request<RequestBody>>,
        waited: bool,
    ) -> Asked<S::Future> {
        let mut cx = Context::from_waker(&self.waker);
        let mut table = self.table();
        if let Some(refusal) = table.refusal(waited) {
            return Asked::Refused(refusal);
        }
        let Some(slot) = table.slots.iter_mut().find(|slot| slot.pid == pid) else {
            return Asked::Gone;
        };
        match slot.service.poll_ready(&mut cx) {
            Poll::Ready(Ok(())) => match request.take() {
                Some(request) => Asked::Sent(Dispatched {
                    future: slot.service.call(request),
                    id: slot.id,
                    pid: slot.pid,
                }),
                None => Asked::Busy,
            },
            // Whoever is sent there next says so.
            Poll::Ready(Err(_)) => Asked::Gone,
            Poll::Pending => Asked::Busy,
        }
    }
}

impl<S: Load<Metric: Ord>> Table<S> {
    /// Who is to be polled next in this round: those that are best, as long as
    /// they are not ready. The others keep their readiness, which may hold
    /// something, for a request that they get.
    ///
    /// A load may change while a round lasts. So it is marked who had a turn,
    /// and nobody is left out whose waker would then be lost.
    fn next(&mut self, avoid: Avoid) -> Option<&mut Slot<S>> {
        let round = self.round;
        let best = self
            .slots
            .iter_mut()
            .filter(|slot| slot.polled_in != round && avoid != Avoid::Strictly(slot.id))
            // The first of several, which is the oldest.
            .min_by_key(|slot| (avoid == Avoid::Rather(slot.id), slot.service.load()))?;
        best.polled_in = round;
        Some(best)
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

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::Ready, rc::Rc};

    use http::Response;

    use super::*;
    use crate::supervisor::notes;

    struct Played {
        load: usize,
        ready: bool,
        polls: Rc<Cell<usize>>,
    }

    impl Service<Request<RequestBody>> for Played {
        type Response = Response<()>;
        type Error = Error;
        type Future = Ready<Result<Self::Response, Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            self.polls.set(self.polls.get() + 1);
            if self.ready {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        }

        fn call(&mut self, _: Request<RequestBody>) -> Self::Future {
            std::future::ready(Ok(Response::new(())))
        }
    }

    impl Load for Played {
        type Metric = usize;

        fn load(&self) -> usize {
            self.load
        }
    }

    #[test]
    fn a_request_for_one_process_goes_to_no_other() {
        // Load and readiness of the processes 1 and 2; whom it is for; who gets it.
        type Case = (&'static str, [(usize, bool); 2], u32, &'static str);
        let cases: [Case; 4] = [
            ("it is ready", [(0, true), (5, true)], 2, "sent to 2"),
            ("it is busy", [(0, true), (1, false)], 2, "busy"),
            ("it is gone", [(0, true), (0, true)], 3, "gone"),
            ("both are busy", [(1, false), (1, false)], 1, "busy"),
        ];
        for (name, processes, pid, expected) in cases {
            let (notes, _inbox) = notes();
            let selector = Selector::new(Waker::noop().clone(), notes);
            for (pid, (load, ready)) in (1..).zip(processes) {
                let played = Played {
                    load,
                    ready,
                    polls: Rc::default(),
                };
                selector.publish(ProcessId::new(pid.into()), pid, played);
            }
            let mut request = Some(Request::new(RequestBody::empty()));
            let got = match selector.dispatch_to(pid, &mut request, false) {
                Asked::Sent(sent) => format!("sent to {}", sent.pid),
                Asked::Busy => "busy".to_owned(),
                Asked::Gone => "gone".to_owned(),
                Asked::Refused(error) => error.to_string(),
            };
            assert_eq!(got, expected, "{name}");
            assert_eq!(request.is_some(), !got.starts_with("sent"), "{name}");
        }
        let (notes, _inbox) = notes();
        let selector = Selector::<Played>::new(Waker::noop().clone(), notes);
        selector.set_gate(Gate::Closed, None);
        let refused = selector.dispatch_to(1, &mut None, true);
        assert!(matches!(refused, Asked::Refused(_)));
    }

    #[test]
    fn nobody_is_asked_whether_it_is_ready_who_would_not_get_the_request() {
        // Load and readiness of each process; who gets it; how often each is
        // polled.
        type Case = (&'static str, [(usize, bool); 3], Option<u64>, [usize; 3]);
        let cases: [Case; 5] = [
            ("the oldest of equals", [(0, true); 3], Some(0), [1, 0, 0]),
            (
                "the least busy",
                [(2, true), (1, true), (2, true)],
                Some(1),
                [0, 1, 0],
            ),
            (
                "the best is not ready",
                [(1, true), (2, true), (0, false)],
                Some(0),
                [1, 0, 1],
            ),
            (
                "only the last choice is",
                [(3, true), (0, false), (0, false)],
                Some(0),
                [1, 1, 1],
            ),
            ("nobody is", [(0, false); 3], None, [1, 1, 1]),
        ];
        for (name, processes, expected, expected_polls) in cases {
            let (notes, _inbox) = notes();
            let selector = Selector::new(Waker::noop().clone(), notes);
            let mut polls = Vec::new();
            for (id, (load, ready)) in (0..).zip(processes) {
                let counter = Rc::<Cell<usize>>::default();
                polls.push(Rc::clone(&counter));
                let played = Played {
                    load,
                    ready,
                    polls: counter,
                };
                selector.publish(ProcessId::new(id), 0, played);
            }
            let mut request = Some(Request::new(RequestBody::empty()));
            let got = match selector.dispatch(&mut request, Avoid::Nobody, false) {
                Poll::Ready(sent) => Some(sent.ok().unwrap().id),
                Poll::Pending => None,
            };
            assert_eq!(got, expected.map(ProcessId::new), "{name}");
            assert_eq!(request.is_some(), got.is_none(), "{name}");
            let polls: Vec<_> = polls.iter().map(|polls| polls.get()).collect();
            assert_eq!(polls, expected_polls, "{name}");
        }
    }
}
