//! Which `No-Vary-Search` the responses for a path have had.

use std::{
    fmt,
    hash::RandomState,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use moka::sync::Cache;

use super::{Key, search_variance::SearchVariance};

/// The latest search variance of each path, up to [`CAPACITY_BYTES`].
///
/// A response says only when it has come which other requests it is for. So the
/// next request for its path is looked up as if its response would say the same,
/// which is what the draft recommends. One that is forgotten costs hits, and never
/// gives anybody a wrong page: what is stored under a simplified key was equivalent
/// to all that have this key.
pub(crate) struct Variances {
    paths: Cache<Bytes, Arc<SearchVariance>, RandomState>,
    /// Nothing was ever said: nobody pays for more than to read this.
    unused: AtomicBool,
}

/// What all paths and their variances may weigh together.
const CAPACITY_BYTES: u64 = 1024 * 1024;
/// What an entry weighs beyond its bytes.
const WEIGHT_OF_ENTRY: usize = 256;

impl Variances {
    pub(crate) fn new() -> Self {
        let paths = Cache::builder()
            .max_capacity(CAPACITY_BYTES)
            .weigher(|path: &Bytes, variance: &Arc<SearchVariance>| {
                let bytes = WEIGHT_OF_ENTRY + path.len() + variance.as_bytes().len();
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .build_with_hasher(RandomState::new());
        Self {
            paths,
            unused: AtomicBool::new(true),
        }
    }

    /// The keys under which a request may be answered whose own is `exact`.
    pub(crate) fn keys(&self, exact: Key) -> Keys {
        let variance = self.of(&exact);
        let general = variance.map(|variance| (exact.under(&variance), variance));
        Keys { exact, general }
    }

    /// A storable 200 for `exact` says `variance`, or nothing. In the first case,
    /// later requests for its path go by it. Whether that is new.
    pub(crate) fn learn(&self, exact: &Key, variance: Option<SearchVariance>) -> bool {
        match variance {
            Some(variance) => {
                if self.of(exact).is_some_and(|known| *known == variance) {
                    return false;
                }
                // A copy: the key may be much longer than its path.
                let path = Bytes::copy_from_slice(&exact.path());
                self.paths.insert(path, Arc::new(variance));
                self.unused.store(false, Relaxed);
                true
            }
            None if self.of(exact).is_none() => false,
            None => {
                self.paths.invalidate(&exact.path());
                true
            }
        }
    }

    fn of(&self, exact: &Key) -> Option<Arc<SearchVariance>> {
        if self.is_unused() {
            return None;
        }
        self.paths.get(&exact.path())
    }

    fn is_unused(&self) -> bool {
        self.unused.load(Relaxed)
    }
}

impl fmt::Debug for Variances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variances")
            .field("unused", &self.is_unused())
            .finish_non_exhaustive()
    }
}

/// The keys of one request.
///
/// Look it up under [each](Self::each), in this order; let it take part in a flight
/// under [`primary`](Self::primary); take what the leader got only if
/// [`may_share`](Self::may_share) says so; and store its response
/// [where it belongs](Self::stored_under), which may be under another key again.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    exact: Key,
    /// The one under which it is equivalent to others, if its path is known for
    /// that.
    general: Option<(Key, Arc<SearchVariance>)>,
}

impl Keys {
    pub(crate) const fn exact(&self) -> &Key {
        &self.exact
    }

    /// All keys under which there may be a response: one, for most requests.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Key> {
        let general = self.general.as_ref().map(|(key, _)| key);
        std::iter::once(&self.exact).chain(general)
    }

    /// The key that it most likely shares with others.
    pub(crate) fn primary(&self) -> &Key {
        self.general.as_ref().map_or(&self.exact, |(key, _)| key)
    }

    /// Whether a response with `variance` to the request with the keys `leader` is
    /// one for this request, too, both having the same primary key.
    pub(crate) fn may_share(&self, leader: &Self, variance: Option<&SearchVariance>) -> bool {
        self.exact == leader.exact
            || variance
                .is_some_and(|variance| self.exact.under(variance) == leader.exact.under(variance))
    }

    /// Where a response with `variance` is stored. If that is not under the exact
    /// key, whatever is stored there is older, would be found first, and is to be
    /// removed.
    ///
    /// One that is not [learned](Variances::learn) from, a redirect for instance,
    /// is for its own target only if nothing else has said the same: nobody would
    /// look for it elsewhere.
    pub(crate) fn stored_under(&self, variance: Option<&SearchVariance>, is_learned: bool) -> Key {
        match (variance, &self.general) {
            (Some(variance), Some((key, assumed))) if **assumed == *variance => key.clone(),
            (Some(variance), _) if is_learned => self.exact.under(variance),
            (Some(_) | None, _) => self.exact.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
