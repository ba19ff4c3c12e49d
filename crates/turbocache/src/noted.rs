//! What is to be seen at a glance: which fields a request or a response has.

#[allow(clippy::wildcard_imports, reason = "each of the names is asked for")]
use http::header::*;

use crate::tags;

/// Which fields the head of a message has, of those because of which something is to be
/// done. A bit for each kind: most have ten fields and more, nearly all of them none of
/// these, and they are asked for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Noted(u16);

/// Those of requests that matter before their key is known.
impl Noted {
    pub(crate) const AUTHORIZATION: Self = Self(1);
    pub(crate) const CACHE_CONTROL: Self = Self(1 << 1);
    pub(crate) const COOKIE: Self = Self(1 << 2);
    /// RFC 9111 §4.3.2: these "are not applicable to a cache", and "MUST NOT" be
    /// evaluated by one.
    pub(crate) const FOR_THE_ORIGIN: Self = Self(1 << 3);
    /// Preconditions that a cache evaluates.
    pub(crate) const CONDITIONAL: Self = Self(1 << 4);
    pub(crate) const PRAGMA: Self = Self(1 << 5);
    pub(crate) const RANGE: Self = Self(1 << 6);
    pub(crate) const UPGRADE: Self = Self(1 << 7);
    /// See [`is_forwarding`].
    pub(crate) const FORWARDED: Self = Self(1 << 8);
    /// Another method than that of the request.
    pub(crate) const METHOD: Self = Self(1 << 9);
    /// Another target than that of the request.
    pub(crate) const TARGET: Self = Self(1 << 10);
}

/// Those of responses to requests that pass.
impl Noted {
    /// They may refer to other targets.
    pub(crate) const REFERENCES: Self = Self(1 << 11);
    /// They name groups of responses that are invalid.
    pub(crate) const GROUPS: Self = Self(1 << 12);
    /// They are not for clients.
    pub(crate) const TAGS: Self = Self(1 << 13);
    /// Caches further in have said what they did.
    pub(crate) const STATUS: Self = Self(1 << 14);
}

impl Noted {
    // Not inlined: those of a response are noted by the code that has just noted those of its
    // request.
    #[inline(never)]
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        headers.keys().map(kind).fold(Self::default(), Self::or)
    }

    /// Whether there is any of `others`.
    pub(crate) const fn have(self, Self(others): Self) -> bool {
        self.0 & others != 0
    }

    pub(crate) const fn or(self, Self(other): Self) -> Self {
        Self(self.0 | other)
    }
}

// The compiler makes a table of kinds of this because no name is left out that is in the
// table of `http`. Otherwise it makes one of places to jump to, and it takes long to get
// there: a processor that has just run the kernel does not foresee where to.
#[inline]
fn kind(name: &HeaderName) -> Noted {
    match *name {
        AUTHORIZATION => Noted::AUTHORIZATION,
        CACHE_CONTROL => Noted::CACHE_CONTROL,
        COOKIE => Noted::COOKIE,
        IF_MATCH | IF_UNMODIFIED_SINCE => Noted::FOR_THE_ORIGIN,
        IF_NONE_MATCH | IF_MODIFIED_SINCE | IF_RANGE => Noted::CONDITIONAL,
        PRAGMA => Noted::PRAGMA,
        RANGE => Noted::RANGE,
        UPGRADE => Noted::UPGRADE,
        FORWARDED => Noted::FORWARDED,
        LOCATION | CONTENT_LOCATION => Noted::REFERENCES,
        CACHE_STATUS => Noted::STATUS,
        ACCEPT
        | ACCEPT_CHARSET
        | ACCEPT_ENCODING
        | ACCEPT_LANGUAGE
        | ACCEPT_RANGES
        | ACCESS_CONTROL_ALLOW_CREDENTIALS
        | ACCESS_CONTROL_ALLOW_HEADERS
        | ACCESS_CONTROL_ALLOW_METHODS
        | ACCESS_CONTROL_ALLOW_ORIGIN
        | ACCESS_CONTROL_EXPOSE_HEADERS
        | ACCESS_CONTROL_MAX_AGE
        | ACCESS_CONTROL_REQUEST_HEADERS
        | ACCESS_CONTROL_REQUEST_METHOD
        | AGE
        | ALLOW
        | ALT_SVC
        | CDN_CACHE_CONTROL
        | CONNECTION
        | CONTENT_DISPOSITION
        | CONTENT_ENCODING
        | CONTENT_LANGUAGE
        | CONTENT_LENGTH
        | CONTENT_RANGE
        | CONTENT_SECURITY_POLICY
        | CONTENT_SECURITY_POLICY_REPORT_ONLY
        | CONTENT_TYPE
        | DATE
        | DNT
        | ETAG
        | EXPECT
        | EXPIRES
        | FROM
        | HOST
        | LAST_MODIFIED
        | LINK
        | MAX_FORWARDS
        | ORIGIN
        | PROXY_AUTHENTICATE
        | PROXY_AUTHORIZATION
        | PUBLIC_KEY_PINS
        | PUBLIC_KEY_PINS_REPORT_ONLY
        | REFERER
        | REFERRER_POLICY
        | REFRESH
        | RETRY_AFTER
        | SEC_WEBSOCKET_ACCEPT
        | SEC_WEBSOCKET_EXTENSIONS
        | SEC_WEBSOCKET_KEY
        | SEC_WEBSOCKET_PROTOCOL
        | SEC_WEBSOCKET_VERSION
        | SERVER
        | SET_COOKIE
        | STRICT_TRANSPORT_SECURITY
        | TE
        | TRAILER
        | TRANSFER_ENCODING
        | UPGRADE_INSECURE_REQUESTS
        | USER_AGENT
        | VARY
        | VIA
        | WARNING
        | WWW_AUTHENTICATE
        | X_CONTENT_TYPE_OPTIONS
        | X_DNS_PREFETCH_CONTROL
        | X_FRAME_OPTIONS
        | X_XSS_PROTECTION => Noted::default(),
        _ => kind_of_another(name),
    }
}

// Not inlined: most have few of these.
#[inline(never)]
fn kind_of_another(name: &HeaderName) -> Noted {
    if *name == tags::CACHE_GROUP_INVALIDATION {
        return Noted::GROUPS;
    }
    if tags::is_for_the_cache(name) {
        return Noted::TAGS;
    }
    match name.as_str() {
        // As most of what browsers say of themselves.
        name if !name.starts_with(['f', 'x']) => Noted::default(),
        name if is_method(name) => Noted::METHOD,
        "x-original-url" | "x-rewrite-url" => Noted::TARGET,
        name if is_forwarding(name) => Noted::FORWARDED,
        _ => Noted::default(),
    }
}

/// Whether another method may be in this field than that of the request.
#[inline]
pub(crate) fn is_method(name: &str) -> bool {
    matches!(
        name,
        "x-http-method-override" | "x-method-override" | "x-http-method"
    )
}

/// Whether a proxy says in this field how the client addressed it. Applications
/// build redirects and links from these, whoever has sent them, so they are part
/// of the key. The client's own address (`X-Forwarded-For`) is not among them.
pub(crate) fn is_forwarding(name: &str) -> bool {
    match name.strip_prefix("x-forwarded-") {
        Some(what) => what != "for",
        None => matches!(
            name,
            "forwarded"
                | "front-end-https"
                | "x-host"
                | "x-http-host-override"
                | "x-original-host"
                | "x-scheme"
                | "x-url-scheme"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(Noted, &[&str]); 15] = [
        (Noted::AUTHORIZATION, &["authorization"]),
        (Noted::CACHE_CONTROL, &["cache-control"]),
        (Noted::COOKIE, &["cookie"]),
        (Noted::FOR_THE_ORIGIN, &["if-match", "if-unmodified-since"]),
        (
            Noted::CONDITIONAL,
            &["if-none-match", "if-modified-since", "if-range"],
        ),
        (Noted::PRAGMA, &["pragma"]),
        (Noted::RANGE, &["range"]),
        (Noted::UPGRADE, &["upgrade"]),
        (
            Noted::FORWARDED,
            &[
                "forwarded",
                "front-end-https",
                "x-forwarded-host",
                "x-forwarded-what-not",
                "x-host",
                "x-http-host-override",
                "x-original-host",
                "x-scheme",
                "x-url-scheme",
            ],
        ),
        (
            Noted::METHOD,
            &[
                "x-http-method",
                "x-http-method-override",
                "x-method-override",
            ],
        ),
        (Noted::TARGET, &["x-original-url", "x-rewrite-url"]),
        (Noted::REFERENCES, &["location", "content-location"]),
        (Noted::GROUPS, &["cache-group-invalidation"]),
        (Noted::TAGS, &["surrogate-key", "cache-tag"]),
        (Noted::STATUS, &["cache-status"]),
    ];

    /// Standard ones, and such as are known to browsers and applications alone.
    const OTHERS: [&str; 8] = [
        "host",
        "content-type",
        "sec-fetch-mode",
        "x-forwarded-for",
        "x-request-id",
        "cache-groups",
        "te",
        "alt-svc",
    ];

    fn noted<'a>(names: impl IntoIterator<Item = &'a &'a str>) -> Noted {
        let mut headers = HeaderMap::new();
        for name in names {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_static("x"));
        }
        Noted::of(&headers)
    }

    #[test]
    fn each_kind_is_noted_by_each_of_its_names_and_by_no_other() {
        for (kind, names) in ALL {
            for name in names {
                let between = OTHERS[..3].iter().chain([name]).chain(&OTHERS[3..]);
                for noted in [noted([name]), noted(between)] {
                    for (other, _) in ALL {
                        assert_eq!(noted.have(other), other == kind, "{name}: {other:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn all_of_them_may_be_there_or_none() {
        let all = noted(ALL.iter().flat_map(|(_, names)| *names));
        let none = [noted(&OTHERS), noted(&OTHERS[..2]), noted([])];
        for (kind, _) in ALL {
            assert!(all.have(kind), "{kind:?}");
            assert!(none.iter().all(|none| !none.have(kind)), "{kind:?}");
        }
    }
}
