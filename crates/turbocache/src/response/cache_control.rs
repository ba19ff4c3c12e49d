use std::{convert::Infallible, fmt, time::Duration};

use axum::response::{IntoResponseParts, ResponseParts};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CDN_CACHE_CONTROL},
};

/// The directives of a response (RFC 9111 §5.2.2), each in the RFC's word. Those
/// that are not said are not sent.
///
/// Times are sent in whole seconds, and at most 2³¹ of them, which is as good as
/// for ever (§1.2.2).
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use tower::ServiceExt;
/// use turbocache::{TurboCache, response::CacheControl};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let hello = get(async || {
///     (CacheControl::new().public().max_age(Duration::from_secs(60)), "Hello")
/// });
/// let login = get(async || (CacheControl::new().no_store(), "Who are you?"));
/// let app = Router::new()
///     .route("/", hello)
///     .route("/login", login)
///     .layer(TurboCache::conservative());
///
/// let ask = async |path| {
///     let request = Request::get(path).header("host", "forum.example");
///     app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
/// };
/// let response = ask("/").await;
/// assert_eq!(response.headers()["cache-control"], "public, max-age=60");
/// assert!(response.headers()["cache-status"].to_str().unwrap().contains("; stored"));
///
/// let response = ask("/login").await;
/// assert_eq!(
///     response.headers()["cache-status"],
///     "turbocache; fwd=uri-miss; detail=no-store",
/// );
/// # }
/// ```
///
/// Replaces a `Cache-Control` that the response has already. It is a
/// [`HeaderValue`] for whoever has no axum response to put it in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it has to be returned as a part of the response"]
pub struct CacheControl {
    directives: Vec<Directive>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Directive {
    Flag(&'static str),
    Seconds(&'static str, u64),
    Fields(&'static str, Vec<HeaderName>),
}

/// RFC 9111 §1.2.2.
const GREATEST: u64 = 1 << 31;

impl CacheControl {
    /// Nothing said.
    pub const fn new() -> Self {
        let directives = Vec::new();
        Self { directives }
    }

    /// Any cache may store it, even if it otherwise would not, as with
    /// `Authorization` (§5.2.2.9).
    pub fn public(self) -> Self {
        self.flag("public")
    }

    /// It is for one user: no shared cache may store it, and none may show it to
    /// somebody else (§5.2.2.7).
    pub fn private(self) -> Self {
        self.flag("private")
    }

    /// These fields of it are for one user, the rest is for everyone (§5.2.2.7).
    /// None at all is [`private`](Self::private).
    pub fn private_fields(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.fields("private", names)
    }

    /// No cache may store it (§5.2.2.5).
    pub fn no_store(self) -> Self {
        self.flag("no-store")
    }

    /// It may be stored, but not used again without asking here first (§5.2.2.4).
    pub fn no_cache(self) -> Self {
        self.flag("no-cache")
    }

    /// These fields of it are not to be sent again without asking here first
    /// (§5.2.2.4). None at all is [`no_cache`](Self::no_cache).
    pub fn no_cache_fields(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.fields("no-cache", names)
    }

    /// For how long it is fresh (§5.2.2.1).
    pub fn max_age(self, time: Duration) -> Self {
        self.seconds("max-age", time)
    }

    /// For how long it is fresh to shared caches, which may not use it any longer
    /// (§5.2.2.10).
    pub fn s_maxage(self, time: Duration) -> Self {
        self.seconds("s-maxage", time)
    }

    /// For how long after that it may be used while a new one is fetched (RFC 5861
    /// §3).
    pub fn stale_while_revalidate(self, time: Duration) -> Self {
        self.seconds("stale-while-revalidate", time)
    }

    /// For how long after that it may be used if a new one cannot be had (RFC 5861
    /// §4).
    pub fn stale_if_error(self, time: Duration) -> Self {
        self.seconds("stale-if-error", time)
    }

    /// It is never to be used when it is no longer fresh, whatever happens
    /// (§5.2.2.2).
    pub fn must_revalidate(self) -> Self {
        self.flag("must-revalidate")
    }

    /// The same, to shared caches (§5.2.2.8).
    pub fn proxy_revalidate(self) -> Self {
        self.flag("proxy-revalidate")
    }

    /// Only a cache that knows what its status asks of it may store it (§5.2.2.3).
    /// To be said together with [`no_store`](Self::no_store), for those that do not
    /// know this directive.
    pub fn must_understand(self) -> Self {
        self.flag("must-understand")
    }

    /// Nobody on the way may change its content (§5.2.2.6).
    pub fn no_transform(self) -> Self {
        self.flag("no-transform")
    }

    /// It will not change while it is fresh, so nobody need ask (RFC 8246). For
    /// files with a hash in their name.
    pub fn immutable(self) -> Self {
        self.flag("immutable")
    }

    fn flag(self, name: &'static str) -> Self {
        self.with(Directive::Flag(name))
    }

    fn seconds(self, name: &'static str, time: Duration) -> Self {
        self.with(Directive::Seconds(name, time.as_secs().min(GREATEST)))
    }

    fn fields(self, name: &'static str, fields: impl IntoIterator<Item = HeaderName>) -> Self {
        let fields: Vec<_> = fields.into_iter().collect();
        // `private=""` would be read by some as if all of it were for everyone.
        if fields.is_empty() {
            return self.flag(name);
        }
        self.with(Directive::Fields(name, fields))
    }

    /// Each directive is said once: the last one counts.
    fn with(mut self, directive: Directive) -> Self {
        self.directives
            .retain(|other| other.name() != directive.name());
        self.directives.push(directive);
        self
    }
}

impl Directive {
    const fn name(&self) -> &'static str {
        match self {
            Self::Flag(name) | Self::Seconds(name, _) | Self::Fields(name, _) => name,
        }
    }
}

/// The value of the field.
impl fmt::Display for CacheControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, directive) in self.directives.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            match directive {
                Directive::Flag(name) => f.write_str(name)?,
                Directive::Seconds(name, seconds) => write!(f, "{name}={seconds}")?,
                // §5.2.2.4: "uses the quoted-string form", even for one name.
                Directive::Fields(name, fields) => {
                    let fields: Vec<_> = fields.iter().map(HeaderName::as_str).collect();
                    write!(f, "{name}=\"{}\"", fields.join(", "))?;
                }
            }
        }
        Ok(())
    }
}

impl From<&CacheControl> for HeaderValue {
    fn from(control: &CacheControl) -> Self {
        Self::try_from(control.to_string()).expect("directives are plain ASCII")
    }
}

impl From<CacheControl> for HeaderValue {
    fn from(control: CacheControl) -> Self {
        Self::from(&control)
    }
}

impl IntoResponseParts for CacheControl {
    type Error = Infallible;

    fn into_response_parts(self, response: ResponseParts) -> Result<ResponseParts, Infallible> {
        Ok(self.set(&CACHE_CONTROL, response))
    }
}

impl CacheControl {
    fn set(&self, name: &HeaderName, mut response: ResponseParts) -> ResponseParts {
        if !self.directives.is_empty() {
            response.headers_mut().insert(name, self.into());
        }
        response
    }
}

/// Directives for shared caches that work for the origin, like this one, which go
/// by them instead of by `Cache-Control` and `Expires` (RFC 9213). Caches further
/// on get them, too.
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, body::Body, http::Request, routing::get};
/// use tower::ServiceExt;
/// use turbocache::{TurboCache, response::{CacheControl, CdnCacheControl}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // Here for an hour, in a browser only after asking.
/// let page = get(async || {
///     let hour = Duration::from_secs(3600);
///     (CacheControl::new().no_cache(), CdnCacheControl(CacheControl::new().max_age(hour)), "News")
/// });
/// let app = Router::new().route("/", page).layer(TurboCache::conservative());
///
/// let request = Request::get("/").header("host", "forum.example");
/// let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
/// assert_eq!(response.headers()["cache-control"], "no-cache");
/// assert_eq!(response.headers()["cdn-cache-control"], "max-age=3600");
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it has to be returned as a part of the response"]
pub struct CdnCacheControl(pub CacheControl);

impl IntoResponseParts for CdnCacheControl {
    type Error = Infallible;

    fn into_response_parts(self, response: ResponseParts) -> Result<ResponseParts, Infallible> {
        Ok(self.0.set(&CDN_CACHE_CONTROL, response))
    }
}

#[cfg(test)]
mod tests;
