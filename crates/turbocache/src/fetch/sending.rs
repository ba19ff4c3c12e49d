use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use pin_project_lite::pin_project;
use tower_service::Service;

use crate::clock::Clocks;

pin_project! {
    /// A request to the inner service, sent as soon as that is ready. What comes of it, and
    /// when it was sent: a response is as old as that at most, however long the service
    /// was busy before (RFC 9111 §4.2.3).
    pub(crate) struct Sending<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S, R>,
        sent: Instant,
        clocks: Clocks,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, R>
    where
        S: Service<R>,
    {
        Waiting { service: S, request: Option<R>, for_long: bool },
        Called { #[pin] call: S::Future },
    }
}

impl<S, R> Sending<S, R>
where
    S: Service<R>,
{
    /// If the `service` is ready when this is polled for the first time, that is `now`.
    pub(crate) const fn new(service: S, request: R, now: Instant, clocks: Clocks) -> Self {
        Self {
            state: State::Waiting {
                service,
                request: Some(request),
                for_long: false,
            },
            sent: now,
            clocks,
        }
    }
}

impl<S, R> Future for Sending<S, R>
where
    S: Service<R>,
{
    type Output = (Instant, Result<S::Response, S::Error>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let call = match this.state.as_mut().project() {
                StateProj::Waiting {
                    service,
                    request,
                    for_long,
                } => match service.poll_ready(cx) {
                    Poll::Ready(Ok(())) => {
                        if *for_long {
                            *this.sent = this.clocks.monotonic();
                        }
                        service.call(request.take().expect("it is sent once"))
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready((*this.sent, Err(error))),
                    Poll::Pending => {
                        *for_long = true;
                        return Poll::Pending;
                    }
                },
                StateProj::Called { call } => {
                    let result = ready!(call.poll(cx));
                    return Poll::Ready((*this.sent, result));
                }
            };
            this.state.set(State::Called { call });
        }
    }
}
