//! May this response be stored, and for how long? RFC 9111 §3.

use std::time::{Duration, Instant, SystemTime};

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{CONTENT_RANGE, PRAGMA, SET_COOKIE, VARY},
    response,
};
use http_body::SizeHint;

use super::{
    Policy,
    directives::{Directives, Extent, Seconds},
    freshness::{self, Freshness, Lifetime},
    request::Asked,
    reuse::Terms,
    targeted, validation,
    vary::{VariesByAnything, Vary},
};
use crate::{clock::Now, range::field::ContentRange, tags::Untaggable};

mod content;
mod obvious;

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
    /// Whether the client said `If-Range`: then a 206 need not say again what it has been
    /// told before (RFC 9110 §15.3.7), which others have not.
    pub(crate) if_range: bool,
}

/// A response that may be stored once its body is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Storable {
    /// How its head is to be kept.
    pub(crate) kept: Kept,
    /// How long its body is, if that is known before it came.
    pub(crate) length: Option<u64>,
    /// Which part it is, if it is one (a 206).
    pub(crate) part: Option<ContentRange>,
}

/// The head of a response that may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// On which terms it may be reused.
    pub(crate) terms: Terms,
    /// Which request fields it was chosen by.
    pub(crate) vary: Vary,
    /// The fields that must be left out of what is stored, beside those that are
    /// for one connection.
    pub(crate) without: Vec<HeaderName>,
    /// The `Date` that it must be given, because it has none that counts.
    pub(crate) date: Option<SystemTime>,
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotStored {
    /// The client asked for that (RFC 9111 §5.2.1.5).
    RequestNoStore,
    /// The application may have read another request than we have: see
    /// [`ambiguity`](super::ambiguity).
    AmbiguousRequest,
    /// The request had `Authorization`, and the response does not say that it is
    /// for everybody (§3.5).
    Authorization,
    /// A status that says something about this one request or connection, or
    /// that caches must not store.
    Status,
    /// `must-understand` with a status that is not understood (§5.2.2.3).
    MustUnderstand,
    /// `no-store` (RFC 9111 §5.2.2.5).
    NoStore,
    /// `private` (§5.2.2.7).
    Private,
    /// `no-cache` (§5.2.2.4), and nothing to validate it by.
    NoCache,
    /// `Cache-Control` cannot be read, and may have meant any of these.
    MalformedCacheControl,
    /// `Pragma: no-cache` and no `Cache-Control` (§5.4).
    Pragma,
    /// `Surrogate-Control`: it says something else to caches like this one, in a
    /// language that was never agreed upon.
    TargetedCacheControl,
    /// `Set-Cookie`: it gives one client something (§7.3).
    SetCookie,
    /// Another field that tells one client something about its session.
    ForOneClient,
    /// `Vary: *`: nothing is ever known to select it (§4.1).
    Vary,
    /// It is a part (§3.3) that cannot be put to use.
    Partial,
    /// It does not say for how long it is fresh.
    NoExplicitFreshness,
    /// What it says about that is no number, or two.
    InvalidFreshness,
    /// It was stale when it came, and cannot be validated.
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
    /// It, or all that is stored, was invalidated while it came.
    Cleared,
    /// The answer to a later request is stored already.
    Superseded,
    /// It is the answer to a `HEAD`, without what a `GET` would get.
    Head,
    /// What it is called cannot be kept, so it could not be invalidated by it.
    Untaggable(Untaggable),
    /// It is a 304 about something else than what is stored (§4.3.4).
    Validator,
    /// It is of another variant than the request, or nobody knows of which.
    Variant,
}

impl NotStored {
    /// The word for logs and for `Cache-Status`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::RequestNoStore => "request-no-store",
            Self::AmbiguousRequest => "ambiguous-request",
            Self::Authorization => "authorization",
            Self::Status => "status",
            Self::MustUnderstand => "must-understand",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::NoCache => "no-cache",
            Self::MalformedCacheControl => "malformed-cache-control",
            Self::Pragma => "pragma",
            Self::TargetedCacheControl => "targeted-cache-control",
            Self::SetCookie => "set-cookie",
            Self::ForOneClient => "for-one-client",
            Self::Vary => "vary",
            Self::Partial => "partial",
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
            Self::Superseded => "superseded",
            Self::Head => "head",
            Self::Untaggable(reason) => reason.as_str(),
            Self::Validator => "validator",
            Self::Variant => "variant",
        }
    }
}

/// The field that restricts shared caches further than `Cache-Control` does, by
/// a syntax and with capabilities that were never standardised.
const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

impl Policy {
    /// Decides whether a response may be stored.
    pub(crate) fn storable(&self, exchange: &Exchange<'_>) -> Result<Storable, NotStored> {
        let response = exchange.response;
        let headers = &response.headers;
        let part = self.part(exchange)?;
        let kept = self.keep(
            exchange.asked,
            response.status,
            headers,
            exchange.requested,
            exchange.received,
        )?;
        Ok(Storable {
            kept,
            length: content::length(response, &exchange.body, exchange.max_body)?,
            part,
        })
    }

    /// Decides about a head alone: of a new response, or of a stored one that a
    /// 304 has updated.
    pub(crate) fn keep(
        &self,
        asked: Asked,
        status: StatusCode,
        headers: &HeaderMap,
        requested: Instant,
        received: Now,
    ) -> Result<Kept, NotStored> {
        // RFC 9111 §5.2.1.5: "MUST NOT store any part of either this request or
        // any response to it".
        if asked.wishes.no_store {
            return Err(NotStored::RequestNoStore);
        }
        if asked.ambiguous {
            return Err(NotStored::AmbiguousRequest);
        }
        // RFC 9111 §3: "the response status code is final".
        if !may_be_stored(status) || is_request_error(status) && !self.request_errors {
            return Err(NotStored::Status);
        }
        if let Some(reason) = self.obvious_reason(headers) {
            return Err(reason);
        }
        let mut directives = targeted::directives(headers, &self.target_list);
        self.permitted(&directives, status, headers)?;
        let without = self.left_out(&mut directives, headers)?;
        let mut vary = Vary::of(headers)
            .map_err(|VariesByAnything| NotStored::Vary)?
            .languages_by_weight(self.languages_by_weight);
        // All of these are said to shared caches alone.
        if directives.public
            || directives.targeted
            || matches!(directives.s_maxage, Seconds::Given(_))
        {
            vary = vary.by_cookies_of(headers);
        }
        // RFC 9111 §3.5: "unless the response contains a Cache-Control field with
        // a response directive […] that allows it to be stored by a shared cache
        // […]: must-revalidate, public, and s-maxage".
        let authorized = directives.must_revalidate
            || directives.public
            || matches!(directives.s_maxage, Seconds::Given(_));
        if asked.authorization && !(self.authorization && authorized) {
            return Err(NotStored::Authorization);
        }
        let mut lifetime = self.lifetime(&directives, asked, status, headers, received)?;
        let initial_age = freshness::initial_age(headers, requested, received);
        if is_temporary(status) {
            lifetime = lifetime.min(initial_age.saturating_add(self.longest_failure));
        }
        let terms = Terms {
            freshness: Freshness::new(received.monotonic, initial_age, lifetime),
            stale_while_revalidate: directives
                .stale_while_revalidate
                .given()
                .unwrap_or_default(),
            stale_if_error: directives.stale_if_error.given().unwrap_or(self.grace),
            stale_if_disconnected: directives
                .stale_if_error
                .given()
                .unwrap_or(self.grace.max(self.disconnected)),
            no_cache: directives.no_cache == Extent::Everything,
            // RFC 9111 §5.2.2.10: s-maxage "incorporates the semantics of the
            // proxy-revalidate response directive".
            must_revalidate: directives.must_revalidate
                || directives.proxy_revalidate
                || directives.s_maxage != Seconds::Absent,
            immutable: directives.immutable,
            authorized,
            soft_purged: false,
        };
        of_use(&terms, &directives, headers)?;
        Ok(Kept {
            terms,
            vary,
            without,
            // RFC 9110 §6.6.1: without `Date`, a recipient with a clock "MUST
            // record the time it was received and append a corresponding Date".
            date: freshness::date(headers).is_none().then_some(received.wall),
        })
    }

    /// RFC 9111 §3: what a response must not say to be given to more than one
    /// client.
    fn permitted(
        &self,
        directives: &Directives,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<(), NotStored> {
        // "the must-understand cache directive is present: the cache understands
        // the response status code".
        if directives.must_understand && !is_understood(status) {
            return Err(NotStored::MustUnderstand);
        }
        // §5.2.2.3: it "SHOULD ignore the no-store directive" in that case.
        if directives.no_store && !directives.must_understand {
            return Err(NotStored::NoStore);
        }
        // "if the cache is shared: the private response directive is either not
        // present or allows a shared cache to store a modified response".
        if directives.private == Extent::Everything
            || !self.qualified && directives.private != Extent::Nothing
        {
            return Err(NotStored::Private);
        }
        if directives.malformed {
            return Err(NotStored::MalformedCacheControl);
        }
        if !directives.present && says_no_cache(headers) {
            return Err(NotStored::Pragma);
        }
        if !directives.targeted && headers.contains_key(SURROGATE_CONTROL) {
            return Err(NotStored::TargetedCacheControl);
        }
        Ok(())
    }

    /// The fields that `no-cache` and `private` name. They are for the one who
    /// asked, or to be validated each time; either way, they are not kept.
    fn left_out(
        &self,
        directives: &mut Directives,
        headers: &HeaderMap,
    ) -> Result<Vec<HeaderName>, NotStored> {
        // RFC 9111 §5.2.2.4: "The qualified form of the directive is often handled
        // by caches as if an unqualified no-cache directive was received".
        if !self.qualified && directives.no_cache != Extent::Nothing {
            directives.no_cache = Extent::Everything;
        }
        let mut without = Vec::new();
        for extent in [&directives.no_cache, &directives.private] {
            if let Extent::Fields(names) = extent {
                without.extend(names.iter().cloned());
            }
        }
        // What is chosen by fields of the request is not told apart without it.
        if headers.contains_key(VARY) && without.contains(&VARY) {
            return Err(NotStored::Vary);
        }
        // RFC 9111 §7.3 warns of storing it; nobody is to get another's session.
        if headers.contains_key(SET_COOKIE) && !without.contains(&SET_COOKIE) {
            return Err(NotStored::SetCookie);
        }
        let mut others = headers.keys().filter(|name| is_for_one_client(name));
        if others.any(|name| !without.contains(name)) {
            return Err(NotStored::ForOneClient);
        }
        Ok(without)
    }

    /// RFC 9111 §4.2.1, §4.2.2.
    fn lifetime(
        &self,
        directives: &Directives,
        asked: Asked,
        status: StatusCode,
        headers: &HeaderMap,
        received: Now,
    ) -> Result<Duration, NotStored> {
        match freshness::lifetime(directives, headers, received.wall) {
            Lifetime::Explicit(lifetime) => return Ok(lifetime),
            Lifetime::Invalid => return Err(NotStored::InvalidFreshness),
            Lifetime::Unknown => {}
        }
        // RFC 9111 §3: without an explicit lifetime, the response needs "a status
        // code that is defined as heuristically cacheable", or to be public.
        if !freshness::is_heuristically_cacheable(status, directives) {
            return Err(NotStored::NoExplicitFreshness);
        }
        // It says for how long: for no time at all.
        if directives.no_cache == Extent::Everything {
            return Ok(Duration::ZERO);
        }
        // A page that says nothing about caches and was made for someone with a
        // cookie is likely to be for this one alone. Nothing is guessed about it.
        (self.heuristic_freshness && !asked.cookie)
            .then(|| freshness::heuristic_lifetime(headers, received.wall))
            .flatten()
            .ok_or(NotStored::NoExplicitFreshness)
    }

    /// Which part a 206 is (RFC 9111 §3.3).
    fn part(&self, exchange: &Exchange<'_>) -> Result<Option<ContentRange>, NotStored> {
        let response = exchange.response;
        if response.status == StatusCode::PARTIAL_CONTENT {
            // A part that nobody asked for, or without a place, is none.
            if !self.partial || !exchange.asked.range || exchange.if_range {
                return Err(NotStored::Partial);
            }
            let range = ContentRange::of(&response.headers);
            let range = match content::content_length(&response.headers)? {
                Some(length) => range.and_then(|range| range.cut_to(length)),
                None => range,
            };
            return range.map(Some).ok_or(NotStored::Partial);
        }
        // RFC 9110 §14.4: with another status, `Content-Range` has no meaning; but
        // not every origin knows that.
        if exchange.asked.range && response.headers.contains_key(CONTENT_RANGE) {
            return Err(NotStored::Partial);
        }
        Ok(None)
    }
}

/// Whether a response is worth its place: if it is fresh, may be used stale, or
/// can be validated.
fn of_use(terms: &Terms, directives: &Directives, headers: &HeaderMap) -> Result<(), NotStored> {
    let can_be_validated = validation::has_validator(headers);
    if terms.no_cache {
        return if can_be_validated {
            Ok(())
        } else {
            Err(NotStored::NoCache)
        };
    }
    let fresh = !terms.freshness.is_stale_on_arrival();
    let may_be_stale = !terms.must_revalidate
        && [directives.stale_while_revalidate, directives.stale_if_error]
            .into_iter()
            .any(|seconds| seconds.given().is_some_and(|seconds| !seconds.is_zero()));
    if fresh || may_be_stale || can_be_validated {
        Ok(())
    } else {
        Err(NotStored::StaleOnArrival)
    }
}

/// Whether responses with this final status may be stored at all, given that they
/// say for how long.
fn may_be_stored(status: StatusCode) -> bool {
    let is_final = status.as_u16() >= 200;
    // They answer preconditions, a range, or a proxy's question, which are no part
    // of the key.
    let is_for_one_request = matches!(status.as_u16(), 304 | 407 | 412 | 416);
    // RFC 6585 §3 to §6: "MUST NOT be stored by a cache".
    let is_forbidden = matches!(status.as_u16(), 428 | 429 | 431 | 511);
    is_final && !is_for_one_request && !is_forbidden
}

/// Whether a field is, like `Set-Cookie`, about the session of the client that asked:
/// it says who that is, or proves who answers. `Clear-Site-Data` tells nothing about
/// anybody: who says that everybody may have it, is believed.
fn is_for_one_client(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        // RFC 9110 §11.6.3; W3C FedCM.
        "authentication-info" | "set-login"
    )
}

/// Whether the status speaks of the request, as it was sent by this client. 404,
/// 410 and 414 speak of its target.
fn is_request_error(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        400..=403 | 405..=409 | 411..=413 | 415 | 417 | 421 | 422 | 425 | 426
    )
}

/// Whether the status says that something went wrong, and does not say that it is the
/// target itself, for everybody and for long: anyone may have provoked it.
fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error()
        || status.is_client_error() && !matches!(status.as_u16(), 404 | 410 | 414 | 451)
}

/// Whether this cache does what the status asks of caches: all final ones of
/// RFC 9110 §15, of which only the parts and the 304 ask for something.
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=206 | 300..=305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505
    )
}

/// RFC 9111 §5.4 gives `Pragma` a meaning in requests alone, but origins that
/// send it in responses mean what it says.
fn says_no_cache(headers: &HeaderMap) -> bool {
    headers
        .get_all(PRAGMA)
        .iter()
        .any(|line| Directives::parse([line]).no_cache != Extent::Nothing)
}

#[cfg(test)]
mod tests;
