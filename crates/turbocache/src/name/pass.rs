//! What is said of most requests that pass, made once.

use std::sync::OnceLock;

use http::{Extensions, HeaderValue, header::CACHE_STATUS, response};
use peregrine_core::CacheStatus;

use crate::{noted::Noted, passing::Room, policy::request::Pass};

/// What a cache with the default name says of a request that passes for one reason.
pub(crate) struct Word {
    pub(super) line: HeaderValue,
    pub(super) status: CacheStatus,
    /// The status, and nothing else. To clone this takes less than to make it.
    alone: OnceLock<Extensions>,
}

impl Word {
    const fn new(line: &'static str, reason: Pass) -> Self {
        Self {
            line: HeaderValue::from_static(line),
            status: reason.status(),
            alone: OnceLock::new(),
        }
    }

    /// Puts it into `response`, behind what caches further in have put there.
    #[inline]
    pub(crate) fn say(&self, response: &mut response::Parts, noted: Noted, room: Room) {
        let extensions = &mut response.extensions;
        match room {
            Room::Unread => {}
            Room::Empty if extensions.is_empty() => *extensions = self.alone().clone(),
            Room::Empty | Room::Furnished => {
                extensions.insert(self.status);
            }
        }
        let (headers, line) = (&mut response.headers, self.line.clone());
        if noted.have(Noted::STATUS) {
            headers.append(CACHE_STATUS, line);
        } else {
            // The same, by code that the application has just used.
            headers.insert(CACHE_STATUS, line);
        }
    }

    fn alone(&self) -> &Extensions {
        self.alone.get_or_init(|| {
            let mut alone = Extensions::new();
            alone.insert(self.status);
            alone
        })
    }
}

static METHOD: Word = Word::new("turbocache; fwd=method", Pass::Method);
static STEPPED_ASIDE: Word = Word::new(
    "turbocache; fwd=bypass; detail=stepped-aside",
    Pass::SteppedAside,
);
static AUTHORIZATION: Word = Word::new(
    "turbocache; fwd=bypass; detail=authorization",
    Pass::Authorization,
);

pub(super) fn word(reason: &Pass) -> Option<&'static Word> {
    match reason {
        Pass::Method => Some(&METHOD),
        Pass::SteppedAside => Some(&STEPPED_ASIDE),
        Pass::Authorization => Some(&AUTHORIZATION),
        _ => None,
    }
}
