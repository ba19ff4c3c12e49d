use std::{future::Future, pin::Pin, task::Context, time::Duration};

use http::{Method, Request, request::Parts};
use http_body::Body;
use peregrine_core::Replay;
use tokio::time::{self, Sleep};

use crate::{Error, RequestBody, roster::ProcessId};

/// How often a request is sent in all.
const MAX_TRIES: u32 = 3;

/// How long a process that has failed a request is not given it again. It may
/// be about to exit: its sockets close one by one, and it takes a moment until
/// the exit is seen.
const GRACE: Duration = Duration::from_millis(100);

/// What is needed to send a request again, and whether that may be done.
///
/// 1. A request of which nothing was written comes back with the error. It
///    goes elsewhere, whatever its method.
/// 2. One whose connection broke before a byte of the response had come may
///    have been carried out. RFC 9110 §9.2.2: "A proxy MUST NOT automatically
///    retry non-idempotent requests." An idempotent one is sent again, once, if
///    it has no body, or one of which there is a [`Replay`].
/// 3. Any other error is final.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    tries: u32,
    /// A copy, while rule 2 may need it.
    spare: Option<Box<Parts>>,
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
    pub(crate) fn new(request: &Request<RequestBody>) -> Self {
        Self {
            tries: 0,
            spare: is_repeatable(request).then(|| Box::new(copy(request))),
            failed: None,
        }
    }

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
        let unsent = error.take_unsent();
        if self.tries >= MAX_TRIES {
            return Err(error);
        }
        match unsent {
            Some(request) => Ok(request),
            None if error.is_silent() => match self.spare.take() {
                Some(parts) => Ok(repeated(*parts)),
                None => Err(error),
            },
            None => Err(error),
        }
    }
}

fn copy(request: &Request<RequestBody>) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = request.method().clone();
    parts.uri = request.uri().clone();
    parts.version = request.version();
    parts.headers = request.headers().clone();
    parts.extensions = request.extensions().clone();
    parts
}

/// The same request, with its body from the beginning.
fn repeated(parts: Parts) -> Request<RequestBody> {
    let body = parts
        .extensions
        .get::<Replay>()
        .map_or_else(RequestBody::empty, |replay| RequestBody::new(replay.body()));
    Request::from_parts(parts, body)
}

/// Whether a request may be sent again after it may have been carried out.
pub(crate) fn is_repeatable(request: &Request<RequestBody>) -> bool {
    is_idempotent(request.method())
        && (request.body().is_end_stream() || request.extensions().get::<Replay>().is_some())
}

/// RFC 9110 §9.2.2. An unknown method is not.
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    )
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;

    const HERE: ProcessId = ProcessId::new(1);

    fn request(method: &str, body: &'static str) -> Request<RequestBody> {
        Request::builder()
            .method(method)
            .uri("/path")
            .header("x-a", "1")
            .body(RequestBody::new(Full::<Bytes>::from(body)))
            .unwrap()
    }

    #[tokio::test]
    async fn who_is_sent_again_after_what() {
        #[derive(Clone, Copy, Debug)]
        enum After {
            Unsent,
            Silence,
            HalfAnAnswer,
            Timeout,
        }
        use After::{HalfAnAnswer, Silence, Timeout, Unsent};
        let cases = [
            ("GET", "", Unsent, true),
            ("POST", "a=b", Unsent, true),
            ("GET", "", Silence, true),
            ("HEAD", "", Silence, true),
            ("DELETE", "", Silence, true),
            ("PUT", "", Silence, true),
            ("PUT", "a=b", Silence, false),
            ("GET", "a=b", Silence, false),
            ("POST", "", Silence, false),
            ("PATCH", "", Silence, false),
            ("PURGE", "", Silence, false),
            ("GET", "", HalfAnAnswer, false),
            ("GET", "", Timeout, false),
        ];
        for (method, body, after, expected) in cases {
            let mut retry = Retry::new(&request(method, body));
            let error = match after {
                Unsent => Error::closed_early(true, "x").with_unsent(request(method, body)),
                Silence => Error::closed_early(true, "x"),
                HalfAnAnswer => Error::closed_early(false, "x"),
                Timeout => Error::timeout(std::time::Duration::ZERO),
            };
            let again = retry.after(error, HERE);
            assert_eq!(again.is_ok(), expected, "{method} {body:?} after {after:?}");
            if let Ok(again) = again {
                assert_eq!(again.method(), method);
                assert_eq!(again.uri(), "/path");
                assert_eq!(again.headers()["x-a"], "1");
            }
        }
    }

    #[tokio::test]
    async fn a_body_that_can_be_had_again_is_sent_again_if_the_method_allows_it() {
        use http_body_util::BodyExt;

        for (method, expected) in [("PUT", true), ("DELETE", true), ("POST", false)] {
            let mut request = request(method, "a=b");
            let replay = Replay::new(|| Full::<Bytes>::from("a=b").map_err(|never| match never {}));
            request.extensions_mut().insert(replay);
            let mut retry = Retry::new(&request);
            let again = retry.after(Error::closed_early(true, "x"), HERE);
            assert_eq!(again.is_ok(), expected, "{method}");
            if let Ok(again) = again {
                let body = again.into_body().collect().await.unwrap();
                assert_eq!(body.to_bytes(), "a=b");
                assert!(retry.after(Error::closed_early(true, "x"), HERE).is_err());
            }
        }
    }

    #[tokio::test]
    async fn silence_is_forgiven_once_and_nothing_for_ever() {
        let mut retry = Retry::new(&request("GET", ""));
        assert!(retry.after(Error::closed_early(true, "x"), HERE).is_ok());
        assert!(retry.after(Error::closed_early(true, "x"), HERE).is_err());

        let mut retry = Retry::new(&request("POST", "a=b"));
        let mut sent = 0;
        while retry
            .after(
                Error::closed_early(true, "x").with_unsent(request("POST", "a=b")),
                HERE,
            )
            .is_ok()
        {
            sent += 1;
        }
        assert_eq!(sent, MAX_TRIES - 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_process_that_failed_is_avoided_strictly_only_for_a_moment() {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut retry = Retry::new(&request("GET", ""));
        assert_eq!(retry.avoid(&mut cx), Avoid::Nobody);
        retry.after(Error::closed_early(true, "x"), HERE).unwrap();
        assert_eq!(retry.avoid(&mut cx), Avoid::Strictly(HERE));
        time::advance(GRACE).await;
        assert_eq!(retry.avoid(&mut cx), Avoid::Rather(HERE));
    }
}
