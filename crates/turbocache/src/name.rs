mod hit;
mod miss;
mod pass;

use std::{fmt, io::Write as _, sync::Arc};

use bytes::Bytes;
use http::HeaderValue;
use peregrine_core::{CacheStatus, ForwardReason};

pub(crate) use self::pass::Word;
use crate::{
    key::Key,
    policy::{list::is_token, request::Pass},
};

const DEFAULT: &str = "turbocache";

/// How a cache calls itself in `Cache-Status`, written as RFC 9211 §2 asks for
/// it: "the identifier of the cache", a token or a string (RFC 9651 §3.3).
#[derive(Clone, Debug)]
pub(crate) struct CacheName {
    written: Arc<str>,
    is_default: bool,
}

impl CacheName {
    /// `None` if `name` is empty or not printable ASCII.
    pub(crate) fn new(name: &str) -> Option<Self> {
        if name.is_empty() || !name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return None;
        }
        if is_structured_token(name) {
            return Some(Self::written(name.into()));
        }
        let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
        Some(Self::written(format!("\"{escaped}\"").into()))
    }

    fn written(written: Arc<str>) -> Self {
        let is_default = &*written == DEFAULT;
        Self {
            written,
            is_default,
        }
    }
}

impl CacheName {
    /// This cache's member of `Cache-Status`, with the key if one is given.
    pub(crate) fn member(&self, status: &CacheStatus, key: Option<&Key>) -> HeaderValue {
        if key.is_none()
            && self.is_default
            && let Some(known) = known(status)
        {
            return known;
        }
        let mut member = Vec::with_capacity(64);
        write!(member, "{self}; {status}").expect("a Vec takes everything");
        if let Some(key) = key {
            // RFC 9211 §2.7: a String. A key is displayed with everything escaped
            // that is not printable ASCII.
            let key = key.to_string().replace('\\', "\\\\").replace('"', "\\\"");
            write!(member, "; key=\"{key}\"").expect("a Vec takes everything");
        }
        HeaderValue::from_maybe_shared(Bytes::from(member)).expect("all of it is plain ASCII")
    }

    /// The same of a request that passes, and what is said of it to programs, if that is
    /// made already.
    pub(crate) fn word(&self, reason: &Pass) -> Option<&'static Word> {
        pass::word(reason).filter(|_| self.is_default)
    }
}

/// What is said of most requests by a cache with the default name: to have it neither
/// allocates nor writes to anything that threads share.
fn known(status: &CacheStatus) -> Option<HeaderValue> {
    match *status {
        CacheStatus::Hit { ttl, .. } => hit::line(ttl),
        CacheStatus::Forward {
            reason: ForwardReason::UriMiss,
            status: None,
            stored: false,
            collapsed: false,
            ttl: None,
            detail: Some(detail),
            ..
        } => miss::line(detail),
        _ => None,
    }
}

impl Default for CacheName {
    fn default() -> Self {
        Self::written(DEFAULT.into())
    }
}

impl fmt::Display for CacheName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// RFC 9651 §3.3.4: begins with a letter or `*`, and takes `:` and `/`, too.
fn is_structured_token(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*')
        && name
            .split([':', '/'])
            .all(|part| part.is_empty() || is_token(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::policy::storable::NotStored;

    #[test]
    fn a_member_is_the_name_and_what_the_status_displays() {
        let hits = [
            0,
            9,
            10,
            59,
            60,
            999,
            1000,
            4095,
            4096,
            1_234_567_890,
            u64::MAX,
        ]
        .map(|seconds| CacheStatus::hit(Duration::from_secs(seconds)));
        let stale = [0, 1, 60].map(|seconds| CacheStatus::stale_hit(Duration::from_secs(seconds)));
        let forward = CacheStatus::forward;
        let bypass = forward(ForwardReason::Bypass);
        let forwarded = [
            forward(ForwardReason::UriMiss).stored(),
            forward(ForwardReason::Method),
            forward(ForwardReason::Method).answered(StatusCode::OK),
            forward(ForwardReason::Method).because("stepped-aside"),
            bypass,
            bypass.because("stepped-aside"),
            bypass.because("stepped-aside").stored(),
            bypass.because("authorization"),
            bypass.because("authorization").collapsed(),
            bypass.because("upgrade"),
        ];
        let miss = |why: NotStored| forward(ForwardReason::UriMiss).because(why.as_str());
        let misses = [
            miss(NotStored::NoCache),
            miss(NotStored::NoExplicitFreshness),
            miss(NotStored::NoStore),
            miss(NotStored::Private),
            miss(NotStored::SetCookie),
            miss(NotStored::Status),
            miss(NotStored::Vary),
            miss(NotStored::NoStore).answered(StatusCode::OK),
            miss(NotStored::NoStore).collapsed(),
            miss(NotStored::NoStore).fresh_for(Duration::from_secs(1)),
            forward(ForwardReason::Stale).because(NotStored::NoStore.as_str()),
        ];
        let forwarded = forwarded.into_iter().chain(misses);
        for status in hits.into_iter().chain(stale).chain(forwarded) {
            for name in ["turbocache", "other"] {
                let member = CacheName::new(name).unwrap().member(&status, None);
                assert_eq!(member, format!("{name}; {status}"));
            }
        }
    }

    #[test]
    fn what_is_made_already_is_what_would_be_said() {
        let name = CacheName::default();
        for reason in [Pass::Method, Pass::SteppedAside, Pass::Authorization] {
            let word = name.word(&reason).expect("it is said often");
            let status = reason.status();
            assert_eq!(word.line, format!("turbocache; {status}"));
            assert_eq!(word.status, status);
            assert!(CacheName::new("other").unwrap().word(&reason).is_none());
        }
    }

    #[test]
    fn a_name_is_a_token_or_a_string() {
        let cases = [
            ("a token", "turbocache", Some("turbocache")),
            (
                "a token with a host and a port",
                "cache.example:80/a",
                Some("cache.example:80/a"),
            ),
            (
                "a space makes it a string",
                "my cache",
                Some("\"my cache\""),
            ),
            ("so does a digit in front", "1st", Some("\"1st\"")),
            ("quotes are escaped", "a\"\\", Some("\"a\\\"\\\\\"")),
            (
                "a separator of parameters stays inside the quotes",
                "a; hit",
                Some("\"a; hit\""),
            ),
            ("nothing is no name", "", None),
            ("a line break is no name", "a\r\nb", None),
            ("neither is what is not ASCII", "zürich", None),
        ];
        for (name, given, written) in cases {
            let read = CacheName::new(given).map(|name| name.to_string());
            assert_eq!(read.as_deref(), written, "{name}");
        }
    }
}
