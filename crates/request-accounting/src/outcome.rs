use http::StatusCode;
use peregrine_core::{CacheStatus, EndedBy, ForwardReason};

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The response went out to its end.
    Complete,
    /// The inner service or the response body gave an error.
    Failed,
    /// Dropped before its end: in general, the client left.
    Aborted,
    /// The server has ended what the connection was upgraded to: its process was to
    /// leave, say.
    Stopped,
}

/// The class of a status code (RFC 9110 §15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusClass {
    Informational,
    Successful,
    Redirection,
    ClientError,
    ServerError,
}

/// What a cache further in did, as far as it tells operators apart what they
/// would act on differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheOutcome {
    Hit,
    Miss,
    Collapsed,
    Stale,
    Pass,
    None,
}

impl End {
    pub(crate) const ALL: [Self; 4] = [Self::Complete, Self::Failed, Self::Aborted, Self::Stopped];

    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Stopped => "stopped",
        }
    }
}

impl From<EndedBy> for End {
    fn from(by: EndedBy) -> Self {
        match by {
            EndedBy::Both => Self::Complete,
            EndedBy::Client => Self::Aborted,
            EndedBy::Application => Self::Failed,
            EndedBy::Server => Self::Stopped,
        }
    }
}

impl StatusClass {
    pub(crate) const ALL: [Self; 5] = [
        Self::Informational,
        Self::Successful,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
    ];
}

impl From<StatusCode> for StatusClass {
    fn from(status: StatusCode) -> Self {
        match status.as_u16() {
            ..200 => Self::Informational,
            200..300 => Self::Successful,
            300..400 => Self::Redirection,
            400..500 => Self::ClientError,
            // RFC 9110 §15: "A client that receives a response with an invalid
            // status code SHOULD process the response as if it had a 5xx
            // (Server Error) status code."
            500.. => Self::ServerError,
        }
    }
}

impl CacheOutcome {
    pub(crate) const ALL: [Self; 6] = [
        Self::Hit,
        Self::Miss,
        Self::Collapsed,
        Self::Stale,
        Self::Pass,
        Self::None,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Collapsed => "collapsed",
            Self::Stale => "stale",
            Self::Pass => "pass",
            Self::None => "none",
        }
    }
}

impl From<Option<&CacheStatus>> for CacheOutcome {
    fn from(status: Option<&CacheStatus>) -> Self {
        let Some(status) = status else {
            return Self::None;
        };
        match status {
            CacheStatus::Hit { .. } => Self::Hit,
            // Whatever made it go forward: another request paid for it.
            CacheStatus::Forward {
                collapsed: true, ..
            } => Self::Collapsed,
            CacheStatus::Forward { reason, .. } => match reason {
                ForwardReason::Stale => Self::Stale,
                ForwardReason::Bypass | ForwardReason::Method | ForwardReason::Request => {
                    Self::Pass
                }
                // The reasons of RFC 9211 §2.2 that `core` has no word for yet
                // (`vary-miss`, `miss`, `partial`) are all misses.
                _ => Self::Miss,
            },
            CacheStatus::Unanswered { .. } => Self::Miss,
            // A word that is newer than this crate.
            _ => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn status_codes_fall_into_classes() {
        let cases = [
            (100, StatusClass::Informational),
            (199, StatusClass::Informational),
            (200, StatusClass::Successful),
            (299, StatusClass::Successful),
            (304, StatusClass::Redirection),
            (404, StatusClass::ClientError),
            (499, StatusClass::ClientError),
            (500, StatusClass::ServerError),
            (599, StatusClass::ServerError),
            (600, StatusClass::ServerError),
            (999, StatusClass::ServerError),
        ];
        for (code, class) in cases {
            let status = StatusCode::from_u16(code).unwrap();
            assert_eq!(StatusClass::from(status), class, "{code}");
        }
    }

    #[test]
    fn cache_statuses_fall_into_outcomes() {
        let forward = CacheStatus::forward;
        let cases = [
            ("no cache", None, CacheOutcome::None),
            (
                "hit",
                Some(CacheStatus::hit(Duration::ZERO)),
                CacheOutcome::Hit,
            ),
            (
                "miss",
                Some(forward(ForwardReason::UriMiss)),
                CacheOutcome::Miss,
            ),
            (
                "stored miss",
                Some(forward(ForwardReason::UriMiss).stored()),
                CacheOutcome::Miss,
            ),
            (
                "collapsed miss",
                Some(forward(ForwardReason::UriMiss).collapsed()),
                CacheOutcome::Collapsed,
            ),
            (
                "collapsed validation",
                Some(forward(ForwardReason::Stale).collapsed()),
                CacheOutcome::Collapsed,
            ),
            (
                "stale",
                Some(forward(ForwardReason::Stale)),
                CacheOutcome::Stale,
            ),
            (
                "bypass",
                Some(forward(ForwardReason::Bypass)),
                CacheOutcome::Pass,
            ),
            (
                "method",
                Some(forward(ForwardReason::Method)),
                CacheOutcome::Pass,
            ),
            (
                "request",
                Some(forward(ForwardReason::Request)),
                CacheOutcome::Pass,
            ),
        ];
        for (name, status, outcome) in cases {
            assert_eq!(CacheOutcome::from(status.as_ref()), outcome, "{name}");
        }
    }
}
