use std::{fmt, io, sync::Arc};

use cookie::Key;
use http::HeaderName;
use tower_layer::Layer;

use super::{StickyService, cookies::RoutingCookie};
use crate::forwarded::TrustedProxies;

/// Layer for sticky sessions; clones share the key. See the [module](super).
#[derive(Clone, Debug)]
#[must_use]
pub struct StickySessions {
    cookie: RoutingCookie,
    trusted: TrustedProxies,
}

/// A cookie cannot have this name: RFC 6265 §4.1.1 wants a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCookieName;

impl StickySessions {
    /// With a key of its own, and the cookie that Passenger calls
    /// `_passenger_route`.
    ///
    /// # Errors
    ///
    /// If the operating system has no random numbers.
    pub fn new() -> io::Result<Self> {
        let mut key = [0; 64];
        getrandom::fill(&mut key).map_err(io::Error::from)?;
        Ok(Self {
            cookie: RoutingCookie {
                name: "_passenger_route".into(),
                path: "/".into(),
                key: Key::from(&key),
            },
            trusted: TrustedProxies::default(),
        })
    }

    /// The name of the cookie, as Passenger's
    /// `passenger_sticky_sessions_cookie_name`.
    ///
    /// # Errors
    ///
    /// If it cannot be one.
    pub fn cookie_name(mut self, name: &str) -> Result<Self, InvalidCookieName> {
        // Both are tokens.
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| InvalidCookieName)?;
        self.cookie.name = name.into();
        Ok(self)
    }

    /// The path below which clients send the cookie. Default: `/`.
    ///
    /// It is not to have a semicolon or a control character in it.
    pub fn cookie_path(mut self, path: &str) -> Self {
        self.cookie.path = path.into();
        self
    }

    /// Who is believed that a client came by `https`. Default: nobody.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.trusted = proxies;
        self
    }
}

#[cfg(test)]
impl StickySessions {
    pub(super) fn routing(&self) -> &RoutingCookie {
        &self.cookie
    }
}

impl<S> Layer<S> for StickySessions {
    type Service = StickyService<S>;

    fn layer(&self, inner: S) -> StickyService<S> {
        StickyService::new(
            inner,
            Arc::new(self.cookie.clone()),
            Arc::new(self.trusted.clone()),
        )
    }
}

impl fmt::Display for InvalidCookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the name of a cookie")
    }
}

impl std::error::Error for InvalidCookieName {}
