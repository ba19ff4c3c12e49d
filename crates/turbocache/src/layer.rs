use std::{fmt, sync::Arc, time::Duration};

use tower_layer::Layer;

use crate::{
    Clock, TurboCacheHandle, TurboCacheService,
    cache::{Cache, Config},
    clock::Clocks,
    key::query::{Names, QueryRules},
    name::CacheName,
    policy::Policy,
};

/// A response cache, as a layer.
///
/// Clones share what is stored: make one for one application, and clone it
/// freely. See the [crate's page](crate) for what is stored and what is not.
///
/// ```
/// use turbocache::TurboCache;
///
/// let cache = TurboCache::conservative()
///     .capacity_bytes(256 * 1024 * 1024)
///     .max_entry_bytes(4 * 1024 * 1024)
///     .name("forum");
/// let handle = cache.handle();
/// # drop((cache, handle));
/// ```
#[derive(Clone)]
#[must_use = "a cache does nothing until it is layered on a service"]
pub struct TurboCache {
    cache: Arc<Cache>,
}

impl TurboCache {
    /// A cache that stores only what says for how long it is fresh, and only
    /// what can be given to anyone without a second thought.
    pub fn conservative() -> Self {
        Self::new(Config::new(Policy::conservative()))
    }

    /// A cache that stores whatever RFC 9111 lets a shared cache store, and that is
    /// safe to give to anyone.
    pub fn standard() -> Self {
        Self::new(Config::new(Policy::standard()))
    }

    fn new(config: Config) -> Self {
        Self {
            cache: Arc::new(Cache::new(config)),
        }
    }

    /// With these settings so far, and another store.
    #[cfg(test)]
    pub(crate) fn over(&self, store: impl crate::store::Storage) -> Self {
        Self {
            cache: Arc::new(Cache::with_store(
                self.cache.config.clone(),
                Box::new(store),
            )),
        }
    }

    /// A new, empty cache with another setting. What it costs is paid once, at
    /// start; in return a cache that is in use can never change under anyone.
    fn with(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.cache.config.clone();
        change(&mut config);
        Self::new(config)
    }

    /// How many bytes all entries may weigh together: keys, heads, bodies and
    /// what it takes to keep them. 64 MiB by default.
    ///
    /// A thirty-second part of them is for copies: each thread has what it is asked for
    /// most in memory of its own, up to 16 KiB an entry, so that threads that answer with
    /// the same page do not get into each other's way.
    ///
    /// What is complete but not yet evicted may exceed it for a moment; bodies on
    /// their way are not counted, each of them may take up to
    /// [`max_entry_bytes`](Self::max_entry_bytes).
    ///
    /// Like all settings, to be made before the cache is used: it starts a new
    /// store, which earlier clones and handles do not share.
    pub fn capacity_bytes(self, bytes: u64) -> Self {
        self.with(|config| config.capacity_bytes = bytes)
    }

    /// How many bytes the body of a response may have to be stored. 1 MiB by
    /// default. The head is not counted here, but in
    /// [`capacity_bytes`](Self::capacity_bytes).
    ///
    /// A longer response is passed on as it is. More than 1 GiB counts as that.
    pub fn max_entry_bytes(self, bytes: u64) -> Self {
        self.with(|config| config.max_entry_bytes = bytes.min(1 << 30))
    }

    /// Parameters of the query that make no difference to the application: two
    /// targets that differ in nothing else share what is stored. A name that ends
    /// in `*` stands for all that begin so. None by default.
    ///
    /// An application that writes such a parameter into its page, or redirects to
    /// a target with it, gives one client's to the others.
    ///
    /// ```
    /// use axum::{Router, body::{Body, to_bytes}, http::{Request, header}, routing::get};
    /// use tower::ServiceExt;
    /// use turbocache::TurboCache;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let app = Router::new()
    ///     .route("/", get(|| async { ([(header::CACHE_CONTROL, "max-age=60")], "Hello") }))
    ///     .layer(TurboCache::conservative().ignore_query(["utm_*", "gclid", "fbclid"]));
    ///
    /// let ask = async |target| {
    ///     let request = Request::get(target).header("host", "forum.example");
    ///     let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    ///     let status = response.headers()["cache-status"].to_str().unwrap().to_owned();
    ///     to_bytes(response.into_body(), 1024).await.unwrap();
    ///     status
    /// };
    /// assert!(ask("/?page=2&utm_source=a").await.starts_with("turbocache; fwd=uri-miss"));
    /// assert!(ask("/?utm_source=b&page=2").await.starts_with("turbocache; hit"));
    /// assert!(ask("/?utm_source=b&page=3").await.starts_with("turbocache; fwd=uri-miss"));
    /// # }
    /// ```
    ///
    /// An application can say the same for itself, and for one page, by
    /// `No-Vary-Search`. What has a `;` in it always counts, since applications
    /// disagree about what that means. Replaces an earlier
    /// [`keep_query`](Self::keep_query).
    pub fn ignore_query<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let rules = QueryRules::Ignore(Names::new(names));
        self.with(|config| config.query = rules)
    }

    /// The only parameters of the query that make a difference to the application.
    /// A name that ends in `*` stands for all that begin so. All by default.
    ///
    /// To forget one here means that anyone can have the page that he asks for
    /// stored for everyone: name all that the application reads anywhere. They
    /// count in any case, with an index (`id[]`), and with `.` for `_`, as some
    /// applications read them.
    ///
    /// ```
    /// use turbocache::TurboCache;
    ///
    /// let cache = TurboCache::conservative().keep_query(["page", "q"]);
    /// # drop(cache);
    /// ```
    ///
    /// Replaces an earlier [`ignore_query`](Self::ignore_query).
    pub fn keep_query<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let rules = QueryRules::Keep(Names::new(names));
        self.with(|config| config.query = rules)
    }

    /// How many variants of one page are stored (RFC 9111 §4.1): responses for
    /// requests that differ in the fields that `Vary` names. 16 by default, at
    /// least 1.
    ///
    /// With one more, the oldest is forgotten: the one whose fetch or validation was
    /// the longest ago. Who asks for a variant that is stale has it renewed, so what
    /// nobody asks for grows old, and what is asked for stays, as long as there is
    /// room for all that are within one lifetime. To go by the last use instead would
    /// have each hit write to what all threads read.
    pub fn max_variants(self, variants: usize) -> Self {
        self.with(|config| config.max_variants = variants.max(1))
    }

    /// How many variants of one page are stored that somebody in front of the cache
    /// has named ([`Variant`](peregrine_core::Variant)), as one for each user. 64
    /// by default, at least 1; with one more, the least recently used goes, so
    /// that no page can push others out by having many.
    pub fn max_named_variants(self, variants: usize) -> Self {
        self.with(|config| config.max_named_variants = variants.max(1))
    }

    /// For how long a stale page is given where the inner service fails or answers
    /// with 500, 502, 503 or 504, and the page itself says nothing about that
    /// (RFC 5861 §4, RFC 9111 §4.2.4). By default zero for a conservative cache,
    /// which is not at all, and five minutes for a standard one.
    pub fn grace(self, grace: Duration) -> Self {
        self.with(|config| config.policy.grace = grace)
    }

    /// For how long a stale page is given where the connection to the inner service
    /// breaks, which is an error of the service, or a 502 or 504 in front of
    /// something that turns errors into responses; and the page itself says
    /// nothing about that (RFC 9111 §4.2.4). 10 s by default: it bridges a process
    /// that crashes, or is started anew. Zero: not at all. Where
    /// [`grace`](Self::grace) is longer, that counts.
    pub fn stale_if_disconnected(self, time: Duration) -> Self {
        self.with(|config| config.policy.disconnected = time)
    }

    /// Whether a client may ask by `Cache-Control` for a younger page, a stale one,
    /// or only for one that is stored (RFC 9111 §5.2.1). Not by default: any client
    /// could take the application's protection away.
    pub fn honour_request_directives(self, honour: bool) -> Self {
        self.with(|config| config.policy.request_directives = honour)
    }

    /// Whether a call of the inner service goes on, in a task of its own, when the client
    /// whose request it is has left and others wait for its response. Not by default: then
    /// one of those who wait asks anew, for all of them.
    ///
    /// A task of its own has no task-locals. An application that goes by such, set outside
    /// of the cache, as by who is logged in, might begin a page for that user, and end it
    /// as one for everybody. A service that sends requests to somewhere else goes by none,
    /// and spares its upstream what is begun twice.
    ///
    /// ```
    /// use turbocache::TurboCache;
    ///
    /// let in_front_of_a_client = TurboCache::conservative().finish_abandoned(true);
    /// # drop(in_front_of_a_client);
    /// ```
    pub fn finish_abandoned(self, finish: bool) -> Self {
        self.with(|config| config.finish_abandoned = finish)
    }

    /// Whether `Cache-Status` tells the key (RFC 9211 §2.7). Not by default: it
    /// has fields that a proxy in front has added.
    pub fn key_in_cache_status(self, reveal: bool) -> Self {
        self.with(|config| config.reveal_key = reveal)
    }

    /// How the cache calls itself in `Cache-Status` (RFC 9211 §2). `turbocache`
    /// by default.
    ///
    /// # Panics
    ///
    /// If `name` is empty or has characters other than printable ASCII, which
    /// cannot be sent.
    pub fn name(self, name: &str) -> Self {
        let name = CacheName::new(name).expect("a cache's name is printable ASCII");
        self.with(|config| config.name = name)
    }

    /// Where the cache reads the time. [`SystemClock`](crate::SystemClock) by
    /// default.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|config| config.clocks = Clocks::Given(Arc::new(clock)))
    }

    /// Something to look at the cache with while it works.
    pub fn handle(&self) -> TurboCacheHandle {
        TurboCacheHandle::new(Arc::clone(&self.cache))
    }
}

impl<S> Layer<S> for TurboCache {
    type Service = TurboCacheService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TurboCacheService::new(inner, Arc::clone(&self.cache))
    }
}

impl fmt::Debug for TurboCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurboCache")
            .field("config", &self.cache.config)
            .finish_non_exhaustive()
    }
}
