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
    /// It came with extensions, whose memory those of its response may have.
    has_room: bool,
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

impl Passing {
    /// For a reason of its own.
    // Not inlined, nor is `tell`: hits go by without what they take.
    #[inline(never)]
    pub(crate) fn of<B>(request: &Request<B>, reason: Pass, cache: &Shared<Arc<Cache>>) -> Self {
        tell(request.method(), request.uri(), reason);
        let part = match UnsafeRequest::new(request, reason) {
            Some(request) => Part::seen(reason, Kind::Unsafe(request), cache),
            None => Part::safe(reason, cache),
        };
        Self::new(request, part)
    }

    /// Because nothing could be stored lately where it belongs.
    #[inline]
    pub(crate) fn aside<B>(
        request: &Request<B>,
        glance: Option<Glance>,
        cache: &Shared<Arc<Cache>>,
    ) -> Self {
        tell(request.method(), request.uri(), Pass::SteppedAside);
        let part = match glance {
            Some(glance) => Part::seen(Pass::SteppedAside, Kind::Aside(glance), cache),
            None => Part::safe(Pass::SteppedAside, cache),
        };
        Self::new(request, part)
    }

    fn new<B>(request: &Request<B>, part: Part) -> Self {
        let has_room = !request.extensions().is_empty();
        Self { part, has_room }
    }

    /// The inner service has answered: so does the cache.
    pub(crate) fn answered(&self, response: &mut response::Parts, body: &impl Body) {
        let noted = Noted::of(&response.headers);
        let word = match &self.part {
            Part::Unseen(word) => Some(*word),
            Part::Seen(seen) => seen.answered(response, body, noted),
        };
        if let Some(word) = word {
            word.say(response, self.has_room);
        }
        if noted.have(Noted::TAGS) {
            tags::strip(&mut response.headers);
        }
    }
}

impl Part {
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
            cache.say_passed(response, *reason);
        }
        word
    }
}

#[inline(never)]
fn tell(method: &Method, uri: &Uri, reason: Pass) {
    debug!(reason = reason.as_str(), %method, %uri, "pass");
}
