use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::Full;

use super::table::Unrouted;

/// What a client is told whose request is no application's.
pub(super) fn page(why: Unrouted) -> Response<Full<Bytes>> {
    let (status, text) = match why {
        // RFC 9110 §15.5.20: "the request was directed at a server that is unable
        // or unwilling to produce an authoritative response for the target URI."
        Unrouted::UnknownHost => (
            StatusCode::MISDIRECTED_REQUEST,
            "There is no site of this name here.\n",
        ),
        Unrouted::UnknownPath => (StatusCode::NOT_FOUND, "There is no such page.\n"),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
