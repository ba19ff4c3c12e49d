use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use http::HeaderMap;

use super::{Change, Entry, Label, Purge, Scope};
use crate::key::Key;

/// The stored responses for one key, the newest first: RFC 9111 §4, "as determined by the
/// Date header field". They differ in the requests that select them (§4.1).
#[derive(Debug, Default)]
pub(crate) struct Variants {
    entries: Box<[Arc<Entry>]>,
    /// By the clock of the store, which goes on only where it matters.
    last_used: AtomicU64,
}

/// What a key weighs beyond its bytes: what moka keeps for each, and the list of
/// its variants. Measured at 100,000 keys, like the weights of what is in them.
const WEIGHT_OF_KEY: usize = 368;

/// What it weighs more for each label by which it is found: of keys that have more parts
/// than a URI, or are for several queries.
const WEIGHT_OF_PLACE: usize = 176;

/// The most that moka can count for one key.
const MOST: usize = u32::MAX as usize;

impl FromIterator<Arc<Entry>> for Variants {
    fn from_iter<I: IntoIterator<Item = Arc<Entry>>>(entries: I) -> Self {
        Self {
            entries: entries.into_iter().collect(),
            last_used: AtomicU64::new(0),
        }
    }
}

impl Variants {
    /// RFC 9111 §4.1: of those that match, "the most recent". And where "one or more
    /// omits the Vary header field, the cache SHOULD choose the most recent […]
    /// stored response with a valid Vary field value".
    pub(crate) fn select(&self, request: &HeaderMap) -> Option<&Arc<Entry>> {
        self.select_with_place(request).map(|(_, entry)| entry)
    }

    /// The same, and which of them it is.
    pub(super) fn select_with_place(&self, request: &HeaderMap) -> Option<(usize, &Arc<Entry>)> {
        let all = self.iter().enumerate();
        let mut matching = all.filter(|(_, entry)| entry.head.matches(request));
        let newest = matching.next()?;
        let says_by_what = |(_, entry): &(usize, &Arc<Entry>)| !entry.head.vary().is_empty();
        if says_by_what(&newest) {
            return Some(newest);
        }
        Some(matching.find(says_by_what).unwrap_or(newest))
    }

    /// What came last, for whatever request.
    pub(crate) fn newest(&self) -> Option<&Arc<Entry>> {
        self.entries.first()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// What `request`, for which `entry` came, selects by now, if that was asked for later.
    pub(crate) fn newer_than(&self, entry: &Entry, request: &HeaderMap) -> Option<&Arc<Entry>> {
        let mut matching = self.iter().filter(|other| other.head.matches(request));
        matching.find(|other| other.head.requested() > entry.head.requested())
    }

    /// These and another one, which takes the place of all that `request` would
    /// have been given instead of it, and comes before all that were not made later. No
    /// more than `most`, and no more than can be counted: the oldest go.
    pub(crate) fn with(
        &self,
        key: &Key,
        entry: &Arc<Entry>,
        request: &HeaderMap,
        most: usize,
    ) -> Self {
        let mut left = MOST.saturating_sub(weight_of_key(key) + entry.weight());
        let others = self.iter().filter(|other| !other.head.matches(request));
        let kept = others.take_while(|other| {
            let weight = other.weight();
            let fits = weight <= left;
            left = left.saturating_sub(weight);
            fits
        });
        let kept = kept.take(most.saturating_sub(1)).cloned();
        let mut all: Vec<_> = kept.collect();
        let newer = |other: &Arc<Entry>| other.head.is_newer_than(&entry.head);
        let place = all.iter().take_while(|other| newer(other)).count();
        all.insert(place, Arc::clone(entry));
        all.into_iter().collect()
    }

    /// The same, with no memory shared with these.
    pub(super) fn copy(&self) -> Self {
        let copies = self.iter().map(|entry| Arc::new(entry.copy()));
        copies.collect()
    }

    /// What is left of them without `entry`, if it is still among them.
    pub(crate) fn without(&self, entry: &Arc<Entry>) -> Change {
        let others = self.iter().filter(|other| !Arc::ptr_eq(other, entry));
        let left: Self = others.cloned().collect();
        if left.len() == self.len() {
            Change::Keep
        } else {
            Change::Store(left)
        }
    }

    /// What is left of them without what is in `scope`, and how many that were.
    pub(super) fn purge(&self, key: &Key, scope: &Scope, how: Purge) -> (Change, u64) {
        let mut purged = 0;
        let left = self.iter().filter_map(|entry| {
            if !scope.has_entry(key, entry) {
                return Some(Arc::clone(entry));
            }
            purged += 1;
            match how {
                Purge::Hard => None,
                Purge::Soft => Some(Arc::new(entry.soft_purged())),
            }
        });
        let left: Self = left.collect();
        match purged {
            0 => (Change::Keep, 0),
            _ => (Change::Store(left), purged),
        }
    }

    /// Somebody has asked for one of them. Written only where it says something
    /// new: many threads read this at once.
    pub(super) fn use_at(&self, tick: u64) {
        if self.last_used.load(Relaxed) != tick {
            self.last_used.store(tick, Relaxed);
        }
    }

    pub(super) fn last_used(&self) -> u64 {
        self.last_used.load(Relaxed)
    }

    /// Every label of every one of them, as often as it occurs.
    pub(super) fn labels(&self) -> impl Iterator<Item = &Label> {
        self.iter().flat_map(|entry| entry.head.labels())
    }

    /// Bytes, as near as can be told.
    pub(super) fn weight(&self, key: &Key) -> u32 {
        let entries: usize = self.iter().map(|entry| entry.weight()).sum();
        u32::try_from(weight_of_key(key) + entries).unwrap_or(u32::MAX)
    }
}

fn weight_of_key(key: &Key) -> usize {
    let places = usize::from(key.plain().is_some()) + usize::from(key.is_general());
    WEIGHT_OF_KEY + places * WEIGHT_OF_PLACE + key.len()
}
