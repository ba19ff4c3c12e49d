use std::{future::Future, mem, pin::Pin, task::Context, time::Duration};

use http::Request;
use tokio::time::{self, Sleep};

use crate::{Error, RequestBody, error::Again, roster::ProcessId};

/// How often a request is sent in all.
const MAX_TRIES: u32 = 3;

/// How long a process that has failed a request is not given it again. It may be
/// about to exit. Once it has begun to, it is not ready any more, as long as that may
/// take.
const GRACE: Duration = Duration::from_millis(100);

/// Whether a request is sent again after it has failed.
///
/// 1. A request of which nothing was written comes back with the error. It
///    goes elsewhere, whatever its method.
/// 2. One whose connection broke before a byte of the response had come may
///    have been carried out. RFC 9110 §9.2.2: "A proxy MUST NOT automatically
///    retry non-idempotent requests." Of an idempotent one, a copy may come back,
///    and that is sent, once.
/// 3. Any other error is final.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    tries: u32,
    /// Rule 2 has been made use of.
    was_lost: bool,
    failed: Option<Failed>,
}

/// The process that failed a request.
#[derive(Debug)]
struct Failed {
    process: ProcessId,
    /// Armed only when something has failed.
    grace: Pin<Box<Sleep>>,
}

/// Which process a request should not go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Avoid {
    Nobody,
    /// Not if another one is ready.
    Rather(ProcessId),
    /// Not even if no other one is.
    Strictly(ProcessId),
}

impl Retry {
    pub(crate) fn is_first_try(&self) -> bool {
        self.tries == 0
    }

    /// Whom to avoid now. Wakes when that changes.
    pub(crate) fn avoid(&mut self, cx: &mut Context<'_>) -> Avoid {
        let Some(failed) = &mut self.failed else {
            return Avoid::Nobody;
        };
        if failed.grace.as_mut().poll(cx).is_ready() {
            Avoid::Rather(failed.process)
        } else {
            Avoid::Strictly(failed.process)
        }
    }

    /// The request to send again after `process` failed with this error, or
    /// the error if that may not be done.
    pub(crate) fn after(
        &mut self,
        mut error: Error,
        process: ProcessId,
    ) -> Result<Request<RequestBody>, Error> {
        self.tries += 1;
        self.failed = Some(Failed {
            process,
            grace: Box::pin(time::sleep(GRACE)),
        });
        let again = error.take_again();
        if self.tries >= MAX_TRIES {
            return Err(error);
        }
        match again {
            Some(Again::Unsent(request)) => Ok(request),
            Some(Again::Lost(copy)) if !mem::replace(&mut self.was_lost, true) => Ok(copy),
            Some(Again::Lost(_)) | None => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: ProcessId = ProcessId::new(1);

    fn request() -> Request<RequestBody> {
        Request::new(RequestBody::empty())
    }

    fn silence() -> Error {
        Error::closed_early(true, "x")
    }

    #[tokio::test]
    async fn what_comes_back_is_sent_again() {
        let cases = [
            ("unsent", silence().with(Again::Unsent(request())), true),
            ("lost", silence().with(Again::Lost(request())), true),
            ("gone", silence(), false),
        ];
        for (name, error, expected) in cases {
            let again = Retry::default().after(error, HERE);
            assert_eq!(again.is_ok(), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn silence_is_forgiven_once_and_nothing_for_ever() {
        let lost = || silence().with(Again::Lost(request()));
        let unsent = || silence().with(Again::Unsent(request()));
        let mut retry = Retry::default();
        assert!(retry.after(lost(), HERE).is_ok());
        assert!(retry.after(lost(), HERE).is_err());

        let mut retry = Retry::default();
        let mut sent = 0;
        while retry.after(unsent(), HERE).is_ok() {
            sent += 1;
        }
        assert_eq!(sent, MAX_TRIES - 1);

        let mut retry = Retry::default();
        assert!(retry.after(lost(), HERE).is_ok());
        assert!(retry.after(unsent(), HERE).is_ok());
        assert!(retry.after(unsent(), HERE).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_process_that_failed_is_avoided_strictly_only_for_a_moment() {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut retry = Retry::default();
        assert_eq!(retry.avoid(&mut cx), Avoid::Nobody);
        let lost = silence().with(Again::Lost(request()));
        retry.after(lost, HERE).unwrap();
        assert_eq!(retry.avoid(&mut cx), Avoid::Strictly(HERE));
        time::advance(GRACE).await;
        assert_eq!(retry.avoid(&mut cx), Avoid::Rather(HERE));
    }
}
