use http::{Method, Request, request::Parts};
use http_body::Body;

use crate::{Error, RequestBody, roster::ProcessId};

/// How often a request is sent in all.
const MAX_TRIES: u32 = 3;

/// What is needed to send a request again, and whether that may be done.
///
/// 1. A request of which nothing was written comes back with the error. It
///    goes elsewhere, whatever its method.
/// 2. One whose connection broke before a byte of the response had come may
///    have been carried out. RFC 9110 §9.2.2: "A proxy MUST NOT automatically
///    retry non-idempotent requests." An idempotent one without a body is
///    sent again, once.
/// 3. Any other error is final.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    tries: u32,
    /// A copy, while rule 2 may need it.
    spare: Option<Box<Parts>>,
    /// The process that failed this request.
    avoid: Option<ProcessId>,
}

impl Retry {
    pub(crate) fn new(request: &Request<RequestBody>) -> Self {
        let repeatable = is_idempotent(request.method()) && request.body().is_end_stream();
        Self {
            tries: 0,
            spare: repeatable.then(|| Box::new(copy(request))),
            avoid: None,
        }
    }

    pub(crate) fn is_first_try(&self) -> bool {
        self.tries == 0
    }

    pub(crate) const fn avoid(&self) -> Option<ProcessId> {
        self.avoid
    }

    /// The request to send again after `process` failed with this error, or
    /// the error if that may not be done.
    pub(crate) fn after(
        &mut self,
        mut error: Error,
        process: ProcessId,
    ) -> Result<Request<RequestBody>, Error> {
        self.tries += 1;
        self.avoid = Some(process);
        let unsent = error.take_unsent();
        if self.tries >= MAX_TRIES {
            return Err(error);
        }
        match unsent {
            Some(request) => Ok(request),
            None if error.is_silent() => match self.spare.take() {
                Some(parts) => Ok(Request::from_parts(*parts, RequestBody::empty())),
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

    #[test]
    fn who_is_sent_again_after_what() {
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

    #[test]
    fn silence_is_forgiven_once_and_nothing_for_ever() {
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
}
