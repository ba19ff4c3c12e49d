//! What does this request make invalid? RFC 9111 §4.4.

use http::{Method, StatusCode};

/// Whether the answer with `status` to a request with `method` makes stored
/// responses invalid.
pub(crate) fn invalidates(method: &Method, status: StatusCode) -> bool {
    // RFC 9111 §4.4: "A cache MUST invalidate the target URI […] when it
    // receives a non-error status code in response to an unsafe request method
    // (including methods whose safety is unknown)."
    !is_safe(method) && (status.is_success() || status.is_redirection())
}

/// RFC 9110 §9.2.1: "the GET, HEAD, OPTIONS, and TRACE methods are defined to be
/// safe". A method that we do not know is not.
fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}
