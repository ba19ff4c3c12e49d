use http::{Method, Request};
use http_body::Body;
use peregrine_core::Replay;

use crate::{Error, RequestBody, error::Again};

/// Whether a request may be sent again after it may have been carried out.
///
/// RFC 9110 §9.2.2: "A proxy MUST NOT automatically retry non-idempotent
/// requests." An idempotent one is sent again if it has no body, or one of which
/// there is a [`Replay`].
///
/// It is decided before the request is sent, which takes its body away.
#[derive(Clone, Copy)]
pub(crate) struct Repeat(bool);

impl Repeat {
    pub(crate) fn of(request: &Request<RequestBody>) -> Self {
        let has_body = || !request.body().is_end_stream();
        let has_replay = || request.extensions().get::<Replay>().is_some();
        Self(is_idempotent(request.method()) && (!has_body() || has_replay()))
    }

    pub(super) const fn is_allowed(self) -> bool {
        self.0
    }

    /// An error of the connection, with the request if nothing is known of what became
    /// of it, and it does no harm to carry it out twice.
    pub(crate) fn save(self, request: Request<RequestBody>, error: Error) -> Error {
        if self.0 && error.is_silent() {
            error.with(Again::Lost(repeated(request)))
        } else {
            error
        }
    }
}

/// The same request, with its body from the beginning.
fn repeated(request: Request<RequestBody>) -> Request<RequestBody> {
    let (head, _) = request.into_parts();
    let replay = head.extensions.get::<Replay>();
    let body = replay.map_or_else(RequestBody::empty, |replay| RequestBody::new(replay.body()));
    Request::from_parts(head, body)
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
            let mut request = request(method, body);
            let repeat = Repeat::of(&request);
            // It has been sent.
            *request.body_mut() = RequestBody::empty();
            match repeat.save(request, error()).take_again() {
                Some(Again::Lost(copy)) if expected => assert_is_whole(&copy, method),
                again => assert!(again.is_none() && !expected, "{method} {body:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_body_that_can_be_had_again_is_sent_again_if_the_method_allows_it() {
        for (method, expected) in [("PUT", true), ("DELETE", true), ("POST", false)] {
            let mut request = request(method, "a=b");
            let replay = Replay::new(|| Full::<Bytes>::from("a=b").map_err(|never| match never {}));
            request.extensions_mut().insert(replay);
            let again = Repeat::of(&request).save(request, silence()).take_again();
            assert_eq!(again.is_some(), expected, "{method}");
            if let Some(Again::Lost(copy)) = again {
                let body = copy.into_body().collect().await.unwrap();
                assert_eq!(body.to_bytes(), "a=b");
            }
        }
    }
}
