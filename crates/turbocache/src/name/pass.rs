//! What is said of most requests that pass, made once.

use http::{HeaderValue, header::CACHE_STATUS, response};
use peregrine_core::CacheStatus;

use crate::policy::request::Pass;

/// What a cache with the default name says of a request that passes for one reason.
pub(crate) struct Word {
    pub(super) line: HeaderValue,
    pub(super) status: CacheStatus,
}

impl Word {
    /// Puts it into `response`, behind what caches further in have put there.
    #[inline]
    pub(crate) fn say(&self, response: &mut response::Parts) {
        response.extensions.insert(self.status);
        response.headers.append(CACHE_STATUS, self.line.clone());
    }
}

static METHOD: Word = Word {
    line: HeaderValue::from_static("turbocache; fwd=method"),
    status: Pass::Method.status(),
};
static STEPPED_ASIDE: Word = Word {
    line: HeaderValue::from_static("turbocache; fwd=bypass; detail=stepped-aside"),
    status: Pass::SteppedAside.status(),
};
static AUTHORIZATION: Word = Word {
    line: HeaderValue::from_static("turbocache; fwd=bypass; detail=authorization"),
    status: Pass::Authorization.status(),
};

pub(super) fn word(reason: &Pass) -> Option<&'static Word> {
    match reason {
        Pass::Method => Some(&METHOD),
        Pass::SteppedAside => Some(&STEPPED_ASIDE),
        Pass::Authorization => Some(&AUTHORIZATION),
        _ => None,
    }
}
