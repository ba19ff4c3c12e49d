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

use crate::{Error, RequestBody, pool::Shared, queue::Ticket, retry::Retry, roster::ProcessId};

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
            retry: Retry::new(&request),
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
                    ready!(poll_dispatch(this.shared, this.retry, request, ticket, cx))?
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
            .map_ok(|sent| Phase::Running {
                future: sent.future,
                id: sent.id,
                pid: sent.pid,
            })
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

impl<S: Service<Request<RequestBody>>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("retry", &self.retry)
            .field("waiting", &matches!(self.phase, Phase::Waiting { .. }))
            .finish_non_exhaustive()
    }
}
