use std::{fmt, time::Duration};

use http::StatusCode;

/// What a cache did with a request, in the words of
/// [RFC 9211](https://www.rfc-editor.org/rfc/rfc9211), the `Cache-Status`
/// header field.
///
/// A cache puts it into the extensions of its response; [`Display`] writes the
/// parameters that follow the cache's name in the header field.
///
/// [`Display`]: fmt::Display
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheStatus {
    /// Answered from memory, without going forward (RFC 9211 §2.1).
    #[non_exhaustive]
    Hit {
        /// For how many seconds the response stays fresh; below zero, for how
        /// many it has been stale (§2.5).
        ttl: i64,
    },
    /// Sent on towards the application (§2.2).
    #[non_exhaustive]
    Forward {
        /// Why the request went forward.
        reason: ForwardReason,
        /// With which status the application answered, where that is not the
        /// status of the response (§2.3).
        status: Option<StatusCode>,
        /// The cache keeps this response (§2.6).
        stored: bool,
        /// The answer to another request that was on its way serves this one,
        /// too (§2.7).
        collapsed: bool,
        /// For how many seconds the response stays fresh; below zero, for how
        /// many it has been stale. `None` where nothing is stored (§2.5).
        ttl: Option<i64>,
        /// Why the cache passed or did not store, in a word (§2.8).
        detail: Option<&'static str>,
    },
    /// Neither answered from memory nor sent on.
    #[non_exhaustive]
    Unanswered {
        /// Why it was not, in a word (§2.8).
        detail: &'static str,
    },
}

/// Why a cache sent a request forward (RFC 9211 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardReason {
    /// The cache was not to handle this request.
    Bypass,
    /// The request's method is always sent forward.
    Method,
    /// Nothing is stored for this URI.
    UriMiss,
    /// The request asked for it.
    Request,
    /// What is stored is no longer fresh.
    Stale,
    /// What is stored for this URI is for requests with other fields than this
    /// one (RFC 9111 §4.1).
    VaryMiss,
    /// What is stored is not for this request, for a reason that has no word.
    Miss,
    /// What is stored is not all that was asked for (RFC 9111 §3.4).
    Partial,
}

impl CacheStatus {
    /// A hit that stays fresh for `ttl`.
    pub const fn hit(ttl: Duration) -> Self {
        Self::Hit { ttl: seconds(ttl) }
    }

    /// A hit that has been stale for `staleness`.
    pub const fn stale_hit(staleness: Duration) -> Self {
        Self::Hit {
            ttl: -seconds(staleness),
        }
    }

    /// Neither a hit nor sent on, for this reason, an RFC 9651 token.
    pub const fn unanswered(why: &'static str) -> Self {
        Self::Unanswered { detail: why }
    }

    /// Gone forward for `reason`; not stored, not collapsed, no detail.
    pub const fn forward(reason: ForwardReason) -> Self {
        Self::Forward {
            reason,
            status: None,
            stored: false,
            collapsed: false,
            ttl: None,
            detail: None,
        }
    }

    /// Says with which status the application answered. No effect on a hit.
    #[must_use]
    pub const fn answered(mut self, with: StatusCode) -> Self {
        if let Self::Forward { status, .. } = &mut self {
            *status = Some(with);
        }
        self
    }

    /// Says for how long a response that went forward stays fresh. No effect on a
    /// hit, which has it from the beginning.
    #[must_use]
    pub const fn fresh_for(mut self, lifetime: Duration) -> Self {
        if let Self::Forward { ttl, .. } = &mut self {
            *ttl = Some(seconds(lifetime));
        }
        self
    }

    /// Says for how long a response has been stale that was given although it
    /// went forward. No effect on a hit.
    #[must_use]
    pub const fn stale_for(mut self, staleness: Duration) -> Self {
        if let Self::Forward { ttl, .. } = &mut self {
            *ttl = Some(-seconds(staleness));
        }
        self
    }

    /// Marks a forwarded response as kept by the cache. No effect on a hit.
    #[must_use]
    pub const fn stored(mut self) -> Self {
        if let Self::Forward { stored, .. } = &mut self {
            *stored = true;
        }
        self
    }

    /// Marks a request as answered together with another one. No effect on a
    /// hit.
    #[must_use]
    pub const fn collapsed(mut self) -> Self {
        if let Self::Forward { collapsed, .. } = &mut self {
            *collapsed = true;
        }
        self
    }

    /// Says why, in one word (an RFC 9651 token). No effect on a hit.
    #[must_use]
    pub const fn because(mut self, why: &'static str) -> Self {
        if let Self::Forward { detail, .. } = &mut self {
            *detail = Some(why);
        }
        self
    }

    /// Whether the cache answered by itself.
    pub const fn is_hit(&self) -> bool {
        matches!(self, Self::Hit { .. })
    }
}

/// RFC 9651 §3.3.1: an Integer has "a range of -999,999,999,999,999 to
/// 999,999,999,999,999 inclusive".
const fn seconds(duration: Duration) -> i64 {
    const MOST: i64 = 999_999_999_999_999;
    let seconds = duration.as_secs();
    if seconds > MOST.unsigned_abs() {
        return MOST;
    }
    seconds.cast_signed()
}

impl ForwardReason {
    /// The token that RFC 9211 §2.2 gives this reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::VaryMiss => "vary-miss",
            Self::Miss => "miss",
            Self::Partial => "partial",
        }
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit { ttl } => write!(f, "hit; ttl={ttl}"),
            Self::Unanswered { detail } => write!(f, "detail={detail}"),
            Self::Forward {
                reason,
                status,
                stored,
                collapsed,
                ttl,
                detail,
            } => {
                write!(f, "fwd={}", reason.as_str())?;
                if let Some(status) = status {
                    write!(f, "; fwd-status={}", status.as_u16())?;
                }
                if *stored {
                    f.write_str("; stored")?;
                }
                if *collapsed {
                    f.write_str("; collapsed")?;
                }
                if let Some(ttl) = ttl {
                    write!(f, "; ttl={ttl}")?;
                }
                if let Some(why) = detail {
                    write!(f, "; detail={why}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_parameters_of_rfc_9211() {
        let forward = CacheStatus::forward;
        let cases = [
            (
                CacheStatus::hit(Duration::from_millis(59_900)),
                "hit; ttl=59",
            ),
            (
                CacheStatus::stale_hit(Duration::from_secs(5)),
                "hit; ttl=-5",
            ),
            (CacheStatus::hit(Duration::MAX), "hit; ttl=999999999999999"),
            (
                CacheStatus::unanswered("only-if-cached"),
                "detail=only-if-cached",
            ),
            (forward(ForwardReason::Stale), "fwd=stale"),
            (
                forward(ForwardReason::Stale)
                    .answered(StatusCode::NOT_MODIFIED)
                    .stored()
                    .fresh_for(Duration::from_secs(60)),
                "fwd=stale; fwd-status=304; stored; ttl=60",
            ),
            (
                forward(ForwardReason::Stale)
                    .answered(StatusCode::BAD_GATEWAY)
                    .stale_for(Duration::from_secs(7))
                    .because("stale-if-error"),
                "fwd=stale; fwd-status=502; ttl=-7; detail=stale-if-error",
            ),
            (forward(ForwardReason::VaryMiss), "fwd=vary-miss"),
            (forward(ForwardReason::Partial), "fwd=partial"),
            (forward(ForwardReason::Miss), "fwd=miss"),
            (
                forward(ForwardReason::UriMiss).stored(),
                "fwd=uri-miss; stored",
            ),
            (
                forward(ForwardReason::UriMiss).collapsed(),
                "fwd=uri-miss; collapsed",
            ),
            (
                forward(ForwardReason::Bypass).because("authorization"),
                "fwd=bypass; detail=authorization",
            ),
        ];
        for (status, expected) in cases {
            assert_eq!(status.to_string(), expected);
        }
    }
}
