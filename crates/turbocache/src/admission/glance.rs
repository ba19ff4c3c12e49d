use std::time::Instant;

use http::response;
use http_body::SizeHint;

use super::Aside;
use crate::{
    cache::Cache,
    policy::{request::Asked, reuse, storable::Exchange},
};

/// A look at what passes the cache by because it has stepped aside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    pub(crate) aside: Aside,
    pub(crate) asked: Asked,
    /// When the request was sent.
    pub(crate) requested: Instant,
}

impl Glance {
    /// Tells whether `response` could have been stored, if it tells that.
    pub(crate) fn at(self, response: &response::Parts, body: SizeHint, cache: &Cache) {
        // What a client gets for preconditions or a range of its own says nothing
        // of what others would get, and a failure nothing of what comes next.
        if !self.asked.is_plain() || reuse::is_error(response.status) {
            return;
        }
        let policy = &cache.config.policy;
        // Nearly all are, or the cache would not have stepped aside.
        let storable = !policy.obviously_refuses(&response.headers)
            && policy
                .storable(&Exchange {
                    asked: self.asked,
                    response,
                    body,
                    requested: self.requested,
                    received: cache.now(),
                    max_body: cache.config.max_entry_bytes,
                })
                .is_ok();
        // What is not for others because its client has a password does not say that
        // there is nothing for them.
        if storable || self.asked.is_like_any_other() {
            cache.admission.passed(self.aside, storable, self.requested);
        }
    }
}
