use std::time::Instant;

use bytes::Bytes;
use http::{Extensions, Response, response};
use peregrine_core::CacheStatus;

use crate::CacheBody;

/// A response that is made already, for all who ask for the page and nothing else.
///
/// From one hit to the next, there is nothing new in it but `Age` and what is left of
/// its lifetime, and they are told in seconds: as long as neither is another one, it is
/// the same response.
pub(crate) struct Ready {
    /// Without extensions.
    head: response::Parts,
    /// What is said of the hit to whoever looks at the extensions.
    said: Extensions,
    status: CacheStatus,
    body: Bytes,
    until: Instant,
}

impl Ready {
    /// `response`, of which `status` tells, and which is the same until then.
    pub(crate) fn new(response: Response<Bytes>, status: CacheStatus, until: Instant) -> Self {
        let (mut head, body) = response.into_parts();
        let said = std::mem::take(&mut head.extensions);
        Self {
            head,
            said,
            status,
            body,
            until,
        }
    }

    /// Whether it is what would be made now.
    pub(super) fn is_good_at(&self, now: Instant) -> bool {
        now < self.until
    }

    pub(crate) const fn status(&self) -> CacheStatus {
        self.status
    }

    /// It, with the word of the hit in the place of `extensions`, if there are any: those
    /// of the request, whose memory is as good as new.
    pub(crate) fn give<B>(&self, mut extensions: Extensions) -> Response<CacheBody<B>> {
        let body = CacheBody::stored(self.body.clone());
        let mut response = Response::from_parts(self.head.clone(), body);
        *response.extensions_mut() = if extensions.is_empty() {
            self.said.clone()
        } else {
            extensions.clear();
            extensions.insert(self.status);
            extensions
        };
        response
    }
}
