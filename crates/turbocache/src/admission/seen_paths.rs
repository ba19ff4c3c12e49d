use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::PathHash;

/// Paths to which something ever happened: a bit for each hash, never taken back. A
/// path whose bit is set by another one counts as seen, too; so does, in the end, every
/// path, where there are many more of them than bits. Then the cache does what it would
/// do without all this.
///
/// Sequentially consistent, since who invalidates goes by it: see
/// [`Journal`](crate::store::Journal).
pub(super) struct SeenPaths {
    words: Box<[AtomicU64; WORDS]>,
}

/// 32 KiB.
const WORDS: usize = 1 << 12;

impl SeenPaths {
    pub(super) fn new() -> Self {
        let words: Box<[_]> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        let words = words.try_into().expect("there are as many");
        Self { words }
    }

    pub(super) fn add(&self, path: PathHash) {
        let (word, bit) = self.bit(path);
        // Most are there already, and are only read.
        if word.load(SeqCst) & bit == 0 {
            word.fetch_or(bit, SeqCst);
        }
    }

    pub(super) fn may_have(&self, path: PathHash) -> bool {
        let (word, bit) = self.bit(path);
        word.load(SeqCst) & bit != 0
    }

    fn bit(&self, PathHash(hash): PathHash) -> (&AtomicU64, u64) {
        let index = (hash >> 6) as usize % WORDS;
        (&self.words[index], 1 << (hash % 64))
    }
}
