//! Are these two of one representation, byte for byte? RFC 9110 §8.8, §13.1.5.

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{DATE, ETAG, IF_RANGE, LAST_MODIFIED},
};

/// What tells a representation from every other one that the resource ever had
/// (RFC 9110 §8.8.1). Parts are put together only if this is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StrongValidator<'a>(&'a HeaderValue);

impl<'a> StrongValidator<'a> {
    /// The strong validator in the head of a response: its entity tag, and
    /// without one its date, if that counts as strong.
    pub(crate) fn of(response: &'a HeaderMap) -> Option<Self> {
        match only(response, &ETAG).ok()? {
            Some(etag) => is_strong(etag).then_some(Self(etag)),
            None => strong_date(response).map(Self),
        }
    }

    /// Whether two responses brought parts of one representation, so that what they
    /// brought may be put together (RFC 9110 §15.3.7.3: "if they all share the same
    /// strong validator"; RFC 9111 §3.4).
    pub(crate) fn is_shared(stored: &HeaderMap, received: &HeaderMap) -> bool {
        match (StrongValidator::of(stored), StrongValidator::of(received)) {
            (Some(stored), Some(received)) => stored == received,
            _ => false,
        }
    }

    /// As the value of an `If-Range` field: send the part only if it is still a
    /// part of this.
    pub(crate) fn if_range(self) -> HeaderValue {
        self.0.clone()
    }
}

/// Whether the parts that `request` asks for may be sent (RFC 9110 §13.1.5). True
/// without an `If-Range`.
pub(super) fn if_range(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let condition = match only(request, &IF_RANGE) {
        Ok(Some(condition)) => condition,
        Ok(None) => return true,
        Err(Several) => return false,
    };
    // "A recipient of an If-Range header field MUST ignore the Range header
    // field if the If-Range condition evaluates as false." An entity tag is told
    // from a date by a quote among its first three characters (§13.1.5).
    let is_etag = condition
        .as_bytes()
        .iter()
        .take(3)
        .any(|byte| *byte == b'"');
    if is_etag {
        // "If the entity-tag validator provided exactly matches the ETag field
        // value for the selected representation using the strong comparison
        // function (Section 8.8.3.2), the condition is true."
        is_strong(condition) && matches!(only(stored, &ETAG), Ok(Some(etag)) if etag == condition)
    } else {
        // "If the HTTP-date validator provided is not a strong validator in the
        // sense defined by Section 8.8.2.2, the condition is false", and then:
        // "exactly matches the Last-Modified field value".
        strong_date(stored) == Some(condition)
    }
}

/// RFC 9110 §8.8.2.2: a modification date is weak, unless the response was made
/// "at least one second after" it: within one second, there may have been two.
fn strong_date(response: &HeaderMap) -> Option<&HeaderValue> {
    let modified = only(response, &LAST_MODIFIED).ok()??;
    let seconds = |field: &HeaderValue| httpdate::parse_http_date(field.to_str().ok()?).ok();
    let after = seconds(only(response, &DATE).ok()??)?
        .duration_since(seconds(modified)?)
        .ok()?;
    (after >= Duration::from_secs(1)).then_some(modified)
}

/// RFC 9110 §8.8.3: `DQUOTE *etagc DQUOTE`, without `W/` in front.
fn is_strong(etag: &HeaderValue) -> bool {
    match etag.as_bytes() {
        [b'"', inner @ .., b'"'] => !inner
            .iter()
            .any(|byte| *byte == b'"' || *byte == b' ' || byte.is_ascii_control()),
        _ => false,
    }
}

/// A field that may be there once is there several times.
struct Several;

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Several> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next();
    match lines.next() {
        None => Ok(line),
        Some(_) => Err(Several),
    }
}

#[cfg(test)]
mod tests;
