//! May this body be kept, and how long is it? RFC 9111 §3.3, RFC 9112 §6.3.

use http::{
    HeaderMap, HeaderValue, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, TRAILER},
    response,
};
use http_body::SizeHint;
use peregrine_core::CloseDelimited;

use super::NotStored;

/// Media types without an end.
const ENDLESS: [&[u8]; 2] = [b"text/event-stream", b"multipart/x-mixed-replace"];

fn is_endless(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let end = content_type.iter().position(|byte| *byte == b';');
    let media_type = content_type[..end.unwrap_or(content_type.len())].trim_ascii();
    ENDLESS
        .iter()
        .any(|endless| media_type.eq_ignore_ascii_case(endless))
}

/// The length of the body, if it is known, and known to be right; or why the body
/// is not one to keep.
pub(super) fn length(
    response: &response::Parts,
    body: &SizeHint,
    max_body: u64,
) -> Result<Option<u64>, NotStored> {
    if is_endless(&response.headers) {
        return Err(NotStored::Endless);
    }
    if response.headers.contains_key(TRAILER) {
        return Err(NotStored::Trailers);
    }
    let declared = content_length(&response.headers)?;
    // RFC 9111 §3.3: what is shorter than it says is incomplete. A body that
    // cannot become as long as declared is not worth waiting for.
    if declared.is_some_and(|length| length < body.lower())
        || declared
            .zip(body.upper())
            .is_some_and(|(length, upper)| length > upper)
    {
        return Err(NotStored::ContentLength);
    }
    let length = declared.or(body.exact());
    if length.unwrap_or(body.lower()) > max_body {
        return Err(NotStored::TooLarge);
    }
    // RFC 9110 §15.3.5: a 204 has no content.
    if response.status == StatusCode::NO_CONTENT && length != Some(0) {
        return Err(NotStored::ContentLength);
    }
    if length.is_none() && is_close_delimited(response) {
        return Err(NotStored::CloseDelimited);
    }
    Ok(length)
}

/// RFC 9112 §6.3: several lines, or a list, are valid only if all say the same.
pub(super) fn content_length(headers: &HeaderMap) -> Result<Option<u64>, NotStored> {
    let mut values = headers
        .get_all(CONTENT_LENGTH)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(|value| {
            let digits = value.trim_ascii();
            // `str::parse` would take a sign.
            (digits.iter().all(u8::is_ascii_digit))
                .then(|| std::str::from_utf8(digits).ok()?.parse::<u64>().ok())
                .flatten()
                .ok_or(NotStored::ContentLength)
        });
    let Some(first) = values.next().transpose()? else {
        return Ok(None);
    };
    if values.all(|other| other == Ok(first)) {
        Ok(Some(first))
    } else {
        Err(NotStored::ContentLength)
    }
}

/// Whether nothing but the end of the connection may mark the end of a body
/// whose length is not known. A process that is killed ends its connection, too.
fn is_close_delimited(response: &response::Parts) -> bool {
    response.version <= Version::HTTP_10
        || response.extensions.get::<CloseDelimited>().is_some()
        || response
            .headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

#[cfg(test)]
mod tests;
