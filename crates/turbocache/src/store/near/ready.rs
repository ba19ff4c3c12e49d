use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Response, response};
use peregrine_core::CacheStatus;

use crate::{
    CacheBody,
    policy::validation::{self, Verdict},
};

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
    /// When what it is made of came.
    received: SystemTime,
    until: Instant,
}

impl Ready {
    /// `response`, of which `status` tells, made of what was `received` then, and the same
    /// `until` then.
    pub(crate) fn new(
        response: Response<Bytes>,
        status: CacheStatus,
        received: SystemTime,
        until: Instant,
    ) -> Self {
        let (mut head, body) = response.into_parts();
        let said = std::mem::take(&mut head.extensions);
        Self {
            head,
            said,
            status,
            body,
            received,
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

    /// What the preconditions of a request with these fields make of it.
    pub(crate) fn verdict(&self, request: &HeaderMap) -> Verdict {
        let Self { head, received, .. } = self;
        validation::evaluate(request, head.status, &head.headers, *received)
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
