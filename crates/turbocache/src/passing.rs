mod noted;

use std::sync::Arc;

use http::{Method, Request, response};
use http_body::Body;
use peregrine_core::{Again, Shared};
use tracing::{Level, debug, level_enabled};

pub(crate) use self::noted::Noted;
use crate::{
    admission::{Aside, Glance},
    cache::Cache,
    key::path_and_query,
    name::Word,
    policy::request::{Eligible, Pass},
    tags,
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
    /// To say something that is made already.
    Said(&'static Word),
    /// To find the words for it.
    Safe(Again<Arc<Cache>>, Pass),
    /// What the request gets may make something invalid.
    Unsafe(Again<Arc<Cache>>, UnsafeRequest),
    /// What it gets may be something to store, after all.
    // One in a second, so all others are not to make room for it.
    Aside(Again<Arc<Cache>>, Box<Glance>),
}

/// What is seen of a request at first.
pub(crate) enum Sight {
    /// It may be looked up.
    Eligible(Eligible),
    /// It passes.
    Passes(Why),
}

/// Why a request passes the cache by.
pub(crate) enum Why {
    /// For a reason of its own.
    Itself(Pass),
    /// Because nothing could be stored lately where it belongs.
    Aside(Eligible, Aside),
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

impl Sight {
    #[inline]
    pub(crate) fn of<B: Body>(cache: &Cache, request: &Request<B>) -> Self {
        let eligible = match cache.config.policy.may_look_up(request) {
            Ok(eligible) => eligible,
            Err(reason) => return Self::Passes(Why::Itself(reason)),
        };
        match cache.admission.ask(request, eligible.has_cookie()) {
            None => Self::Eligible(eligible),
            Some(aside) => Self::Passes(Why::Aside(eligible, aside)),
        }
    }
}

impl Passing {
    /// If no more is to be done for `request` than is for nearly all that pass.
    ///
    /// Nothing here keeps a reference to it, or hands one to what might: see
    /// [`respond`](crate::service).
    #[inline]
    pub(crate) fn at_once<B>(
        request: &Request<B>,
        why: &Why,
        room: Room,
        cache: &Shared<Arc<Cache>>,
    ) -> Option<Self> {
        let reason = match why {
            Why::Itself(reason) => *reason,
            Why::Aside(_, Aside::Known) => Pass::SteppedAside,
            Why::Aside(_, Aside::Watched(_)) => return None,
        };
        let part = if !UnsafeRequest::may_be(request, reason) {
            Part::Said(cache.config.name.word(&reason)?)
        } else if UnsafeRequest::is_plain(request, reason) {
            Part::Unsafe(cache.again(), UnsafeRequest::plain(request))
        } else {
            return None;
        };
        if level_enabled!(Level::DEBUG) {
            // A log may keep what it is shown, for all that the compiler knows.
            let method = request.method().clone();
            tell(&method, path_and_query(request.uri()), reason);
        }
        Some(Self { part, room })
    }

    /// The same for any request.
    pub(crate) fn of<B>(
        request: &Request<B>,
        why: Why,
        room: Room,
        cache: &Shared<Arc<Cache>>,
    ) -> Self {
        let reason = match why {
            Why::Itself(reason) => reason,
            Why::Aside(..) => Pass::SteppedAside,
        };
        tell(request.method(), path_and_query(request.uri()), reason);
        let part = match why {
            Why::Aside(eligible, Aside::Watched(watched)) => {
                let asked = eligible.asked(&cache.config.policy, request);
                let glance = Glance::new(*watched, asked, cache.instant());
                Part::Aside(cache.again(), Box::new(glance))
            }
            _ => match UnsafeRequest::new(request, reason) {
                Some(request) => Part::Unsafe(cache.again(), request),
                None => Part::Safe(cache.again(), reason),
            },
        };
        Self { part, room }
    }

    /// The inner service has answered: so does the cache.
    // Not inlined, so that it is in one piece.
    #[inline(never)]
    pub(crate) fn answered(&self, response: &mut response::Parts, body: &impl Body) {
        let noted = Noted::of(&response.headers);
        if let Some(word) = self.part.answered(response, body, noted, self.room) {
            word.say(response, noted, self.room);
        }
        if noted.have(Noted::TAGS) {
            tags::strip(&mut response.headers);
        }
    }
}

impl Part {
    /// Returns what is to be said, unless it is said already.
    fn answered(
        &self,
        response: &mut response::Parts,
        body: &impl Body,
        noted: Noted,
        room: Room,
    ) -> Option<&'static Word> {
        let (cache, reason) = match self {
            Self::Said(word) => return Some(word),
            Self::Safe(cache, reason) => (cache, *reason),
            Self::Unsafe(cache, request) => {
                request.answered(response, noted, cache);
                (cache, request.reason())
            }
            Self::Aside(cache, glance) => {
                glance.at(response, body, cache);
                (cache, Pass::SteppedAside)
            }
        };
        let word = cache.config.name.word(&reason);
        if word.is_none() {
            cache.say_passed(response, reason, room);
        }
        word
    }
}

// Not inlined: hits and those that pass go by without what it takes.
#[inline(never)]
fn tell(method: &Method, target: &str, reason: Pass) {
    debug!(reason = reason.as_str(), %method, uri = target, "pass");
}
