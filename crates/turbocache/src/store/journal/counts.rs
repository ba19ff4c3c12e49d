use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::admission::PathHash;

/// A table of numbers for hashes. Those with the same place are counted together: a
/// word is the number, and below it what tells the last of them from others.
pub(super) struct Counts(Box<[AtomicU64]>);

/// How far was counted for a hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    hash: u64,
    number: u32,
}

/// For 64 KiB each. The more there are, the less often two targets are taken for
/// another one, and a response for it not stored.
const PLACES: usize = 8192;

impl Counts {
    pub(super) fn new() -> Self {
        Self((0..PLACES).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn at(&self, PathHash(hash): PathHash) -> Count {
        Count {
            hash,
            number: number(self.place(hash).load(SeqCst)),
        }
    }

    pub(super) fn add_one(&self, PathHash(hash): PathHash) {
        let next = |word| u64::from(number(word).wrapping_add(1)) << 32 | u64::from(mark(hash));
        // It cannot fail: there is always a next one.
        let _ = self
            .place(hash)
            .fetch_update(SeqCst, SeqCst, |word| Some(next(word)));
    }

    /// Whether there was one since, or may have been. If there was only one here, it
    /// is known which.
    pub(super) fn have_passed(&self, count: Count) -> bool {
        let word = self.place(count.hash).load(SeqCst);
        match number(word).wrapping_sub(count.number) {
            0 => false,
            1 => mark(word) == mark(count.hash),
            _ => true,
        }
    }

    fn place(&self, hash: u64) -> &AtomicU64 {
        // Not the bits of the mark.
        let place = (hash >> 32) as usize % self.0.len();
        &self.0[place]
    }
}

/// The upper half of a word.
const fn number(word: u64) -> u32 {
    (word >> 32) as u32
}

/// The lower half, of a word as of a hash.
#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
const fn mark(word: u64) -> u32 {
    word as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the same place as `hash`.
    fn neighbour(hash: u64) -> PathHash {
        PathHash(hash + 1)
    }

    #[test]
    fn what_is_counted_for_one_is_not_taken_for_another_in_its_place() {
        let (counts, hash) = (Counts::new(), 7 << 32);
        let before = counts.at(PathHash(hash));
        assert!(!counts.have_passed(before));
        counts.add_one(neighbour(hash));
        assert!(!counts.have_passed(before));
        // From here on there is no telling whether its own was among them.
        counts.add_one(neighbour(hash));
        assert!(counts.have_passed(before));
        assert!(!counts.have_passed(counts.at(PathHash(hash))));
    }

    #[test]
    fn what_is_counted_for_itself_is_seen_whatever_is_counted_around_it() {
        for (earlier, later) in [(0, 0), (0, 1), (1, 0), (2, 2)] {
            let (counts, hash) = (Counts::new(), 7 << 32);
            let before = counts.at(PathHash(hash));
            (0..earlier).for_each(|_| counts.add_one(neighbour(hash)));
            counts.add_one(PathHash(hash));
            (0..later).for_each(|_| counts.add_one(neighbour(hash)));
            assert!(counts.have_passed(before), "{earlier} {later}");
        }
    }
}
