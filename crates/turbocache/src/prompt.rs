use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tower::util::Oneshot;
use tower_service::Service;

/// Whether `service` may be called at once, which is the rule. If not, [`later`] is next.
///
/// A [`Oneshot`] takes a clone of the service along, and the request. Where
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
pub(crate) fn later<S, R>(service: &mut S, request: R) -> Pin<Box<Oneshot<S, R>>>
where
    S: Service<R> + Clone,
{
    // The one that was polled may have taken a place in a queue, so it is the one to go on
    // with, and not to be kept by who does not poll it again.
    let clone = service.clone();
    let polled = mem::replace(service, clone);
    Box::pin(Oneshot::new(polled, request))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    };

    use tower_test::{assert_request_eq, mock, mock::Mock};

    use super::*;

    /// Polls as a task would, once.
    fn poll(call: Pin<&mut impl Future>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        call.poll(&mut context).is_ready()
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
        assert!(!poll(call.as_mut()));
        handle.allow(1);
        assert!(!poll(call.as_mut()));
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(call.await.unwrap(), "b");
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
        let call = tokio::spawn(call);
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(call.await.unwrap().unwrap(), "b");
        assert!(!service.seat.load(Relaxed));
    }
}
