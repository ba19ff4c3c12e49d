use std::sync::Arc;

use crate::{cache::Cache, stats::Stats};

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

    /// Forgets every stored response. A response that is on its way now is not
    /// stored when it is complete, although those who wait for it still get it.
    pub fn clear(&self) {
        self.cache.clear();
    }
}
