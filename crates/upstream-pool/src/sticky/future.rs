use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{
    HeaderMap, Response,
    header::{CACHE_CONTROL, SET_COOKIE},
};
use peregrine_core::{CacheStatus, ServedBy};
use pin_project_lite::pin_project;

use super::cookies::RoutingCookie;

pin_project! {
    /// Response future of [`StickyService`](super::StickyService).
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        told: Told,
    }
}

/// What the client said, and what it takes to tell it something else.
pub(super) struct Told {
    pub(super) cookie: Arc<RoutingCookie>,
    pub(super) preferred: Option<u32>,
    pub(super) secure: bool,
}

impl<F> ResponseFuture<F> {
    pub(super) const fn new(inner: F, told: Told) -> Self {
        Self { inner, told }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        let told = this.told;
        let served = response.extensions().get::<ServedBy>();
        if let Some(pid) = served.map(|served| served.pid)
            && told.preferred != Some(pid)
            && is_for_one(response.headers(), response.extensions().get())
            && let Some(cookie) = told.cookie.set(pid, told.secure)
        {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Poll::Ready(Ok(response))
    }
}

/// Whether a response is for this client alone, as far as anybody has said.
pub(super) fn is_for_one(headers: &HeaderMap, cache: Option<&CacheStatus>) -> bool {
    let by_cache = match cache {
        Some(CacheStatus::Forward {
            stored, collapsed, ..
        }) => !stored && !collapsed,
        Some(_) => false,
        None => true,
    };
    // RFC 9111 §7.3: a cache in front of us does not mind the cookie.
    let for_all = |directive: &str| {
        let name = directive.split('=').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("public") || name.eq_ignore_ascii_case("s-maxage")
    };
    let lines = headers.get_all(CACHE_CONTROL).iter();
    let mut lines = lines.filter_map(|line| line.to_str().ok());
    by_cache && !lines.any(|line| line.split(',').any(for_all))
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("preferred", &self.told.preferred)
            .finish_non_exhaustive()
    }
}
