//! May this request be answered from the cache at all? RFC 9111 §4, and what
//! a careful cache adds to it.

mod host;

use http::{
    HeaderMap, HeaderValue, Method, Request,
    header::{CACHE_CONTROL, PRAGMA},
};
use http_body::Body;
use peregrine_core::{CacheStatus, ForwardReason, Variant};

pub(crate) use self::host::host;
use super::{Policy, directives::Wishes};
use crate::noted::Noted;

/// A request that the cache may answer, as far as that had to be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eligible {
    head: bool,
    fields: Noted,
}

/// A request that the cache may answer, and what was found on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup<'a> {
    /// What of it decides about what is stored.
    pub(crate) asked: Asked,
    /// The one `Host` field.
    pub(crate) host: Option<&'a HeaderValue>,
    /// There are fields like `X-Forwarded-Host`, from which applications build
    /// links.
    pub(crate) forwarded: bool,
    /// Of which variant it is, if anybody knows of any.
    pub(crate) variant: Option<&'a Variant>,
}

/// What a request says that matters to the cache beyond its key and the fields
/// that a `Vary` may name. To be kept until its response comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true or not, independent of the others"
)]
pub(crate) struct Asked {
    /// `HEAD`: answered from a stored `GET`, never stored itself.
    pub(crate) head: bool,
    /// What its `Cache-Control` wishes, as far as the policy lets it.
    pub(crate) wishes: Wishes,
    /// It has preconditions (RFC 9110 §13.1): the answer that the origin gives
    /// may be for this client only.
    pub(crate) conditional: bool,
    /// It has `Range` (RFC 9110 §14.2).
    pub(crate) range: bool,
    /// It has `Authorization` (RFC 9111 §3.5).
    pub(crate) authorization: bool,
    /// It has `Cookie`, so that the answer may be for one client, whether or not
    /// it says so.
    pub(crate) cookie: bool,
    /// Which variant it is of is known only when the response says so.
    pub(crate) told: bool,
    /// The application may read its fields in [another way](super::ambiguity), or mind how
    /// its host is spelled.
    pub(crate) ambiguous: bool,
}

impl Asked {
    /// Whether its response says something of what others would get.
    pub(crate) const fn is_like_any_other(&self) -> bool {
        self.is_plain() && !self.authorization
    }

    /// Whether its response is all that the page has for this client.
    pub(crate) const fn is_plain(&self) -> bool {
        !(self.conditional || self.range || self.head || self.keeps_nothing() || self.told)
    }

    /// Whether it asks for the page as it is, and for nothing else, or for whether that is
    /// what the client has: then the answer from memory depends on nothing of it but its
    /// key, the fields that a `Vary` names, and its preconditions.
    pub(crate) fn is_for_the_page(&self) -> bool {
        let unconditional = Self {
            conditional: false,
            ..*self
        };
        unconditional.is_like_any_other() && self.wishes == Wishes::default()
    }

    /// Whether nothing of its response may be stored, or shared.
    pub(crate) const fn keeps_nothing(&self) -> bool {
        self.wishes.no_store || self.ambiguous
    }
}

/// Why a request passes the cache by: nothing is read for it, and nothing of
/// its answer stored. All but the last are reasons of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Neither `GET` nor `HEAD`.
    Method,
    /// `Authorization` (RFC 9111 §3.5).
    Authorization,
    /// `If-Match` or `If-Unmodified-Since` (RFC 9110 §13.1): they keep a client
    /// from acting on something that the origin has no longer.
    Precondition,
    /// A body, which the application may well read.
    RequestBody,
    /// `X-HTTP-Method-Override` and its like: not the method it seems to be.
    MethodOverride,
    /// `X-Original-URL` and its like: not the page it seems to be for.
    TargetOverride,
    /// `Upgrade` (RFC 9110 §7.8): may become something else than HTTP.
    Upgrade,
    /// No host to make a key of.
    NoHost,
    /// More than one `Host` (RFC 9112 §3.2).
    SeveralHosts,
    /// A host that is none.
    BadHost,
    /// The target's authority and `Host` differ: the application may go by
    /// either.
    HostMismatch,
    /// Whoever knows which variant a client may see says so, and why.
    Variant(&'static str),
    /// Nothing of what its route gives could be stored lately.
    SteppedAside,
}

impl Pass {
    /// The word for logs and for `Cache-Status`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Authorization => "authorization",
            Self::Precondition => "precondition",
            Self::RequestBody => "request-body",
            Self::MethodOverride => "method-override",
            Self::TargetOverride => "target-override",
            Self::Upgrade => "upgrade",
            Self::NoHost => "no-host",
            Self::SeveralHosts => "several-hosts",
            Self::BadHost => "bad-host",
            Self::HostMismatch => "host-mismatch",
            Self::Variant(reason) => reason,
            Self::SteppedAside => "stepped-aside",
        }
    }

    /// In RFC 9211's words.
    pub(crate) const fn status(self) -> CacheStatus {
        match self {
            // This says it already.
            Self::Method => CacheStatus::forward(ForwardReason::Method),
            _ => CacheStatus::forward(ForwardReason::Bypass).because(self.as_str()),
        }
    }
}

/// Fields that may keep a request from being looked up.
const OBSTACLES: Noted = Noted::METHOD
    .or(Noted::TARGET)
    .or(Noted::AUTHORIZATION)
    .or(Noted::FOR_THE_ORIGIN)
    .or(Noted::UPGRADE);

impl Policy {
    /// Decides whether `request` may be looked up, in one pass over the names of its
    /// fields.
    #[inline]
    pub(crate) fn may_look_up<B: Body>(&self, request: &Request<B>) -> Result<Eligible, Pass> {
        let head = match *request.method() {
            Method::GET => false,
            Method::HEAD => true,
            _ => return Err(Pass::Method),
        };
        let fields = Noted::of(request.headers());
        // RFC 9110 §9.3.1: content in a GET has no defined meaning, but there are
        // applications that read it, and it is not part of the key.
        let body = request.body();
        let has_body = !body.is_end_stream() && body.size_hint().exact() != Some(0);
        // Nearly all have none of these.
        if (has_body || fields.have(OBSTACLES))
            && let Some(obstacle) = self.obstacle(fields, has_body)
        {
            return Err(obstacle);
        }
        // Last, since some of those above say more about what the request changes.
        if let Some(Variant::Pass(reason)) = variant(request) {
            return Err(Pass::Variant(reason));
        }
        Ok(Eligible { head, fields })
    }

    /// What keeps a request from being looked up that has one of [`OBSTACLES`], or a body.
    // Not inlined: most go by without it.
    #[inline(never)]
    fn obstacle(&self, fields: Noted, has_body: bool) -> Option<Pass> {
        // First, since it says most about what the request changes.
        if fields.have(Noted::METHOD) {
            Some(Pass::MethodOverride)
        } else if has_body {
            Some(Pass::RequestBody)
        } else if fields.have(Noted::TARGET) {
            Some(Pass::TargetOverride)
        } else if fields.have(Noted::AUTHORIZATION) && !self.authorization {
            Some(Pass::Authorization)
        } else if fields.have(Noted::FOR_THE_ORIGIN) {
            Some(Pass::Precondition)
        } else if fields.have(Noted::UPGRADE) {
            Some(Pass::Upgrade)
        } else {
            None
        }
    }

    /// The same, with what is found on the way.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn look_up<'a, B: Body>(&self, request: &'a Request<B>) -> Result<Lookup<'a>, Pass> {
        let eligible = self.may_look_up(request)?;
        eligible.look_up(eligible.asked(self, request), request)
    }

    fn wishes(&self, request: &HeaderMap) -> Wishes {
        let wishes = if request.contains_key(CACHE_CONTROL) {
            Wishes::parse(request.get_all(CACHE_CONTROL))
        } else {
            // RFC 9111 §5.4: HTTP/1.0 had but this one, for the same.
            Wishes {
                no_cache: Wishes::parse(request.get_all(PRAGMA)).no_cache,
                ..Wishes::default()
            }
        };
        if self.request_directives {
            wishes
        } else {
            Wishes {
                no_store: wishes.no_store,
                ..Wishes::default()
            }
        }
    }
}

impl Eligible {
    /// Whether the answer may be for one client.
    pub(crate) const fn has_cookie(self) -> bool {
        self.fields.have(Noted::COOKIE)
    }

    /// What `request`, of which this was said, asks.
    ///
    /// `no-cache`, `max-age=0` and `Pragma` of a client are ignored by default, as
    /// RFC 9111 §5.2.1 permits ("advisory"): they would let anyone reach the
    /// application behind the cache as often as he likes.
    #[inline]
    pub(crate) fn asked<B>(self, policy: &Policy, request: &Request<B>) -> Asked {
        let has_wishes = self.fields.have(Noted::CACHE_CONTROL)
            || policy.request_directives && self.fields.have(Noted::PRAGMA);
        Asked {
            head: self.head,
            wishes: if has_wishes {
                policy.wishes(request.headers())
            } else {
                Wishes::default()
            },
            conditional: self.fields.have(Noted::CONDITIONAL),
            range: self.fields.have(Noted::RANGE),
            authorization: self.fields.have(Noted::AUTHORIZATION),
            cookie: self.fields.have(Noted::COOKIE),
            told: matches!(variant(request), Some(Variant::ToldByResponse)),
            ambiguous: false,
        }
    }

    /// What it takes to look it up, of the same request, and what that asks.
    #[inline]
    pub(crate) fn look_up<B>(self, asked: Asked, request: &Request<B>) -> Result<Lookup<'_>, Pass> {
        let (host, are_several) = host(request.headers());
        if are_several {
            return Err(Pass::SeveralHosts);
        }
        Ok(Lookup {
            asked,
            host,
            forwarded: self.fields.have(Noted::FORWARDED),
            variant: variant(request),
        })
    }
}

/// Which variant `request` is of, if anybody has said so.
#[inline]
fn variant<B>(request: &Request<B>) -> Option<&Variant> {
    let extensions = request.extensions();
    // Most have none, and then nothing is called.
    if extensions.is_empty() {
        return None;
    }
    extensions.get()
}

#[cfg(test)]
mod tests;
