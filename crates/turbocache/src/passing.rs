mod noted;

use http::{Method, Request, Uri, response};
use http_body::Body;
use tracing::debug;

pub(crate) use self::noted::Noted;
use crate::{
    admission::Glance, cache::Cache, policy::request::Pass, tags, unsafe_request::UnsafeRequest,
};

/// A request that passes the cache by.
pub(crate) enum Passing {
    /// Whatever it gets is nothing to the cache.
    Safe(Pass),
    /// What it gets may make something invalid.
    Unsafe(Pass, UnsafeRequest),
    /// What it gets may be something to store, after all, if it is looked at.
    Aside(Option<Glance>),
}

impl Passing {
    /// For a reason of its own.
    // Not inlined, nor is `tell`: hits go by without what they take.
    #[inline(never)]
    pub(crate) fn of<B>(request: &Request<B>, reason: Pass) -> Self {
        tell(request.method(), request.uri(), reason);
        match UnsafeRequest::new(request, reason) {
            Some(request) => Self::Unsafe(reason, request),
            None => Self::Safe(reason),
        }
    }

    /// Because nothing could be stored lately where it belongs.
    #[inline]
    pub(crate) fn aside<B>(request: &Request<B>, glance: Option<Glance>) -> Self {
        tell(request.method(), request.uri(), Pass::SteppedAside);
        Self::Aside(glance)
    }

    /// The inner service has answered: so does the cache.
    pub(crate) fn answered(&self, response: &mut response::Parts, body: &impl Body, cache: &Cache) {
        let noted = Noted::of(&response.headers);
        match self {
            Self::Safe(_) | Self::Aside(None) => {}
            Self::Unsafe(_, request) => request.answered(response, noted, cache),
            Self::Aside(Some(glance)) => glance.at(response, body, cache),
        }
        if noted.have(Noted::TAGS) {
            tags::strip(&mut response.headers);
        }
        cache.say_passed(response, self.reason());
    }

    const fn reason(&self) -> &Pass {
        match self {
            Self::Safe(reason) | Self::Unsafe(reason, _) => reason,
            Self::Aside(_) => &Pass::SteppedAside,
        }
    }
}

#[inline(never)]
fn tell(method: &Method, uri: &Uri, reason: Pass) {
    debug!(reason = reason.as_str(), %method, %uri, "pass");
}
