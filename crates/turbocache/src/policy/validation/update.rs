//! What the answer of the origin changes of what is stored: RFC 9111 §3.2,
//! §4.3.4, §4.3.5.

use std::time::{Instant, SystemTime};

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, EXPIRES,
        LAST_MODIFIED, VARY,
    },
};

use super::has_validator;
use crate::{
    clock::Now,
    policy::{
        Policy,
        request::Asked,
        storable::{Kept, NotStored},
    },
};

/// A stored head that a 304, or a response to a HEAD, has updated.
#[derive(Clone, Debug)]
pub(crate) struct Freshened {
    pub(crate) headers: HeaderMap,
    /// Whether it may still be stored, and on which terms. If not, it is for this
    /// one request only, and what was stored has to go.
    pub(crate) kept: Result<Kept, NotStored>,
}

/// A stored response, and the answer to the question whether it is still good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update<'a> {
    /// What the request said for which it was asked.
    pub(crate) asked: Asked,
    /// Of the stored response.
    pub(crate) status: StatusCode,
    pub(crate) stored: &'a HeaderMap,
    /// The fields of the answer, without those for one connection.
    pub(crate) answer: &'a HeaderMap,
    /// When the question was sent.
    pub(crate) requested: Instant,
    /// When the answer came.
    pub(crate) received: Now,
}

impl Policy {
    /// Freshens a stored response (RFC 9111 §3.2, §4.3.4).
    pub(crate) fn freshen(&self, update: &Update<'_>) -> Freshened {
        let freshened = self.freshen_by(update, update.asked, is_updated);
        if !(update.asked.cookie && matches!(freshened.kept, Err(NotStored::NoExplicitFreshness))) {
            return freshened;
        }
        // What was guessed about a response to someone without a cookie holds for
        // one with a cookie, too, who is told that it is still the same. What else he is
        // told may be for him alone.
        let asked = Asked {
            cookie: false,
            ..update.asked
        };
        let guessed = self.freshen_by(update, asked, |name| {
            is_updated(name) && ABOUT_FRESHNESS.contains(name)
        });
        if guessed.kept.is_ok() {
            guessed
        } else {
            freshened
        }
    }

    /// The same by those fields of the answer that are to be updated.
    fn freshen_by(
        &self,
        update: &Update<'_>,
        asked: Asked,
        updates: impl Fn(&HeaderName) -> bool,
    ) -> Freshened {
        let Update {
            status,
            stored,
            answer,
            requested,
            received,
            ..
        } = *update;
        let mut headers = updated(stored, answer, received.wall, updates);
        let mut kept = self.keep(asked, status, &headers, requested, received);
        if let Ok(Kept { without, .. }) = &kept {
            if without.iter().any(|name| answer.contains_key(name)) {
                // It is for who asked, who gets it.
                kept = Err(NotStored::ForOneClient);
            } else {
                for name in without {
                    headers.remove(name);
                }
            }
        }
        Freshened { headers, kept }
    }
}

/// RFC 9111 §3.2: "caches are required to update a stored response's header
/// fields from another (typically newer) response […]. When doing so, the cache
/// MUST add each header field in the provided response to the stored response,
/// replacing field values that are already present, with the following
/// exceptions".
fn updated(
    stored: &HeaderMap,
    answer: &HeaderMap,
    received: SystemTime,
    updates: impl Fn(&HeaderName) -> bool,
) -> HeaderMap {
    let mut headers = stored.clone();
    // These are not about the representation, but about the message that came:
    // without them, the new one has come now, and is as young as can be.
    headers.remove(AGE);
    headers.remove(DATE);
    for name in answer.keys().filter(|name| updates(name)) {
        headers.remove(name);
        for value in answer.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    headers.entry(DATE).or_insert_with(|| {
        let date = httpdate::fmt_http_date(received);
        HeaderValue::try_from(date).expect("a date is plain ASCII")
    });
    headers
}

/// What says of a response for how long it is fresh, and for whom.
const ABOUT_FRESHNESS: [HeaderName; 6] = [AGE, CACHE_CONTROL, DATE, EXPIRES, LAST_MODIFIED, VARY];

/// "Header fields that the cache's stored response depends upon" stay, and
/// `Content-Length`: they say how the stored bytes are to be read, and these are
/// still the same. `Content-Type` is not among them: "the Content-* prefix is not
/// a signal that a header field is omitted from update".
fn is_updated(name: &HeaderName) -> bool {
    !(*name == CONTENT_LENGTH
        || *name == CONTENT_ENCODING
        || *name == CONTENT_RANGE
        || *name == ETAG
        || matches!(
            name.as_str(),
            "content-md5" | "content-digest" | "repr-digest" | "digest"
        ))
}

/// What a 200 to a `HEAD` makes of a stored `GET` response that could have been
/// chosen for it: RFC 9111 §4.3.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadEffect {
    /// It is still the same: [freshen](Policy::freshen) it.
    Update,
    /// It has changed: it is stale from now on.
    Stale,
    /// There is no telling.
    None,
}

/// "if the stored response and HEAD response have matching values for any received
/// validator fields (`ETag` and Last-Modified) and, if the HEAD response has a
/// Content-Length header field, the value of Content-Length matches that of the
/// stored response, the cache SHOULD update the stored response […]; otherwise,
/// the cache SHOULD consider the stored response to be stale."
///
/// A response without any validator would match everything, so it only tells
/// when something has changed.
pub(crate) fn head_effect(status: StatusCode, head: &HeaderMap, stored: &HeaderMap) -> HeadEffect {
    if status != StatusCode::OK {
        return HeadEffect::None;
    }
    let differs =
        |name: HeaderName| head.contains_key(&name) && head.get(&name) != stored.get(name);
    if differs(ETAG) || differs(LAST_MODIFIED) || differs(CONTENT_LENGTH) {
        HeadEffect::Stale
    } else if has_validator(head) {
        HeadEffect::Update
    } else {
        HeadEffect::None
    }
}

#[cfg(test)]
mod tests;
