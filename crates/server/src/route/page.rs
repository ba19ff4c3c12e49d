use http::{
    HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};

use super::table::Unrouted;
use crate::refused::Refusal;

impl From<Unrouted> for Refusal {
    fn from(why: Unrouted) -> Self {
        match why {
            Unrouted::UnknownHost => Self::UnknownHost,
            Unrouted::UnknownPath => Self::UnknownPath,
        }
    }
}

/// What a client is told whose request is no application's.
pub(super) fn page(why: Unrouted) -> Response<&'static str> {
    let mut response = Response::new(match why {
        Unrouted::UnknownHost => "There is no site of this name here.\n",
        Unrouted::UnknownPath => "There is no such page.\n",
    });
    *response.status_mut() = Refusal::from(why).status();
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, plain);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
