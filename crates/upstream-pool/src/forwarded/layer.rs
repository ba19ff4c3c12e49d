use std::{
    mem,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request};
use ipnet::IpNet;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    PeerAddr, TrustedProxies,
    believe::{believe, is_silent},
    inform::{Beside, Peer, Told, put},
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
pub struct InformLayer {
    beside: bool,
}

impl InformLayer {
    /// Puts what there is to be told into the fields of a request, where any service finds
    /// it.
    pub const fn new() -> Self {
        Self { beside: false }
    }

    /// Leaves what there is to be told beside the fields of a request, as
    /// [`MoreFields`](peregrine_http1::client::MoreFields): for
    /// [`UpstreamPool`](crate::UpstreamPool) and [`HttpUpstream`](crate::HttpUpstream),
    /// which write it on the wire, but for nobody who looks at the request itself. The
    /// application sees no difference, and each request costs less.
    ///
    /// One that brings some of these fields, from a trusted proxy, has them where they are.
    #[must_use]
    pub const fn beside_the_fields(mut self) -> Self {
        self.beside = true;
        self
    }
}

impl<S> Layer<S> for InformLayer {
    type Service = Inform<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Inform {
            inner,
            peer: None,
            beside: self.beside.then(Beside::default),
        }
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
    /// For what is not to be among the fields.
    beside: Option<Beside>,
}

impl<S> Inform<S> {
    inner_service_accessors!();
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
        let peer = known(&mut self.peer, peer(request.extensions()));
        let told = Told::of(&request, peer);
        let beside = self.beside.as_mut();
        if let Some(fields) = beside.and_then(|beside| beside.fields(&told)) {
            request.extensions_mut().insert(fields);
        } else {
            put(told.fields(), request.headers_mut());
        }
        self.inner.call(request)
    }
}

fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let PeerAddr(address) = extensions.get()?;
    Some(address.ip())
}

fn known(last: &mut Option<Peer>, address: Option<IpAddr>) -> Option<&Peer> {
    let address = address?;
    if !last.as_ref().is_some_and(|peer| peer.is_at(address)) {
        *last = Peer::new(address);
    }
    last.as_ref()
}
