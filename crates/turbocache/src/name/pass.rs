//! What is said of most requests that pass, made once.

use std::sync::OnceLock;

use http::{Extensions, HeaderValue, header::CACHE_STATUS, response};
use peregrine_core::CacheStatus;

use crate::policy::request::Pass;

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
    ///
    /// `has_room` says that its extensions may have memory, though nothing is in them.
    #[inline]
    pub(crate) fn say(&self, response: &mut response::Parts, has_room: bool) {
        let extensions = &mut response.extensions;
        if has_room || !extensions.is_empty() {
            extensions.insert(self.status);
        } else {
            *extensions = self.alone().clone();
        }
        response.headers.append(CACHE_STATUS, self.line.clone());
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
