mod noted;

use std::sync::Arc;

use http::{Method, Request, Uri, response};
use http_body::Body;
use peregrine_core::{Again, Shared};
use tracing::debug;

pub(crate) use self::noted::Noted;
use crate::{
    admission::Glance, cache::Cache, name::Word, policy::request::Pass, tags,
    unsafe_request::UnsafeRequest,
};

/// A request that passes the cache by.
pub(crate) struct Passing {
    part: Part,
    room: Room,
}

/// Where the typed value goes that is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Nowhere: nobody reads the extensions of the response.
    Unread,
    /// Into extensions that have no memory yet.
    Empty,
    /// Into some that may have that of the request's.
    Furnished,
}

/// What part the cache has in the answer.
enum Part {
    /// None but to say something that is made already.
    Unseen(&'static Word),
    /// There is something to be done.
    Seen(Seen),
}

/// What is to be done when a request is answered that passes the cache by.
struct Seen {
    cache: Again<Arc<Cache>>,
    reason: Pass,
    kind: Kind,
}

enum Kind {
    /// To find the words for it, and nothing else.
    Safe,
    /// What it gets may make something invalid.
    Unsafe(UnsafeRequest),
    /// What it gets may be something to store, after all.
    Aside(Glance),
}

/// Why a request passes the cache by.
#[derive(Clone, Copy)]
pub(crate) enum Why {
    /// For a reason of its own.
    Itself(Pass),
    /// Because nothing could be stored lately where it belongs.
    Aside(Option<Glance>),
}

impl From<Pass> for Why {
    fn from(reason: Pass) -> Self {
        Self::Itself(reason)
    }
}

impl Room {
    /// For who may read the extensions of the response to `request`.
    #[inline]
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        if request.extensions().is_empty() {
            Self::Empty
        } else {
            Self::Furnished
        }
    }
}

impl Passing {
    #[inline]
    pub(crate) fn of<B>(
        request: &Request<B>,
        why: Why,
        room: Room,
        cache: &Shared<Arc<Cache>>,
    ) -> Self {
        let part = match why {
            Why::Aside(None) => {
                tell(request.method(), request.uri(), Pass::SteppedAside);
                Part::safe(Pass::SteppedAside, cache)
            }
            Why::Aside(Some(glance)) => {
                tell(request.method(), request.uri(), Pass::SteppedAside);
                Part::seen(Pass::SteppedAside, Kind::Aside(glance), cache)
            }
            Why::Itself(reason) => Part::of(request, reason, cache),
        };
        Self { part, room }
    }

    /// The inner service has answered: so does the cache.
    // Not inlined, so that it is in one piece.
    #[inline(never)]
    pub(crate) fn answered(&self, response: &mut response::Parts, body: &impl Body) {
        let noted = Noted::of(&response.headers);
        let word = match &self.part {
            Part::Unseen(word) => Some(*word),
            Part::Seen(seen) => seen.answered(response, body, noted, self.room),
        };
        if let Some(word) = word {
            word.say(response, noted, self.room);
        }
        if noted.have(Noted::TAGS) {
            tags::strip(&mut response.headers);
        }
    }
}

impl Part {
    // Not inlined, nor is `tell`: hits go by without what they take.
    #[inline(never)]
    fn of<B>(request: &Request<B>, reason: Pass, cache: &Shared<Arc<Cache>>) -> Self {
        tell(request.method(), request.uri(), reason);
        match UnsafeRequest::new(request, reason) {
            Some(request) => Self::seen(reason, Kind::Unsafe(request), cache),
            None => Self::safe(reason, cache),
        }
    }

    fn safe(reason: Pass, cache: &Shared<Arc<Cache>>) -> Self {
        match cache.config.name.word(&reason) {
            Some(word) => Self::Unseen(word),
            None => Self::seen(reason, Kind::Safe, cache),
        }
    }

    #[inline]
    fn seen(reason: Pass, kind: Kind, cache: &Shared<Arc<Cache>>) -> Self {
        let cache = cache.again();
        Self::Seen(Seen {
            cache,
            reason,
            kind,
        })
    }
}

impl Seen {
    /// Returns what is to be said, unless it is said already.
    fn answered(
        &self,
        response: &mut response::Parts,
        body: &impl Body,
        noted: Noted,
        room: Room,
    ) -> Option<&'static Word> {
        let Self {
            cache,
            reason,
            kind,
        } = self;
        match kind {
            Kind::Safe => {}
            Kind::Unsafe(request) => request.answered(response, noted, cache),
            Kind::Aside(glance) => glance.at(response, body, cache),
        }
        let word = cache.config.name.word(reason);
        if word.is_none() {
            cache.say_passed(response, *reason, room);
        }
        word
    }
}

#[inline(never)]
fn tell(method: &Method, uri: &Uri, reason: Pass) {
    debug!(reason = reason.as_str(), %method, %uri, "pass");
}
