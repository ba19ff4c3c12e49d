use std::{
    mem,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request};
use ipnet::IpNet;
use peregrine_core::TargetOrigin;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    PeerAddr, TrustedProxies,
    believe::{believe, is_silent},
    inform::{Meant, Peer, inform},
};

/// What every middleware offers for the service that it wraps.
macro_rules! inner_service_accessors {
    () => {
        /// The inner service.
        pub const fn get_ref(&self) -> &S {
            &self.inner
        }

        /// The inner service, to be changed.
        pub const fn get_mut(&mut self) -> &mut S {
            &mut self.inner
        }

        /// The inner service, on its own.
        pub fn into_inner(self) -> S {
            self.inner
        }
    };
}

/// Makes [`Believe`]. See the [module's documentation](super).
#[derive(Clone, Debug, Default)]
pub struct BelieveLayer {
    trusted: Arc<TrustedProxies>,
}

impl BelieveLayer {
    /// Believes peers in these networks, and nobody else.
    pub fn new(trusted: impl IntoIterator<Item = IpNet>) -> Self {
        Self {
            trusted: Arc::new(trusted.into_iter().collect()),
        }
    }
}

impl<S> Layer<S> for BelieveLayer {
    type Service = Believe<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Believe {
            inner,
            trusted: Arc::clone(&self.trusted),
        }
    }
}

/// Drops what a client may not say about itself, and believes trusted proxies.
/// See the [module's documentation](super).
#[derive(Clone, Debug)]
pub struct Believe<S> {
    inner: S,
    trusted: Arc<TrustedProxies>,
}

impl<S> Believe<S> {
    inner_service_accessors!();
}

impl<S, B> Service<Request<B>> for Believe<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if !is_silent(request.headers()) {
            hear(&mut request, &self.trusted);
        }
        self.inner.call(request)
    }
}

/// Leaves what is to be believed of what a request says.
fn hear<B>(request: &mut Request<B>, trusted: &TrustedProxies) {
    // Not by taking the request apart, which is large: a proxy in front says
    // something with each.
    let mut headers = mem::take(request.headers_mut());
    let is_trusted = || peer(request.extensions()).is_some_and(|peer| trusted.contains(peer));
    let origin = believe(&mut headers, request.uri(), is_trusted);
    *request.headers_mut() = headers;
    if let Some(origin) = origin {
        request.extensions_mut().insert(origin);
    }
}

/// Makes [`Inform`]. See the [module's documentation](super).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InformLayer;

impl InformLayer {
    /// A layer that has nothing to configure.
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for InformLayer {
    type Service = Inform<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Inform { inner, peer: None }
    }
}

/// Tells the application who asks, and for which origin. See the [module's
/// documentation](super).
#[derive(Clone, Debug)]
pub struct Inform<S> {
    inner: S,
    /// Of the last request. A server that has a clone for each of its connections
    /// writes the address once for all requests on one.
    peer: Option<Peer>,
}

impl<S> Inform<S> {
    inner_service_accessors!();

    fn peer(&mut self, address: Option<IpAddr>) -> Option<&Peer> {
        let address = address?;
        if !self.peer.as_ref().is_some_and(|peer| peer.is_at(address)) {
            self.peer = Peer::new(address);
        }
        self.peer.as_ref()
    }
}

impl<S, B> Service<Request<B>> for Inform<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let meant = Meant::by(request.uri(), request.extensions().get::<TargetOrigin>());
        let peer = self.peer(peer(request.extensions()));
        inform(request.headers_mut(), peer, meant);
        self.inner.call(request)
    }
}

fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let PeerAddr(address) = extensions.get()?;
    Some(address.ip())
}
