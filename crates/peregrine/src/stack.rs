use ipnet::IpNet;
#[cfg(feature = "cookie-variation")]
use peregrine_cookie_variation::{CookieVariation, CookieVariationService, Listener};
use peregrine_request_accounting::{
    RequestAccounting, RequestAccountingService,
    tracking::{RequestTracking, RequestTrackingService},
};
use peregrine_upstream_pool::forwarded::{Believe, BelieveLayer, Inform, InformLayer};
use tower_layer::Layer;
use turbocache::{TurboCache, TurboCacheService};

use crate::{ErrorPages, error_pages::ErrorPagesService};

/// An application `U` behind the stack, with a cache.
pub type Cached<U> = RequestAccountingService<Believe<TurboCacheService<Behind<U>>>>;

/// An application `U` behind the stack, with a cache and variants for users.
#[cfg(feature = "cookie-variation")]
pub type Varied<U> = RequestAccountingService<
    Believe<CookieVariationService<TurboCacheService<Listener<Behind<U>>>>>,
>;

/// An application `U` behind the stack, without a cache.
pub type Uncached<U> = RequestAccountingService<Believe<Behind<U>>>;

/// An application `U` with what only those requests meet that go on to it.
type Behind<U> = RequestTrackingService<ErrorPagesService<Inform<U>>>;

/// What stands in front of an application, in the right order.
///
/// See the [crate's documentation](crate) for the order and an example. The
/// service that results is always ready: requests wait in the pool's queue.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Stack {
    accounting: RequestAccounting,
    tracking: RequestTracking,
    trusted_proxies: Vec<IpNet>,
    error_pages: ErrorPages,
}

impl Stack {
    /// Trusts no proxy, and shows no details on error pages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Believes what these networks say about their clients in
    /// `X-Forwarded-*`. Default: nobody.
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted_proxies.extend(networks);
        self
    }

    /// How errors are shown. Default: [`ErrorPages::new`], fit for production.
    pub fn error_pages(mut self, pages: ErrorPages) -> Self {
        self.error_pages = pages;
        self
    }

    /// The numbers of all requests that come to this stack.
    pub fn accounting(&self) -> &RequestAccounting {
        &self.accounting
    }

    /// The requests that are on their way to the application, or back, one by one.
    pub fn tracking(&self) -> &RequestTracking {
        &self.tracking
    }

    /// Puts the stack in front of `upstream`, with a cache.
    pub fn cached<U>(&self, cache: &TurboCache, upstream: U) -> Cached<U> {
        self.before(cache.layer(self.behind(upstream)))
    }

    /// Puts the stack in front of `upstream`, with a cache in which pages vary by
    /// `cookies`.
    #[cfg(feature = "cookie-variation")]
    pub fn varied<U>(
        &self,
        cookies: &CookieVariation,
        cache: &TurboCache,
        upstream: U,
    ) -> Varied<U> {
        let cookies = cookies.around(cache.clone());
        self.before(cookies.layer(self.behind(upstream)))
    }

    /// Puts the stack in front of `upstream`, without a cache.
    pub fn uncached<U>(&self, upstream: U) -> Uncached<U> {
        self.before(self.behind(upstream))
    }

    /// What every request meets.
    fn before<S>(&self, inner: S) -> RequestAccountingService<Believe<S>> {
        let believe = BelieveLayer::new(self.trusted_proxies.iter().copied());
        self.accounting.layer(believe.layer(inner))
    }

    /// What only those requests meet that go on to the application.
    fn behind<U>(&self, upstream: U) -> Behind<U> {
        let informed = InformLayer::new().layer(upstream);
        self.tracking.layer(self.error_pages.layer(informed))
    }
}
