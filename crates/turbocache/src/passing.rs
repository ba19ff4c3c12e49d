use std::sync::Arc;

use http::{Method, Request, Uri, response};
use http_body::Body;
use peregrine_core::{Again, Shared};
use tracing::{Level, debug, level_enabled};

use crate::{
    admission::{Aside, Glance, Watched},
    cache::Cache,
    key::targets::PlainTargets,
    name::Word,
    noted::Noted,
    policy::request::{Eligible, Pass},
    tags,
    unsafe_request::{Submission, UnsafeRequest},
};

/// A request that passes the cache by.
pub(crate) struct Passing {
    /// What is to be said of it, if that is made already.
    word: Option<&'static Word>,
    /// What else there is to do.
    part: Option<Part>,
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
    /// To say why it has none.
    Safe(Again<Arc<Cache>>, Pass),
    /// What the request gets may make something invalid.
    Unsafe(Submission),
    /// What it gets may be something to store, after all.
    // One in a second, so all others are not to make room for it.
    Aside(Again<Arc<Cache>>, Box<Glance>),
}

/// What is seen of a request at first.
pub(crate) enum Sight {
    /// It may be looked up.
    Eligible(Eligible),
    /// It passes.
    Passes(Pass),
    /// It passes, and what it gets is to be looked at.
    Watched(Eligible, Box<Watched>),
}

/// Why any request passes the cache by.
pub(crate) enum Why {
    /// For a reason that says all.
    Itself(Pass),
    /// Because nothing could be stored lately where it belongs, and what it gets is to be
    /// looked at.
    Watched(Eligible, Box<Watched>),
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
            Err(reason) => return Self::Passes(reason),
        };
        match cache.admission.ask(request, eligible.has_cookie()) {
            None => Self::Eligible(eligible),
            Some(Aside::Known) => Self::Passes(Pass::SteppedAside),
            Some(Aside::Watched(watched)) => Self::Watched(eligible, watched),
        }
    }
}

impl Passing {
    /// A request that changes nothing, and of which `word` is to be said.
    #[inline]
    pub(crate) const fn said(word: &'static Word, room: Room) -> Self {
        Self {
            word: Some(word),
            part: None,
            room,
        }
    }

    /// One that may change something at `targets`.
    #[inline]
    pub(crate) fn plain(
        targets: &PlainTargets,
        word: Option<&'static Word>,
        room: Room,
        cache: &Shared<Arc<Cache>>,
    ) -> Self {
        Self {
            word,
            part: Some(Part::Unsafe(Submission::new(
                cache.again(),
                (*targets).into(),
            ))),
            room,
        }
    }

    /// Any request, however unusual.
    pub(crate) fn of<B>(
        request: &Request<B>,
        why: Why,
        room: Room,
        cache: &Shared<Arc<Cache>>,
    ) -> Self {
        let (reason, part) = match why {
            Why::Itself(reason) => {
                let part = match UnsafeRequest::new(request, reason) {
                    Some(request) => Part::Unsafe(Submission::new(cache.again(), request)),
                    None => Part::Safe(cache.again(), reason),
                };
                (reason, part)
            }
            Why::Watched(eligible, watched) => {
                let asked = eligible.asked(&cache.config.policy, request);
                let glance = Glance::new(*watched, asked, cache.instant());
                let part = Part::Aside(cache.again(), Box::new(glance));
                (Pass::SteppedAside, part)
            }
        };
        note(request, reason, cache);
        Self {
            word: cache.config.name.word(&reason),
            part: Some(part),
            room,
        }
    }

    /// The inner service has it now.
    #[inline]
    pub(crate) const fn sent(&mut self) {
        if let Some(Part::Unsafe(submission)) = &mut self.part {
            submission.sent();
        }
    }

    /// There is no answer. Nothing is left to do when this is dropped, whenever that is.
    #[cold]
    pub(crate) fn failed(&mut self) {
        self.part = None;
    }

    /// The inner service has answered: so does the cache.
    // Not inlined, so that it is in one piece.
    #[inline(never)]
    pub(crate) fn answered(&mut self, response: &mut response::Parts, body: &impl Body) {
        let noted = Noted::of(&response.headers);
        match &mut self.part {
            None | Some(Part::Safe(..)) => {}
            Some(Part::Unsafe(submission)) => submission.answered(response, noted),
            Some(Part::Aside(cache, glance)) => glance.at(response, body, cache),
        }
        if let Some(word) = self.word {
            word.say(response, noted, self.room);
        } else if let Some(part) = &self.part {
            part.say(response, self.room);
        }
        if noted.have(Noted::TAGS) {
            tags::strip(&mut response.headers);
        }
    }
}

impl Part {
    /// Finds words for it.
    // Not inlined: most go by without it.
    #[inline(never)]
    fn say(&self, response: &mut response::Parts, room: Room) {
        let (cache, reason) = match self {
            Self::Safe(cache, reason) => (cache, *reason),
            Self::Unsafe(submission) => (submission.cache(), submission.reason()),
            Self::Aside(cache, _) => (cache, Pass::SteppedAside),
        };
        cache.say_passed(response, reason, room);
    }
}

/// Counts that `request` passes, and says so in the log.
#[inline]
pub(crate) fn note<B>(request: &Request<B>, reason: Pass, cache: &Cache) {
    cache.counters.passes.add_one();
    if level_enabled!(Level::DEBUG) {
        tell(request.method(), request.uri(), reason);
    }
}

// Not inlined: those that pass go by without what it takes.
#[inline(never)]
fn tell(method: &Method, uri: &Uri, reason: Pass) {
    debug!(reason = reason.as_str(), %method, %uri, "pass");
}
