use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use peregrine_core::{ControlFields, ServedBy};
use pin_project_lite::pin_project;
use tower::load::Load;
use tower_service::Service;

use crate::{
    Error, RequestBody,
    pool::Shared,
    preference::Preference,
    queue::Ticket,
    retry::Retry,
    roster::ProcessId,
    select::{Asked, Dispatched},
};

pin_project! {
    /// Waits for a process, then for its response.
    ///
    /// Dropped while it waits, its place in the queue is free and the request
    /// is never sent. Dropped later: see rule 9 of the
    /// [crate](crate#rules).
    pub struct ResponseFuture<S>
    where
        S: Service<Request<RequestBody>>,
    {
        shared: Arc<Shared<S>>,
        retry: Retry,
        preference: Option<Preference>,
        #[pin]
        phase: Phase<S::Future>,
    }
}

pin_project! {
    #[project = PhaseProj]
    enum Phase<F> {
        /// Looks for a process, or waits in the queue for one.
        Waiting {
            request: Option<Request<RequestBody>>,
            ticket: Option<Ticket>,
        },
        Running {
            #[pin]
            future: F,
            id: ProcessId,
            pid: u32,
        },
    }
}

impl<S: Service<Request<RequestBody>>> ResponseFuture<S> {
    pub(crate) fn new(shared: Arc<Shared<S>>, request: Request<RequestBody>) -> Self {
        Self {
            shared,
            retry: Retry::default(),
            preference: Preference::of(&request),
            phase: Phase::Waiting {
                request: Some(request),
                ticket: None,
            },
        }
    }
}

impl<S, ResBody> Future for ResponseFuture<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResBody>, Error = Error>
        + Load<Metric: Ord>,
{
    type Output = Result<Response<ResBody>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.phase.as_mut().project() {
                PhaseProj::Waiting { request, ticket } => {
                    if let Some(preference) = this.preference
                        && let Some(sent) =
                            poll_preferred(this.shared, preference, request, ticket, cx)
                    {
                        ready!(sent)?
                    } else {
                        *this.preference = None;
                        ready!(poll_dispatch(this.shared, this.retry, request, ticket, cx))?
                    }
                }
                PhaseProj::Running { future, id, pid } => match ready!(future.poll(cx)) {
                    Ok(mut response) => {
                        ControlFields::set_aside(&mut response);
                        let served_by = ServedBy { pid: *pid };
                        response.extensions_mut().insert(served_by);
                        return Poll::Ready(Ok(response));
                    }
                    Err(error) => {
                        let (pid, reason) = (*pid, error.to_string());
                        let request = this.retry.after(error, *id)?;
                        tracing::debug!(pid, reason, "sent again");
                        // It has failed.
                        *this.preference = None;
                        Phase::Waiting {
                            request: Some(request),
                            ticket: None,
                        }
                    }
                },
            };
            this.phase.set(next);
        }
    }
}

/// Sends the request to the process that it prefers, as soon as that is ready;
/// `None` if another one will do.
fn poll_preferred<S>(
    shared: &Shared<S>,
    preference: &mut Preference,
    request: &mut Option<Request<RequestBody>>,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
) -> Option<Poll<Result<Phase<S::Future>, Error>>>
where
    S: Service<Request<RequestBody>, Error = Error>,
{
    loop {
        // Before the look at the process, so that its waking up finds the waker.
        let waits = ticket
            .as_ref()
            .is_some_and(|ticket| ticket.is_aside(cx.waker()));
        match shared.selector.dispatch_to(preference.pid, request, waits) {
            Asked::Sent(sent) => return Some(Poll::Ready(Ok(sent.into()))),
            Asked::Refused(error) => return Some(Poll::Ready(Err(error))),
            Asked::Busy if !preference.is_over(cx) => {
                if waits {
                    return Some(Poll::Pending);
                }
                // And looks once more: rule 1 of the queue.
                match shared.queue.enter_aside(cx.waker()) {
                    Ok(entered) => *ticket = Some(entered),
                    Err(error) => return Some(Poll::Ready(Err(error))),
                }
            }
            Asked::Busy | Asked::Gone => {
                if let Some(ticket) = ticket {
                    ticket.line_up();
                }
                return None;
            }
        }
    }
}

/// Sends the request as soon as it is its turn and a process is ready. See
/// [`Queue`](crate::queue::Queue) for why no wake-up is lost.
fn poll_dispatch<S>(
    shared: &Shared<S>,
    retry: &mut Retry,
    request: &mut Option<Request<RequestBody>>,
    ticket: &mut Option<Ticket>,
    cx: &mut Context<'_>,
) -> Poll<Result<Phase<S::Future>, Error>>
where
    S: Service<Request<RequestBody>, Error = Error> + Load<Metric: Ord>,
{
    let accepted = ticket.is_some() || !retry.is_first_try();
    let avoid = retry.avoid(cx);
    let dispatch = |request: &mut _| {
        shared
            .selector
            .dispatch(request, avoid, accepted)
            .map_ok(Phase::from)
    };
    let ticket = match ticket {
        Some(ticket) => ticket,
        none => {
            // Nearly always nobody waits, and the queue is not touched.
            if shared.queue.len() == 0
                && let Poll::Ready(sent) = dispatch(request)
            {
                return Poll::Ready(sent);
            }
            if let Some(refusal) = shared.selector.refusal(accepted) {
                return Poll::Ready(Err(refusal));
            }
            none.insert(shared.queue.enter(retry.is_first_try(), cx.waker())?)
        }
    };
    if ticket.is_head(cx.waker()) {
        dispatch(request)
    } else {
        shared
            .selector
            .refusal(true)
            .map_or(Poll::Pending, |refusal| Poll::Ready(Err(refusal)))
    }
}

impl<F> From<Dispatched<F>> for Phase<F> {
    fn from(sent: Dispatched<F>) -> Self {
        Self::Running {
            future: sent.future,
            id: sent.id,
            pid: sent.pid,
        }
    }
}

impl<S: Service<Request<RequestBody>>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("retry", &self.retry)
            .field("waiting", &matches!(self.phase, Phase::Waiting { .. }))
            .finish_non_exhaustive()
    }
}
