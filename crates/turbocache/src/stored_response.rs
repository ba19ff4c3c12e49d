use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, StatusCode};

use crate::store::{Content, Entry};

/// A stored response, as [`TurboCacheHandle::look_at`] found it.
///
/// It keeps the response in memory until it is dropped, whatever the cache does
/// with it meanwhile.
///
/// ```
/// use axum::{Router, body::{Body, to_bytes}, http::{Request, header}, routing::get};
/// use tower::ServiceExt;
/// use turbocache::{Scope, TurboCache};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let cache = TurboCache::conservative();
/// let handle = cache.handle();
/// let app = Router::new()
///     .route("/", get(|| async { ([(header::CACHE_CONTROL, "max-age=60")], "Hello") }))
///     .layer(cache);
/// let request = Request::get("/").header("host", "forum.example").body(Body::empty()).unwrap();
/// let response = app.oneshot(request).await.unwrap();
/// to_bytes(response.into_body(), 1024).await.unwrap();
///
/// let stored = handle.look_at(&Scope::url(&"http://forum.example/".parse().unwrap()));
/// assert_eq!(stored.len(), 1);
/// assert_eq!(stored[0].status(), 200);
/// assert_eq!(stored[0].stored_bytes(), 5);
/// assert!(stored[0].ttl().is_some());
/// # }
/// ```
///
/// [`TurboCacheHandle::look_at`]: crate::TurboCacheHandle::look_at
pub struct StoredResponse {
    entry: Arc<Entry>,
    at: Instant,
}

impl StoredResponse {
    pub(crate) const fn new(entry: Arc<Entry>, at: Instant) -> Self {
        Self { entry, at }
    }

    /// Its status; of parts, that of the whole.
    pub fn status(&self) -> StatusCode {
        self.entry.head.status()
    }

    /// Its fields as they came, without those that are not stored.
    pub fn headers(&self) -> HeaderMap {
        self.entry.head.headers()
    }

    /// How old it was when it was looked at (RFC 9111 §4.2.3).
    pub fn age(&self) -> Duration {
        self.entry.head.terms().age(self.at)
    }

    /// For how long it was fresh then (RFC 9111 §4.2), or `None` if it was stale,
    /// or had been purged softly.
    pub fn ttl(&self) -> Option<Duration> {
        let terms = self.entry.head.terms();
        let ttl = terms.freshness.ttl(self.at);
        ttl.filter(|_| !terms.soft_purged)
    }

    /// How many bytes of its content are stored.
    pub fn stored_bytes(&self) -> u64 {
        match &self.entry.content {
            Content::Whole(body) => body.len() as u64,
            Content::Parts(parts) => parts.stored(),
        }
    }

    /// Whether that is all of it (RFC 9111 §3.3).
    pub fn is_whole(&self) -> bool {
        self.entry.is_whole()
    }
}

/// Without the fields: they may have been said to somebody in particular.
impl fmt::Debug for StoredResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredResponse")
            .field("status", &self.status())
            .field("age", &self.age())
            .field("ttl", &self.ttl())
            .field("stored_bytes", &self.stored_bytes())
            .field("is_whole", &self.is_whole())
            .finish()
    }
}
