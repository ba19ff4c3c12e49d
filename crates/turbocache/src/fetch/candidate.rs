use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bytes::{Bytes, BytesMut};

use super::Fetch;
use crate::{
    cache::Inserted,
    key::{search_variance::SearchVariance, variances::Keys},
    policy::storable::NotStored,
    range::field::ContentRange,
    store::{Content, Entry, Head},
};

/// A response that is stored as soon as its body is complete.
pub(crate) struct Candidate {
    pub(super) fetch: Fetch,
    pub(crate) head: Head,
    /// The length of the body, if known.
    pub(crate) length: Option<u64>,
    /// Which part it is, if it is one.
    pub(super) part: Option<ContentRange>,
    /// It is put together with what is stored for the one who asked, and not kept.
    pub(super) transient: bool,
    pub(super) variance: Option<SearchVariance>,
    /// That it is stored, once it is.
    pub(super) is_stored: AtomicBool,
}

impl Candidate {
    /// How many bytes its body may have.
    pub(crate) fn max_body(&self) -> u64 {
        self.fetch.miss.cache.config.max_entry_bytes
    }

    /// Whether a request with these keys may have it.
    pub(crate) fn is_for(&self, keys: &Keys) -> bool {
        keys.may_share(&self.fetch.miss.keys, self.variance.as_ref())
    }

    /// Stores it with its complete body. For those who wait for it already it is there
    /// also if it was purged meanwhile, and is not stored.
    pub(crate) fn store(&self, chunks: &[Bytes]) -> Option<Arc<Entry>> {
        let body = in_one_piece(chunks);
        if let Some(part) = self.part {
            return self.store_part(part, &body);
        }
        let shapes = &self.fetch.miss.cache.shapes;
        let entry = Arc::new(Entry {
            head: self.head.clone().complete(body.len() as u64, shapes),
            content: Content::Whole(body),
        });
        let inserted = self.fetch.insert(&entry, self.variance.as_ref());
        if matches!(inserted, Inserted::Stored(_)) {
            self.is_stored.store(true, Relaxed);
        }
        Some(entry)
    }

    /// Whether it is stored by now.
    pub(crate) fn is_stored(&self) -> bool {
        self.is_stored.load(Relaxed)
    }

    /// It is not stored after all.
    pub(crate) fn refuse(&self, reason: NotStored) {
        self.fetch.refuse(reason);
    }
}

/// The body in memory of its own. The chunks are slices of read buffers that
/// may be much larger than what is in them, and are let go of here.
fn in_one_piece(chunks: &[Bytes]) -> Bytes {
    let mut body = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
    for chunk in chunks {
        body.extend_from_slice(chunk);
    }
    body.freeze()
}
