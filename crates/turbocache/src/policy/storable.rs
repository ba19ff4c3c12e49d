//! May this response be stored, and for how long? RFC 9111 §3.

use std::time::{Duration, Instant, SystemTime};

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode, Version,
    header::{
        CACHE_CONTROL, CDN_CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
        PRAGMA, SET_COOKIE, TRAILER,
    },
    response,
};
use http_body::SizeHint;
use peregrine_core::CloseDelimited;

use super::{
    Policy,
    directives::Directives,
    freshness::{self, Freshness, Lifetime},
    request::Asked,
    reuse::Terms,
    vary::{VariesByAnything, Vary},
};
use crate::clock::Now;

/// One exchange with the inner service, up to the body of its response.
#[derive(Clone, Debug)]
pub(crate) struct Exchange<'a> {
    /// What the request said. Its method was `GET`.
    pub(crate) asked: Asked,
    pub(crate) response: &'a response::Parts,
    pub(crate) body: SizeHint,
    /// When the request was sent.
    pub(crate) requested: Instant,
    /// When the response came.
    pub(crate) received: Now,
    /// How many bytes the body may have.
    pub(crate) max_body: u64,
}

/// A response that may be stored once its body is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Storable {
    /// On which terms it may be reused.
    pub(crate) terms: Terms,
    /// Which request fields it was chosen by.
    pub(crate) vary: Vary,
    /// The fields that must be left out of what is stored.
    pub(crate) without: Vec<HeaderName>,
    /// The `Date` that it must be given, because it has none that counts.
    pub(crate) date: Option<SystemTime>,
    /// How long its body is, if that is known before it came.
    pub(crate) length: Option<u64>,
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotStored {
    /// The client asked for that (RFC 9111 §5.2.1.5).
    RequestNoStore,
    /// The request had `Authorization`, and the response does not say that it is
    /// for everybody (§3.5).
    Authorization,
    /// Its status is not one of [`STATUSES`].
    Status,
    /// `no-store` (RFC 9111 §5.2.2.5).
    NoStore,
    /// `private`, with or without field names (§5.2.2.7).
    Private,
    /// `no-cache`, with or without field names (§5.2.2.4).
    NoCache,
    /// `Cache-Control` cannot be read, and may have meant any of these.
    MalformedCacheControl,
    /// `Pragma: no-cache` and no `Cache-Control` (§5.4).
    Pragma,
    /// `CDN-Cache-Control` or `Surrogate-Control`: it says something else to
    /// caches like this one (RFC 9213), which does not understand it yet.
    TargetedCacheControl,
    /// `Set-Cookie`: it gives one client something (§7.3).
    SetCookie,
    /// `Vary`: there are others like it for other requests (§4.1).
    Vary,
    /// `Content-Range`: it is a part (§3.3).
    ContentRange,
    /// It does not say for how long it is fresh.
    NoExplicitFreshness,
    /// What it says about that is no number, or two.
    InvalidFreshness,
    /// It was stale when it came.
    StaleOnArrival,
    /// Its body is longer than an entry may be.
    TooLarge,
    /// Its `Content-Length` is no number, or not the length of its body.
    ContentLength,
    /// Its body ends with its connection, so a broken one looks complete
    /// (RFC 9112 §8).
    CloseDelimited,
    /// It is of a kind that goes on for ever, like `text/event-stream`: nobody
    /// else is to wait for its end.
    Endless,
    /// It has trailer fields.
    Trailers,
    /// Its body failed, or ended early (RFC 9111 §3.3).
    Incomplete,
    /// The inner service failed.
    NoResponse,
    /// The cache was cleared while it came.
    Cleared,
}

impl NotStored {
    /// The word for logs and for `Cache-Status`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RequestNoStore => "request-no-store",
            Self::Authorization => "authorization",
            Self::Status => "status",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::NoCache => "no-cache",
            Self::MalformedCacheControl => "malformed-cache-control",
            Self::Pragma => "pragma",
            Self::TargetedCacheControl => "targeted-cache-control",
            Self::SetCookie => "set-cookie",
            Self::Vary => "vary",
            Self::ContentRange => "content-range",
            Self::NoExplicitFreshness => "no-explicit-freshness",
            Self::InvalidFreshness => "invalid-freshness",
            Self::StaleOnArrival => "stale-on-arrival",
            Self::TooLarge => "too-large",
            Self::ContentLength => "content-length",
            Self::CloseDelimited => "close-delimited",
            Self::Endless => "endless",
            Self::Trailers => "trailers",
            Self::Incomplete => "incomplete",
            Self::NoResponse => "no-response",
            Self::Cleared => "cleared",
        }
    }
}

/// The final statuses that are stored: those that are cacheable by RFC 9110
/// §15.1 and need no understanding of ranges or validation, and the temporary
/// redirects, which are so with explicit freshness.
const STATUSES: [StatusCode; 9] = [
    StatusCode::OK,
    StatusCode::NON_AUTHORITATIVE_INFORMATION,
    StatusCode::NO_CONTENT,
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
    StatusCode::NOT_FOUND,
    StatusCode::GONE,
];

/// Fields that restrict shared caches further than `Cache-Control` does.
const TARGETED: [HeaderName; 2] = [
    CDN_CACHE_CONTROL,
    HeaderName::from_static("surrogate-control"),
];

/// Media types without an end.
const ENDLESS: [&[u8]; 2] = [b"text/event-stream", b"multipart/x-mixed-replace"];

impl Policy {
    /// Decides whether a response may be stored.
    pub(crate) fn storable(&self, exchange: &Exchange<'_>) -> Result<Storable, NotStored> {
        let &Exchange {
            response,
            requested,
            received,
            ..
        } = exchange;
        let headers = &response.headers;
        if exchange.asked.no_store {
            return Err(NotStored::RequestNoStore);
        }
        if exchange.asked.authorization && !self.authorization {
            return Err(NotStored::Authorization);
        }
        // RFC 9111 §3: "the response status code is final", and understood.
        if !STATUSES.contains(&response.status) {
            return Err(NotStored::Status);
        }
        let directives = Directives::parse(headers.get_all(CACHE_CONTROL));
        permitted(&directives, headers)?;
        let vary = Vary::of(headers).map_err(|VariesByAnything| NotStored::Vary)?;
        let lifetime = match freshness::lifetime(&directives, headers, received.wall) {
            Lifetime::Explicit(lifetime) => lifetime,
            Lifetime::Unknown => return Err(NotStored::NoExplicitFreshness),
            Lifetime::Invalid => return Err(NotStored::InvalidFreshness),
        };
        let initial_age = freshness::initial_age(headers, requested, received);
        let freshness = Freshness::new(received.monotonic, initial_age, lifetime);
        if freshness.ttl(received.monotonic).is_none() {
            return Err(NotStored::StaleOnArrival);
        }
        Ok(Storable {
            terms: Terms {
                freshness,
                stale_while_revalidate: Duration::ZERO,
                stale_if_error: self.grace,
                no_cache: directives.no_cache,
                must_revalidate: false,
                authorized: false,
                soft_purged: false,
            },
            vary,
            without: Vec::new(),
            // RFC 9110 §6.6.1: without `Date`, a recipient with a clock "MUST
            // record the time it was received and append a corresponding Date".
            date: freshness::date(headers).is_none().then_some(received.wall),
            length: length(response, &exchange.body, exchange.max_body)?,
        })
    }
}

/// What a response must not have to be given to more than one client.
fn permitted(directives: &Directives, headers: &HeaderMap) -> Result<(), NotStored> {
    // RFC 9111 §3: "the no-store cache directive is not present in the
    // response". `must-understand` (§5.2.2.3) would lift it for a status that
    // the cache understands; it is not asked for here, so `no-store` stands.
    if directives.no_store {
        return Err(NotStored::NoStore);
    }
    // RFC 9111 §3: "the private response directive is either not present or
    // allows a shared cache to store a modified response". This one never
    // stores a modified one.
    if directives.private {
        return Err(NotStored::Private);
    }
    if directives.malformed {
        return Err(NotStored::MalformedCacheControl);
    }
    if !directives.present && says_no_cache(headers) {
        return Err(NotStored::Pragma);
    }
    if TARGETED.iter().any(|field| headers.contains_key(field)) {
        return Err(NotStored::TargetedCacheControl);
    }
    // RFC 9111 §7.3 warns of storing it; nobody is to get another's session.
    if headers.contains_key(SET_COOKIE) {
        return Err(NotStored::SetCookie);
    }
    if headers.contains_key(CONTENT_RANGE) {
        return Err(NotStored::ContentRange);
    }
    if is_endless(headers) {
        return Err(NotStored::Endless);
    }
    if headers.contains_key(TRAILER) {
        return Err(NotStored::Trailers);
    }
    Ok(())
}

/// RFC 9111 §5.4 gives `Pragma` a meaning in requests alone, but origins that
/// send it in responses mean what it says.
fn says_no_cache(headers: &HeaderMap) -> bool {
    headers
        .get_all(PRAGMA)
        .iter()
        .any(|line| Directives::parse([line]).no_cache)
}

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

/// The length of the body, if it is known, and known to be right.
fn length(
    response: &response::Parts,
    body: &SizeHint,
    max_body: u64,
) -> Result<Option<u64>, NotStored> {
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
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, NotStored> {
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
