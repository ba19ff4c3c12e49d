use std::{fmt, time::Duration};

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
        /// For how long the response stays fresh (§2.5).
        ttl: Duration,
    },
    /// Sent on towards the application (§2.2).
    #[non_exhaustive]
    Forward {
        /// Why the request went forward.
        reason: ForwardReason,
        /// The cache keeps this response (§2.6).
        stored: bool,
        /// The answer to another request that was on its way serves this one,
        /// too (§2.7).
        collapsed: bool,
        /// Why the cache passed or did not store, in a word (§2.8).
        detail: Option<&'static str>,
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
}

impl CacheStatus {
    /// A hit that stays fresh for `ttl`.
    pub const fn hit(ttl: Duration) -> Self {
        Self::Hit { ttl }
    }

    /// Gone forward for `reason`; not stored, not collapsed, no detail.
    pub const fn forward(reason: ForwardReason) -> Self {
        Self::Forward {
            reason,
            stored: false,
            collapsed: false,
            detail: None,
        }
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

impl ForwardReason {
    /// The token that RFC 9211 §2.2 gives this reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::Request => "request",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit { ttl } => write!(f, "hit; ttl={}", ttl.as_secs()),
            Self::Forward {
                reason,
                stored,
                collapsed,
                detail,
            } => {
                write!(f, "fwd={}", reason.as_str())?;
                if *stored {
                    f.write_str("; stored")?;
                }
                if *collapsed {
                    f.write_str("; collapsed")?;
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
            (forward(ForwardReason::Stale), "fwd=stale"),
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
