use std::time::Instant;

use http::response;
use http_body::Body;

use super::Watched;
use crate::{
    cache::{Cache, Config},
    policy::{request::Asked, reuse, storable::Exchange},
};

/// A look at what passes the cache by because it has stepped aside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    watched: Watched,
    /// When the request was sent.
    requested: Instant,
    /// Whether the response tells what others would get: not with preconditions or a range
    /// of its own, say.
    tells: bool,
    /// Of what was [asked](Asked) otherwise, all that makes a difference, but for a cookie.
    authorization: bool,
}

impl Glance {
    /// What to look for in the response to a request that is sent now and asks so.
    pub(crate) const fn new(watched: Watched, asked: Asked, requested: Instant) -> Self {
        Self {
            watched,
            requested,
            tells: asked.is_plain(),
            authorization: asked.authorization,
        }
    }

    /// Tells whether `response` could have been stored, if it tells that.
    // Not inlined: it takes more of the stack than all others need.
    #[inline(never)]
    pub(crate) fn at(&self, response: &response::Parts, body: &impl Body, cache: &Cache) {
        // A failure says nothing of what comes next.
        if !self.tells || reuse::is_error(response.status) {
            return;
        }
        let Config {
            policy,
            max_entry_bytes,
            ..
        } = &cache.config;
        // Nearly all are, or the cache would not have stepped aside.
        let storable = !policy.obviously_refuses(&response.headers)
            && policy
                .storable(&Exchange {
                    asked: self.asked(),
                    response,
                    body: body.size_hint(),
                    requested: self.requested,
                    received: cache.now(),
                    max_body: *max_entry_bytes,
                    if_range: false,
                })
                .is_ok();
        // What is not for others because its client has a password does not say that
        // there is nothing for them.
        if storable || self.asked().is_like_any_other() {
            cache.admission.passed(self.watched, storable);
        }
    }

    fn asked(&self) -> Asked {
        Asked {
            authorization: self.authorization,
            cookie: self.watched.cookie,
            ..Asked::default()
        }
    }
}
