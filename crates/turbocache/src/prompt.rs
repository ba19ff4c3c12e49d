use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tower::util::Oneshot;
use tower_service::Service;

/// One call of a service, made at once if that is ready, which is the rule;
/// otherwise as soon as it is.
///
/// A [`Oneshot`] takes a clone of the service along, and the request. Where
/// neither is needed, that is a count of references on which all threads meet,
/// and a request that is moved back and forth.
pub(crate) enum Prompt<S, R>
where
    S: Service<R>,
{
    /// It was ready.
    Called(S::Future),
    /// It was not, and is called when it is.
    // Rare, and as large as a request: who has to wait may allocate.
    Waiting(Pin<Box<Oneshot<S, R>>>),
    /// It never will be.
    Failed(S::Error),
}

impl<S, R> Prompt<S, R>
where
    S: Service<R> + Clone,
{
    /// Calls `service`, which is left as one that nobody has polled, or called and
    /// nothing else.
    #[inline]
    pub(crate) fn new(service: &mut S, request: R) -> Self {
        // Nobody is woken by this: if it is not ready, it is polled again by whoever
        // polls the call.
        let mut context = Context::from_waker(Waker::noop());
        match service.poll_ready(&mut context) {
            Poll::Ready(Ok(())) => Self::Called(service.call(request)),
            // The one that was polled may have taken a place in a queue, so it is the
            // one to go on with, and not to be kept by who does not poll it again.
            Poll::Pending => {
                let clone = service.clone();
                let polled = mem::replace(service, clone);
                Self::Waiting(Box::pin(Oneshot::new(polled, request)))
            }
            Poll::Ready(Err(error)) => {
                *service = service.clone();
                Self::Failed(error)
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

    /// What comes of it, in whatever way.
    async fn answer<S, R>(prompt: Prompt<S, R>) -> Result<S::Response, S::Error>
    where
        S: Service<R>,
    {
        match prompt {
            Prompt::Called(call) => call.await,
            Prompt::Waiting(call) => call.await,
            Prompt::Failed(error) => Err(error),
        }
    }

    /// Polls as a task would, once.
    fn poll(call: Pin<&mut impl Future>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        call.poll(&mut context).is_ready()
    }

    #[tokio::test]
    async fn a_ready_service_is_called_before_anybody_polls() {
        let (mut service, mut handle) = mock::pair::<&str, &str>();
        let prompt = Prompt::new(&mut service, "a");
        assert!(matches!(prompt, Prompt::Called(_)));
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(answer(prompt).await.unwrap(), "b");
    }

    #[tokio::test]
    async fn one_that_is_not_is_called_when_it_is() {
        let (mut service, mut handle) = mock::pair::<&str, &str>();
        handle.allow(0);
        let Prompt::Waiting(mut call) = Prompt::new(&mut service, "a") else {
            panic!("it is not ready");
        };
        assert!(!poll(call.as_mut()));
        handle.allow(1);
        assert!(!poll(call.as_mut()));
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(call.await.unwrap(), "b");
    }

    #[tokio::test]
    async fn one_that_fails_is_an_error() {
        let (mut service, mut handle) = mock::pair::<&str, &str>();
        handle.send_error("gone");
        let prompt: Prompt<_, &str> = Prompt::new(&mut service, "a");
        assert_eq!(answer(prompt).await.unwrap_err().to_string(), "gone");
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
        let prompt = Prompt::new(&mut service, "a");
        assert!(!service.mine, "or nobody else would ever have it");
        handle.allow(1);
        let call = tokio::spawn(answer(prompt));
        assert_request_eq!(handle, "a").send_response("b");
        assert_eq!(call.await.unwrap().unwrap(), "b");
        assert!(!service.seat.load(Relaxed));
    }
}
