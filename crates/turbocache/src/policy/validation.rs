//! Asking the origin whether a stored response is still good, and answering
//! clients that ask the same of us: RFC 9111 §4.3, RFC 9110 §13.

use std::time::SystemTime;

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE,
        ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
        LAST_MODIFIED, RANGE,
    },
};

use self::etag::EntityTag;
use super::freshness::the_one_date;

pub(crate) use self::update::{HeadEffect, Update, head_effect};

mod etag;
mod update;

/// What a client's preconditions make of the response that it would get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it.
    Proceed,
    /// Send a 304 with its head: the client has it.
    NotModified,
}

/// RFC 9110 §13.1, §14.2.
const PRECONDITIONS: [HeaderName; 6] = [
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
    IF_RANGE,
    RANGE,
];

/// Takes all preconditions out of `request`, and the `Range` to which `If-Range`
/// belongs: what one client has is nothing to ask for others by.
pub(crate) fn remove_preconditions(request: &mut HeaderMap) {
    for name in PRECONDITIONS {
        request.remove(name);
    }
}

/// What the preconditions among the fields of a `GET` or `HEAD` make of a stored
/// response, with which it would be answered otherwise. `received` is when that
/// came.
pub(crate) fn evaluate(
    request: &HeaderMap,
    status: StatusCode,
    stored: &HeaderMap,
    received: SystemTime,
) -> Verdict {
    // RFC 9111 §4.3.2: a cache evaluates preconditions where it has "a stored 200
    // (OK) or 206 (Partial Content) response".
    if !matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        return Verdict::Proceed;
    }
    let has_it = if request.contains_key(IF_NONE_MATCH) {
        // RFC 9110 §13.1.3: "A recipient MUST ignore If-Modified-Since if the
        // request contains an If-None-Match header field".
        if_none_match(request, stored)
    } else {
        if_modified_since(request, stored, received)
    };
    if has_it {
        Verdict::NotModified
    } else {
        Verdict::Proceed
    }
}

/// RFC 9110 §13.1.2: whether the client has what is stored, by weak comparison.
fn if_none_match(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let lines = || {
        request
            .get_all(IF_NONE_MATCH)
            .iter()
            .map(HeaderValue::as_bytes)
    };
    // "If the field value is "*", the condition is false if the origin server has
    // a current representation for the target resource", which this one is.
    if lines().any(|line| line.trim_ascii() == b"*") {
        return true;
    }
    EntityTag::of(stored).is_some_and(|etag| {
        lines()
            .flat_map(etag::List)
            .any(|theirs| theirs.weakly_equals(etag))
    })
}

/// RFC 9110 §13.1.3.
fn if_modified_since(request: &HeaderMap, stored: &HeaderMap, received: SystemTime) -> bool {
    // "A recipient MUST ignore the If-Modified-Since header field if the received
    // field value is not a valid HTTP-date, the field value has more than one
    // member".
    let is_alone = request.get_all(IF_MODIFIED_SINCE).iter().nth(1).is_none();
    let since = is_alone.then(|| the_one_date(request, IF_MODIFIED_SINCE));
    let Some(since) = since.flatten() else {
        return false;
    };
    // RFC 9111 §4.3.2: without Last-Modified, "a cache SHOULD use the stored
    // response's Date field value (or, if no Date field is present, the time that
    // the stored response was received) to evaluate the conditional".
    let modified = if stored.contains_key(LAST_MODIFIED) {
        the_one_date(stored, LAST_MODIFIED)
    } else if stored.contains_key(DATE) {
        the_one_date(stored, DATE)
    } else {
        Some(received)
    };
    modified.is_some_and(|modified| modified <= since)
}

/// RFC 9110 §8.3 to §8.6, §14.4.
const REPRESENTATION_METADATA: [HeaderName; 5] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
];

/// Takes out of the head of a stored response what does not belong to a 304 that
/// is made of it. RFC 9110 §15.4.5: "SHOULD NOT generate representation metadata
/// other than the above listed fields".
pub(crate) fn make_not_modified(headers: &mut HeaderMap) {
    for name in &REPRESENTATION_METADATA {
        headers.remove(name);
    }
}

/// Whether a response has something to validate it by (RFC 9110 §8.8).
pub(crate) fn has_validator(headers: &HeaderMap) -> bool {
    EntityTag::of(headers).is_some() || the_one_date(headers, LAST_MODIFIED).is_some()
}

/// Puts the validators of `stored` responses, the best first, into `request`, in
/// place of any preconditions of its own (RFC 9111 §4.3.1). `false`, and nothing
/// is changed, if there are none: then nothing is to be asked, and the response
/// fetched anew.
pub(crate) fn ask<'a>(
    request: &mut HeaderMap,
    stored: impl IntoIterator<Item = &'a HeaderMap>,
) -> bool {
    let mut tags: Vec<&[u8]> = Vec::new();
    let mut last_modified = None;
    for (at, headers) in stored.into_iter().enumerate() {
        // "MUST send the relevant entity tags (using If-Match, If-None-Match, or
        // If-Range) if the entity tags were provided in the stored response(s)
        // being validated."
        tags.extend(EntityTag::of(headers).map(EntityTag::as_bytes));
        // "SHOULD send the Last-Modified value […] if the request is not for a
        // subrange, a single stored response is being validated, and that
        // response contains a Last-Modified value."
        last_modified = match headers.get(LAST_MODIFIED) {
            Some(value) if at == 0 && the_one_date(headers, LAST_MODIFIED).is_some() => Some(value),
            _ => None,
        };
    }
    if tags.is_empty() && last_modified.is_none() {
        return false;
    }
    remove_preconditions(request);
    if !tags.is_empty() {
        let value = HeaderValue::from_bytes(&tags.join(&b", "[..]));
        request.insert(IF_NONE_MATCH, value.expect("made of values, and of ASCII"));
    }
    if let Some(value) = last_modified {
        request.insert(IF_MODIFIED_SINCE, value.clone());
    }
    true
}

/// Which of the `stored` responses that the origin was asked about a 304 with
/// `headers` is about (RFC 9111 §4.3.4), the most recent first. `None`: none of
/// them, so it is of no use, and the request is to be made again without
/// preconditions.
pub(crate) fn selected<'a>(
    headers: &HeaderMap,
    stored: impl IntoIterator<Item = &'a HeaderMap>,
) -> Option<usize> {
    let mut stored = stored.into_iter();
    match EntityTag::of(headers) {
        // "If the new response contains one or more strong validators […], then
        // each of those strong validators identifies a selected representation
        // for update. […] If none of the initial set contains at least one of the
        // same strong validators, then the cache MUST NOT use the new response to
        // update any stored responses."
        Some(etag) if etag.is_strong() => {
            stored.position(|stored| EntityTag::of(stored) == Some(etag))
        }
        // "If the new response contains no strong validators but does contain one
        // or more weak validators, and those validators correspond to one of the
        // initial set's stored responses, then the most recent of those matching
        // stored responses is identified for update."
        Some(etag) => stored.position(|stored| {
            EntityTag::of(stored).is_some_and(|stored| stored.weakly_equals(etag))
        }),
        None if headers.contains_key(ETAG) => None,
        None => {
            let modified = the_one_date(headers, LAST_MODIFIED);
            if modified.is_some() {
                return stored.position(|stored| the_one_date(stored, LAST_MODIFIED) == modified);
            }
            // §4.3.4 has this only where the stored response has no validator,
            // either. But an origin that was asked about one response alone, and
            // leaves the validator out of its 304, can mean no other one.
            let only = stored.next().is_some() && stored.next().is_none();
            only.then_some(0)
        }
    }
}

#[cfg(test)]
mod tests;
