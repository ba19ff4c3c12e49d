use std::sync::Arc;

use crate::{
    CollapsedRequest, StoredResponse,
    cache::Cache,
    stats::Stats,
    store::{Purge, Scope},
};

/// Looks at a cache, and empties it, from outside of the requests.
///
/// Cheap to clone. It does not keep a cache alive in any sense but memory.
///
/// ```
/// use turbocache::TurboCache;
///
/// let cache = TurboCache::conservative();
/// let handle = cache.handle();
/// // `cache` goes into a router, `handle` into an admin page.
/// # drop(cache);
/// handle.clear();
/// assert_eq!(handle.stats().entries, 0);
/// ```
#[derive(Clone, Debug)]
pub struct TurboCacheHandle {
    cache: Arc<Cache>,
}

impl TurboCacheHandle {
    pub(crate) const fn new(cache: Arc<Cache>) -> Self {
        Self { cache }
    }

    /// A snapshot. The numbers are read one after the other, so under load they
    /// need not add up to the last one.
    pub fn stats(&self) -> Stats {
        self.cache.stats()
    }

    /// What is stored in `scope`, as it is now: a look, which changes nothing and
    /// counts as no hit. Each variant of a page is one.
    pub fn look_at(&self, scope: &Scope) -> Vec<StoredResponse> {
        let now = self.cache.instant();
        let found = self.cache.find(scope).into_iter();
        found.map(|entry| StoredResponse::new(entry, now)).collect()
    }

    /// The requests that are collapsed now, the oldest first: they wait for the
    /// response to another one, or read it along. What has led that one forward is
    /// with the inner service, and is not among them.
    pub fn collapsed_requests(&self) -> Vec<CollapsedRequest> {
        self.cache.collapsed.look(self.cache.instant())
    }

    /// Removes what is in `scope`, and says how many stored responses that were;
    /// each variant of a page counts.
    ///
    /// A response that is on its way now is not stored when it is complete if it
    /// is in `scope`, too; those who wait for it already still get it, those who
    /// come later do not.
    pub fn purge(&self, scope: &Scope) -> u64 {
        self.cache.purge(scope, Purge::Hard)
    }

    /// Makes what is in `scope` stale. It is validated at the next request
    /// (RFC 9111 §4.3), and may be given meanwhile, unless it forbids that.
    ///
    /// Says how many stored responses that were. What is on its way now is treated
    /// as by [`purge`](Self::purge).
    pub fn purge_softly(&self, scope: &Scope) -> u64 {
        self.cache.purge(scope, Purge::Soft)
    }

    /// Forgets every stored response: [`purge`](Self::purge) of
    /// [`Scope::everything`].
    pub fn clear(&self) {
        self.purge(&Scope::everything());
    }
}
