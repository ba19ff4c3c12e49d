use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{ResponseFuture, cookies::RoutingCookie, future::Told};
use crate::{
    PreferredProcess,
    forwarded::{PeerAddr, TrustedProxies, is_https},
};

/// Service that [`StickySessions`](super::StickySessions) makes.
#[derive(Clone, Debug)]
pub struct StickyService<S> {
    inner: S,
    cookie: Arc<RoutingCookie>,
    trusted: Arc<TrustedProxies>,
}

impl<S> StickyService<S> {
    pub(super) const fn new(
        inner: S,
        cookie: Arc<RoutingCookie>,
        trusted: Arc<TrustedProxies>,
    ) -> Self {
        Self {
            inner,
            cookie,
            trusted,
        }
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for StickyService<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        let peer = request.extensions().get::<PeerAddr>().copied();
        let is_trusted = || peer.is_some_and(|peer| self.trusted.contains(peer.0.ip()));
        let secure = is_https(request.headers(), is_trusted);
        let preferred = self.cookie.take(request.headers_mut());
        if let Some(pid) = preferred {
            request.extensions_mut().insert(PreferredProcess { pid });
        }
        let told = Told {
            cookie: Arc::clone(&self.cookie),
            preferred,
            secure,
        };
        ResponseFuture::new(self.inner.call(request), told)
    }
}
