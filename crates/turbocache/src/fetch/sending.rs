use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{clock::Clocks, prompt::WhenReady};

pin_project! {
    /// A request to the inner service, sent as soon as that is ready. What comes of it, and
    /// when it was sent: a response is as old as that at most, however long the service
    /// was busy before (RFC 9111 §4.2.3).
    pub(crate) struct Sending<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        call: WhenReady<S, R>,
        sent: Instant,
        clocks: Clocks,
        is_late: bool,
    }
}

impl<S, R> Sending<S, R>
where
    S: Service<R>,
{
    /// If the `service` is ready when this is polled for the first time, that is `now`.
    pub(crate) const fn new(service: S, request: R, now: Instant, clocks: Clocks) -> Self {
        Self {
            call: WhenReady::new(service, request),
            sent: now,
            clocks,
            is_late: false,
        }
    }
}

impl<S, R> Future for Sending<S, R>
where
    S: Service<R>,
{
    type Output = (Instant, Result<S::Response, S::Error>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.call.poll_with(cx, || {
            if *this.is_late {
                *this.sent = this.clocks.monotonic();
            }
        });
        *this.is_late = true;
        polled.map(|result| (*this.sent, result))
    }
}
