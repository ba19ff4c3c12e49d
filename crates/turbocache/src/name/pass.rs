//! What is said of most requests that pass, made once.

use std::sync::LazyLock;

use http::{Extensions, HeaderValue, header::CACHE_STATUS, response};
use peregrine_core::CacheStatus;

use crate::policy::request::Pass;

/// What a cache with the default name says of a request that passes for one reason.
///
/// To give it away allocates as little as can be, and writes to nothing that threads
/// share.
pub(crate) struct Word {
    pub(super) line: HeaderValue,
    pub(super) said: LazyLock<Extensions>,
}

impl Word {
    /// Puts it into `response`, behind what caches further in have put there.
    #[inline]
    pub(crate) fn say(&self, response: &mut response::Parts) {
        let extensions = &mut response.extensions;
        if extensions.is_empty() {
            extensions.clone_from(&self.said);
        } else if let Some(said) = self.said.get::<CacheStatus>() {
            extensions.insert(*said);
        }
        response.headers.append(CACHE_STATUS, self.line.clone());
    }
}

static METHOD: Word = Word {
    line: HeaderValue::from_static("turbocache; fwd=method"),
    said: LazyLock::new(|| said(Pass::Method)),
};
static STEPPED_ASIDE: Word = Word {
    line: HeaderValue::from_static("turbocache; fwd=bypass; detail=stepped-aside"),
    said: LazyLock::new(|| said(Pass::SteppedAside)),
};
static AUTHORIZATION: Word = Word {
    line: HeaderValue::from_static("turbocache; fwd=bypass; detail=authorization"),
    said: LazyLock::new(|| said(Pass::Authorization)),
};

pub(super) fn word(reason: &Pass) -> Option<&'static Word> {
    match reason {
        Pass::Method => Some(&METHOD),
        Pass::SteppedAside => Some(&STEPPED_ASIDE),
        Pass::Authorization => Some(&AUTHORIZATION),
        _ => None,
    }
}

fn said(reason: Pass) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(reason.status());
    extensions
}
