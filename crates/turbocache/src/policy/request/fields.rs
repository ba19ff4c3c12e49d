use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONNECTION, COOKIE,
        DNT, FORWARDED, HOST, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
        IF_UNMODIFIED_SINCE, PRAGMA, RANGE, REFERER, UPGRADE, UPGRADE_INSECURE_REQUESTS,
        USER_AGENT,
    },
};

/// Which fields a request has, of those that matter before its key is known. A bit for
/// each kind: most requests have ten fields and more, and are asked for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(u16);

impl Fields {
    pub(super) const AUTHORIZATION: Self = Self(1);
    pub(super) const CACHE_CONTROL: Self = Self(1 << 1);
    pub(super) const COOKIE: Self = Self(1 << 2);
    /// RFC 9111 §4.3.2: these "are not applicable to a cache", and "MUST NOT" be
    /// evaluated by one.
    pub(super) const FOR_THE_ORIGIN: Self = Self(1 << 3);
    /// Preconditions that a cache evaluates.
    pub(super) const CONDITIONAL: Self = Self(1 << 4);
    pub(super) const PRAGMA: Self = Self(1 << 5);
    pub(super) const RANGE: Self = Self(1 << 6);
    pub(super) const UPGRADE: Self = Self(1 << 7);
    /// See [`is_forwarding`].
    pub(super) const FORWARDED: Self = Self(1 << 8);
    /// Another method than that of the request.
    pub(super) const METHOD: Self = Self(1 << 9);
    /// Another target than that of the request.
    pub(super) const TARGET: Self = Self(1 << 10);

    pub(super) fn of(request: &HeaderMap) -> Self {
        let bits = request.keys().map(|name| kind(name).0);
        Self(bits.fold(0, |all, bit| all | bit))
    }

    pub(super) const fn have(self, Self(kind): Self) -> bool {
        self.0 & kind != 0
    }
}

fn kind(name: &HeaderName) -> Fields {
    match *name {
        AUTHORIZATION => Fields::AUTHORIZATION,
        CACHE_CONTROL => Fields::CACHE_CONTROL,
        COOKIE => Fields::COOKIE,
        IF_MATCH | IF_UNMODIFIED_SINCE => Fields::FOR_THE_ORIGIN,
        IF_NONE_MATCH | IF_MODIFIED_SINCE | IF_RANGE => Fields::CONDITIONAL,
        PRAGMA => Fields::PRAGMA,
        RANGE => Fields::RANGE,
        UPGRADE => Fields::UPGRADE,
        FORWARDED => Fields::FORWARDED,
        // For speed, and for nothing else: these need not be read.
        ACCEPT
        | ACCEPT_ENCODING
        | ACCEPT_LANGUAGE
        | CONNECTION
        | DNT
        | HOST
        | REFERER
        | UPGRADE_INSECURE_REQUESTS
        | USER_AGENT => Fields::default(),
        // All others that matter begin with this letter.
        _ if !name.as_str().starts_with('x') => Fields::default(),
        _ => match name.as_str() {
            "x-http-method-override" | "x-method-override" | "x-http-method" => Fields::METHOD,
            "x-original-url" | "x-rewrite-url" => Fields::TARGET,
            name if is_forwarding(name) => Fields::FORWARDED,
            _ => Fields::default(),
        },
    }
}

/// Whether a proxy says in this field how the client addressed it. Applications
/// build redirects and links from these, so they are part of the key. The
/// client's own address (`X-Forwarded-For`) is not among them.
pub(crate) fn is_forwarding(name: &str) -> bool {
    match name.strip_prefix("x-forwarded-") {
        Some(what) => what != "for",
        None => name == "forwarded",
    }
}

/// The first `Host` of a request, and whether there are more of them.
pub(crate) fn host(request: &HeaderMap) -> (Option<&HeaderValue>, bool) {
    // RFC 9110 §7.2: "SHOULD send it as the first field".
    let first = match request.iter().next() {
        Some((&HOST, host)) => Some(host),
        _ => request.get(HOST),
    };
    // Most have one line of each field.
    let are_several =
        request.len() > request.keys_len() && request.get_all(HOST).iter().nth(1).is_some();
    (first, are_several)
}
