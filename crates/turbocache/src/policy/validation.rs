//! Asking the origin whether a stored response is still good, and answering
//! clients that ask the same of us: RFC 9111 §4.3, RFC 9110 §13.

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{
        ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
        LAST_MODIFIED,
    },
};

/// The preconditions that one client sent (RFC 9110 §13.1), kept apart from what
/// the cache asks the origin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preconditions(HeaderMap);

/// What a client's preconditions make of the response that it would get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it.
    Proceed,
    /// Send a 304 with its head: the client has it.
    NotModified,
    /// Send a 412: it is not the one that the client wants.
    PreconditionFailed,
}

/// RFC 9110 §13.1.
const PRECONDITIONS: [HeaderName; 5] = [
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
    IF_RANGE,
];

impl Preconditions {
    /// Takes all of them out of `request`.
    pub(crate) fn take(request: &mut HeaderMap) -> Self {
        let mut taken = HeaderMap::new();
        for name in PRECONDITIONS {
            if let Some(value) = request.remove(&name) {
                taken.insert(name, value);
            }
        }
        Self(taken)
    }

    /// What they make of a response with `status` and `headers`.
    pub(crate) fn evaluate(&self, status: StatusCode, headers: &HeaderMap) -> Verdict {
        evaluate(&self.0, status, headers)
    }
}

/// What the preconditions in `request` make of a response with `status` and
/// `headers`, by the precedence of RFC 9110 §13.2.2.
pub(crate) fn evaluate(_request: &HeaderMap, _status: StatusCode, _headers: &HeaderMap) -> Verdict {
    Verdict::Proceed
}

/// Puts the validators of `stored` responses into `request`, in place of any
/// preconditions of its own (§4.3.1). `false`, and nothing is changed, if there
/// are none: then nothing is to be asked, and the response fetched anew.
pub(crate) fn ask<'a>(
    request: &mut HeaderMap,
    stored: impl IntoIterator<Item = &'a HeaderMap>,
) -> bool {
    let mut asked = false;
    for headers in stored {
        for (validator, precondition) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)]
        {
            if let Some(value) = headers.get(validator) {
                request.insert(precondition, value.clone());
                asked = true;
            }
        }
        if asked {
            break;
        }
    }
    asked
}

/// Which of the `stored` responses a 304 with `headers` is about, newest first
/// (§4.3.3, §4.3.4). `None`: none of them, so the request is to be made again
/// without preconditions.
pub(crate) fn selected<'a>(
    headers: &HeaderMap,
    stored: impl IntoIterator<Item = &'a HeaderMap>,
) -> Option<usize> {
    let etag = headers.get(ETAG);
    stored
        .into_iter()
        .position(|stored| etag.is_none() || stored.get(ETAG) == etag)
}

/// Updates the fields of a `stored` response by those of a 304 or a response to
/// a HEAD (§3.2). What must not be stored at all has to be left out of
/// `received` before.
pub(crate) fn update(stored: &mut HeaderMap, received: &HeaderMap) {
    for name in received.keys() {
        if is_updated(name) {
            stored.remove(name);
            for value in received.get_all(name) {
                stored.append(name.clone(), value.clone());
            }
        }
    }
}

/// §3.2.
fn is_updated(name: &HeaderName) -> bool {
    !matches!(
        name.as_str(),
        "content-encoding" | "content-length" | "content-range" | "content-type"
    )
}
