//! When a service is called: at once if it is ready, as soon as it is otherwise.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

/// Whether `service` may be called at once, which is the rule. If not, [`later`] is next.
///
/// A [`WhenReady`] takes a clone of the service along, and the request. Where
/// neither is needed, that is a count of references on which all threads meet,
/// and a request that is moved back and forth.
#[inline]
pub(crate) fn poll_now<S, R>(service: &mut S) -> Poll<Result<(), S::Error>>
where
    S: Service<R>,
{
    // Nobody is woken by this: if it is not ready, it is polled again by whoever polls
    // the call.
    service.poll_ready(&mut Context::from_waker(Waker::noop()))
}

/// The call of a service that was polled and is not ready, as soon as it is. `service` is
/// left as one that nobody has polled.
// Not inlined: rare, and as large as a request.
#[inline(never)]
pub(crate) fn later<S, R>(service: &mut S, request: R) -> Pin<Box<WhenReady<S, R>>>
where
    S: Service<R> + Clone,
{
    // The one that was polled may have taken a place in a queue, so it is the one to go on
    // with, and not to be kept by who does not poll it again.
    let clone = service.clone();
    let polled = mem::replace(service, clone);
    Box::pin(WhenReady::new(polled, request))
}

pin_project! {
    /// A call of a service, made as soon as that is ready.
    pub(crate) struct WhenReady<S, R>
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
        Waiting { service: S, request: Option<R> },
        Called { #[pin] call: S::Future },
    }
}

impl<S, R> WhenReady<S, R>
where
    S: Service<R>,
{
    pub(crate) const fn new(service: S, request: R) -> Self {
        let request = Some(request);
        Self {
            state: State::Waiting { service, request },
        }
    }

    /// What comes of it. `calls` is told that it is about to be made.
    pub(crate) fn poll_with(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        calls: impl FnOnce(),
    ) -> Poll<Result<S::Response, S::Error>> {
        let mut state = self.project().state;
        if let StateProj::Waiting { service, request } = state.as_mut().project() {
            ready!(service.poll_ready(cx))?;
            calls();
            let call = service.call(request.take().expect("it is called once"));
            state.set(State::Called { call });
        }
        match state.project() {
            StateProj::Called { call } => call.poll(cx),
            StateProj::Waiting { .. } => unreachable!("it was called just now"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::Relaxed},
        },
    };

    use tower_test::{assert_request_eq, mock, mock::Mock};

    use super::*;

    /// Polls as a task would, once. Whether it has called the service.
    fn calls(call: Pin<&mut WhenReady<Mock<&'static str, &'static str>, &'static str>>) -> bool {
        let mut calls = false;
        let mut context = Context::from_waker(Waker::noop());
        let polled = call.poll_with(&mut context, || calls = true);
        assert!(polled.is_pending());
        calls
    }

    async fn answer<S: Service<R>, R>(
        mut call: Pin<Box<WhenReady<S, R>>>,
    ) -> Result<S::Response, S::Error> {
        poll_fn(|cx| call.as_mut().poll_with(cx, || ())).await
    }

    #[tokio::test]
    async fn a_ready_service_may_be_called_before_anybody_polls() {
        let (mut service, mut handle) = mock::pair::<&str, &str>();
        assert!(matches!(poll_now(&mut service), Poll::Ready(Ok(()))));
        let call = service.call("a");
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(call.await.unwrap(), "b");
    }

    #[tokio::test]
    async fn one_that_is_not_is_called_when_it_is() {
        let (mut service, mut handle) = mock::pair::<&str, &str>();
        handle.allow(0);
        assert!(poll_now(&mut service).is_pending());
        let mut call = later(&mut service, "a");
        assert!(!calls(call.as_mut()));
        handle.allow(1);
        assert!(calls(call.as_mut()));
        assert!(!calls(call.as_mut()), "once");
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(answer(call).await.unwrap(), "b");
    }

    #[tokio::test]
    async fn one_that_fails_says_so() {
        let (mut service, mut handle) = mock::pair::<&str, &str>();
        handle.send_error("gone");
        let Poll::Ready(Err(error)) = poll_now(&mut service) else {
            panic!("it is gone");
        };
        assert_eq!(error.to_string(), "gone");
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
        assert!(poll_now(&mut service).is_pending());
        let call = later(&mut service, "a");
        assert!(!service.mine, "or nobody else would ever have it");
        handle.allow(1);
        let call = tokio::spawn(answer(call));
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(call.await.unwrap().unwrap(), "b");
        assert!(!service.seat.load(Relaxed));
    }
}
