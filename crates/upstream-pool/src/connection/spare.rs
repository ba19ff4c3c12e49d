use std::mem;

use http::{Method, Request};
use http_body::Body;
use peregrine_core::Replay;

use crate::{Error, RequestBody, error::Again};

/// What is kept of a request that is given to a connection: what it takes to send
/// it again after it may have been carried out, if that may be done.
///
/// RFC 9110 §9.2.2: "A proxy MUST NOT automatically retry non-idempotent
/// requests." An idempotent one is sent again if it has no body, or one of which
/// there is a [`Replay`].
///
/// The fields are a copy, since hyper keeps what it gets. The extensions are those
/// of the request: hyper has no use for them.
pub(crate) struct Spare(Option<Request<()>>);

impl Spare {
    pub(crate) fn of(request: &mut Request<RequestBody>) -> Self {
        if !is_repeatable(request) {
            return Self(None);
        }
        let mut copy = Request::new(());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        *copy.extensions_mut() = mem::take(request.extensions_mut());
        Self(Some(copy))
    }

    /// Whether the request may be sent again after it may have been carried out.
    pub(super) const fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// An error of the connection, with the request if nothing is known of it.
    pub(crate) fn saved_from(self, error: Error) -> Error {
        match self.0 {
            Some(copy) if error.is_silent() => error.with(Again::Lost(repeated(copy))),
            _ => error,
        }
    }

    /// An error that comes before any of `request` was written.
    pub(super) fn unused(self, error: Error, mut request: Request<RequestBody>) -> Error {
        if let Some(copy) = self.0 {
            *request.extensions_mut() = copy.into_parts().0.extensions;
        }
        error.with(Again::Unsent(request))
    }
}

/// The same request, with its body from the beginning.
fn repeated(copy: Request<()>) -> Request<RequestBody> {
    let body = copy
        .extensions()
        .get::<Replay>()
        .map_or_else(RequestBody::empty, |replay| RequestBody::new(replay.body()));
    copy.map(|()| body)
}

fn is_repeatable(request: &Request<RequestBody>) -> bool {
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
    use http_body_util::{BodyExt, Full};

    use super::*;

    fn request(method: &str, body: &'static str) -> Request<RequestBody> {
        let mut request = Request::builder()
            .method(method)
            .uri("/path")
            .header("x-a", "1")
            .body(RequestBody::new(Full::<Bytes>::from(body)))
            .unwrap();
        request.extensions_mut().insert("extension");
        request
    }

    fn silence() -> Error {
        Error::closed_early(true, "x")
    }

    fn assert_is_whole(request: &Request<RequestBody>, method: &str) {
        assert_eq!(request.method(), method);
        assert_eq!(request.uri(), "/path");
        assert_eq!(request.headers()["x-a"], "1");
        assert_eq!(request.extensions().get(), Some(&"extension"), "{method}");
    }

    #[test]
    fn who_is_saved_from_what() {
        let late = || Error::timeout(std::time::Duration::ZERO);
        let half_an_answer = || Error::closed_early(false, "x");
        let cases: [(&str, &str, fn() -> Error, bool); 11] = [
            ("GET", "", silence, true),
            ("HEAD", "", silence, true),
            ("DELETE", "", silence, true),
            ("PUT", "", silence, true),
            ("PUT", "a=b", silence, false),
            ("GET", "a=b", silence, false),
            ("POST", "", silence, false),
            ("PATCH", "", silence, false),
            ("PURGE", "", silence, false),
            ("GET", "", half_an_answer, false),
            ("GET", "", late, false),
        ];
        for (method, body, error, expected) in cases {
            let mut sent = request(method, body);
            let spare = Spare::of(&mut sent);
            drop(sent);
            match spare.saved_from(error()).take_again() {
                Some(Again::Lost(copy)) if expected => assert_is_whole(&copy, method),
                again => assert!(again.is_none() && !expected, "{method} {body:?}"),
            }
        }
    }

    #[test]
    fn a_request_that_was_not_sent_comes_back_whole() {
        for (method, body) in [("GET", ""), ("POST", "a=b")] {
            let mut request = request(method, body);
            let spare = Spare::of(&mut request);
            match spare.unused(silence(), request).take_again() {
                Some(Again::Unsent(request)) => assert_is_whole(&request, method),
                again => panic!("{method}: {again:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_body_that_can_be_had_again_is_sent_again_if_the_method_allows_it() {
        for (method, expected) in [("PUT", true), ("DELETE", true), ("POST", false)] {
            let mut request = request(method, "a=b");
            let replay = Replay::new(|| Full::<Bytes>::from("a=b").map_err(|never| match never {}));
            request.extensions_mut().insert(replay);
            let again = Spare::of(&mut request).saved_from(silence()).take_again();
            assert_eq!(again.is_some(), expected, "{method}");
            if let Some(Again::Lost(copy)) = again {
                let body = copy.into_body().collect().await.unwrap();
                assert_eq!(body.to_bytes(), "a=b");
            }
        }
    }
}
