//! Which requests wait for a flight, or read along, so that somebody can look at
//! them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use http::{HeaderValue, Method, Request, Uri, header::HOST};

use super::lock;

/// The requests that are collapsed now. As many as there are: it is for whoever
/// lets them in to bound that.
///
/// A lock and an allocation for each of them, which other requests have nothing to
/// do with.
#[derive(Default)]
pub(crate) struct CollapsedRequests(Mutex<List>);

#[derive(Default)]
struct List {
    last_id: u64,
    /// The oldest first.
    by_id: BTreeMap<u64, Arc<Entry>>,
}

struct Entry {
    method: Method,
    uri: Uri,
    host: Option<HeaderValue>,
    came: Instant,
    /// Written by the one task that serves it and read by who looks, to whom a
    /// moment makes no difference. So is the next.
    is_answered: AtomicBool,
    sent: AtomicU64,
}

/// Keeps a request on the list until it is dropped.
pub(crate) struct Listed {
    id: u64,
    entry: Arc<Entry>,
    list: Arc<CollapsedRequests>,
}

/// A request that waits for the response to another one, or reads it along: as
/// [`TurboCacheHandle::collapsed_requests`] found it.
///
/// ```
/// use std::pin::pin;
///
/// use axum::{Router, body::Body, http::{Request, header}, routing::get};
/// use futures_util::FutureExt;
/// use tower::Service;
/// use turbocache::TurboCache;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let cache = TurboCache::conservative();
/// let handle = cache.handle();
/// let mut app = Router::new()
///     .route("/topics", get(|| std::future::pending::<&str>()))
///     .layer(cache);
/// let ask = || {
///     let request = Request::get("/topics?page=2").header(header::HOST, "forum.example");
///     request.body(Body::empty()).unwrap()
/// };
/// let mut first = pin!(app.call(ask()));
/// let mut second = pin!(app.call(ask()));
/// assert!(first.as_mut().now_or_never().is_none());
/// assert!(second.as_mut().now_or_never().is_none());
///
/// // The first one is with the application.
/// let waiting = handle.collapsed_requests();
/// assert_eq!(waiting.len(), 1);
/// assert_eq!(waiting[0].path(), "/topics");
/// assert_eq!(waiting[0].host(), Some(&b"forum.example"[..]));
/// assert!(!waiting[0].is_answered());
/// # }
/// ```
///
/// [`TurboCacheHandle::collapsed_requests`]: crate::TurboCacheHandle::collapsed_requests
#[derive(Clone)]
pub struct CollapsedRequest {
    entry: Arc<Entry>,
    age: Duration,
    is_answered: bool,
    sent: u64,
}

impl CollapsedRequests {
    /// Lists `request`, which was looked up first at `came`.
    pub(crate) fn enter<B>(self: &Arc<Self>, request: &Request<B>, came: Instant) -> Listed {
        let entry = Arc::new(Entry {
            method: request.method().clone(),
            uri: request.uri().clone(),
            host: request.headers().get(HOST).cloned(),
            came,
            is_answered: AtomicBool::new(false),
            sent: AtomicU64::new(0),
        });
        let mut list = lock(&self.0);
        list.last_id += 1;
        let id = list.last_id;
        list.by_id.insert(id, Arc::clone(&entry));
        drop(list);
        Listed {
            id,
            entry,
            list: Arc::clone(self),
        }
    }

    /// As they are at `now`, the oldest first.
    pub(crate) fn look(&self, now: Instant) -> Vec<CollapsedRequest> {
        let listed: Vec<_> = lock(&self.0).by_id.values().cloned().collect();
        let look = |entry: Arc<Entry>| CollapsedRequest {
            age: now.saturating_duration_since(entry.came),
            is_answered: entry.is_answered.load(Relaxed),
            sent: entry.sent.load(Relaxed),
            entry,
        };
        listed.into_iter().map(look).collect()
    }
}

impl Listed {
    /// It waits no longer, but reads what comes.
    pub(crate) fn answered(&self) {
        self.entry.is_answered.store(true, Relaxed);
    }

    /// So many bytes of content are on their way to it, all in all.
    pub(crate) fn sent(&self, bytes: u64) {
        self.entry.sent.store(bytes, Relaxed);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        // What is dropped by that, if nobody looks, is dropped without the lock.
        let _entry = lock(&self.list.0).by_id.remove(&self.id);
    }
}

impl CollapsedRequest {
    /// Its method.
    pub fn method(&self) -> &Method {
        &self.entry.method
    }

    /// The path of its target, without the query, which may hold secrets.
    pub fn path(&self) -> &str {
        self.entry.uri.path()
    }

    /// The host that it is for, with its port if it names one. What the client
    /// sent, which need not be text.
    pub fn host(&self) -> Option<&[u8]> {
        match (self.entry.uri.authority(), &self.entry.host) {
            (Some(authority), _) => Some(authority.as_str().as_bytes()),
            (None, host) => host.as_ref().map(HeaderValue::as_bytes),
        }
    }

    /// How long ago it came to the cache.
    pub const fn age(&self) -> Duration {
        self.age
    }

    /// Whether its answer has begun: it reads what the inner service sends to
    /// another one, as that comes. Otherwise it waits.
    pub const fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// Bytes of content of the answer that are on their way.
    pub const fn sent(&self) -> u64 {
        self.sent
    }
}

impl fmt::Debug for CollapsedRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = lock(&self.0).by_id.len();
        f.debug_tuple("CollapsedRequests").field(&listed).finish()
    }
}

/// Without the query.
impl fmt::Debug for CollapsedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollapsedRequest")
            .field("method", self.method())
            .field("path", &self.path())
            .field("age", &self.age)
            .field("is_answered", &self.is_answered)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}
