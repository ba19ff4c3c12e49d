use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower_service::Service;

pin_project! {
    /// One call of a service, made at once if that is ready, which is the rule;
    /// otherwise as soon as it is.
    ///
    /// A [`Oneshot`] takes a clone of the service along, and the request. Where
    /// neither is needed, that is a count of references on which all threads meet,
    /// and a request that is moved back and forth.
    pub(crate) struct Prompt<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S, R>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, R>
    where
        S: Service<R>,
    {
        Called { #[pin] future: S::Future },
        // Rare, and as large as a request: who has to wait may allocate.
        Waiting { call: Pin<Box<Oneshot<S, R>>> },
        Failed { error: Option<S::Error> },
    }
}

impl<S, R> Prompt<S, R>
where
    S: Service<R> + Clone,
{
    /// Calls `service`, which is left as one that nobody has polled, or called and
    /// nothing else.
    pub(crate) fn new(service: &mut S, request: R) -> Self {
        // Nobody is woken by this: if it is not ready, it is polled again by whoever
        // polls the call.
        let mut context = Context::from_waker(Waker::noop());
        let state = match service.poll_ready(&mut context) {
            Poll::Ready(Ok(())) => State::Called {
                future: service.call(request),
            },
            // The one that was polled may have taken a place in a queue, so it is the
            // one to go on with, and not to be kept by who does not poll it again.
            Poll::Pending => {
                let clone = service.clone();
                let polled = mem::replace(service, clone);
                State::Waiting {
                    call: Box::pin(Oneshot::new(polled, request)),
                }
            }
            Poll::Ready(Err(error)) => {
                *service = service.clone();
                State::Failed { error: Some(error) }
            }
        };
        Self { state }
    }
}

impl<S, R> Future for Prompt<S, R>
where
    S: Service<R>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Called { future } => future.poll(cx),
            StateProj::Waiting { call } => call.as_mut().poll(cx),
            StateProj::Failed { error } => {
                Poll::Ready(Err(error.take().expect("polled after it was ready")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    };

    use tower_test::{assert_request_eq, mock, mock::Mock};

    use super::*;

    type Called = Prompt<Mock<&'static str, &'static str>, &'static str>;

    /// Polls as a task would, once.
    fn poll(call: Pin<&mut Called>) -> Poll<Result<&'static str, tower::BoxError>> {
        call.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn a_ready_service_is_called_before_anybody_polls() {
        let (mut service, mut handle) = mock::pair::<&str, &str>();
        let call: Called = Prompt::new(&mut service, "a");
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(call.await.unwrap(), "b");
    }

    #[tokio::test]
    async fn one_that_is_not_is_called_when_it_is() {
        let (mut service, mut handle) = mock::pair::<&str, &str>();
        handle.allow(0);
        let mut call: Pin<Box<Called>> = Box::pin(Prompt::new(&mut service, "a"));
        assert!(poll(call.as_mut()).is_pending());
        handle.allow(1);
        assert!(poll(call.as_mut()).is_pending());
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(call.await.unwrap(), "b");
    }

    #[tokio::test]
    async fn one_that_fails_is_an_error() {
        let (mut service, mut handle) = mock::pair::<&str, &str>();
        handle.send_error("gone");
        let call: Called = Prompt::new(&mut service, "a");
        assert_eq!(call.await.unwrap_err().to_string(), "gone");
    }

    /// Who is polled takes the seat, if it is free, until he is dropped.
    struct Seated {
        inner: Mock<&'static str, &'static str>,
        seat: Arc<AtomicBool>,
        mine: bool,
    }

    impl Clone for Seated {
        fn clone(&self) -> Self {
            Self {
                inner: self.inner.clone(),
                seat: Arc::clone(&self.seat),
                mine: false,
            }
        }
    }

    impl Drop for Seated {
        fn drop(&mut self) {
            if self.mine {
                self.seat.store(false, Relaxed);
            }
        }
    }

    impl Service<&'static str> for Seated {
        type Response = &'static str;
        type Error = tower::BoxError;
        type Future = mock::future::ResponseFuture<&'static str>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            self.mine = self.mine || !self.seat.swap(true, Relaxed);
            if self.mine {
                self.inner.poll_ready(cx)
            } else {
                Poll::Pending
            }
        }

        fn call(&mut self, request: &'static str) -> Self::Future {
            self.inner.call(request)
        }
    }

    #[tokio::test]
    async fn who_waits_takes_along_what_he_was_given_while_he_was_polled() {
        let (inner, mut handle) = mock::pair::<&str, &str>();
        handle.allow(0);
        let mut service = Seated {
            inner,
            seat: Arc::default(),
            mine: false,
        };
        let call = Prompt::new(&mut service, "a");
        assert!(!service.mine, "or nobody else would ever have it");
        handle.allow(1);
        let call = tokio::spawn(call);
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(call.await.unwrap().unwrap(), "b");
        assert!(!service.seat.load(Relaxed));
    }
}
