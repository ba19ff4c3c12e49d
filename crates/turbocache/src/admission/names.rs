use std::hash::{BuildHasher, Hasher};

use foldhash::quality::RandomState;

/// The hash of a path, with or without its query, under keys that are chosen at
/// random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathHash(pub(crate) u64);

/// The hashes of a target: of all of it, and of its path alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TargetHash {
    pub(crate) target: PathHash,
    pub(crate) path: PathHash,
}

/// A hash of names, for tables of fixed size whose answers are never more than a
/// guess: whoever finds two names with one hash costs us a look-up. That is why it
/// need not be the standard library's, which holds even where hashes are seen, and
/// takes several times as long.
pub(crate) struct Names(RandomState);

impl Names {
    pub(crate) fn new() -> Self {
        Self(RandomState::default())
    }

    pub(crate) fn hash(&self, name: &[u8]) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(name);
        hasher.finish()
    }

    /// For what is in several places.
    pub(crate) fn hasher(&self) -> impl Hasher {
        self.0.build_hasher()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_names_have_different_hashes() {
        let names = Names::new();
        let mut hashes = HashSet::new();
        for number in 0..10_000 {
            for name in [format!("{number}"), format!("/articles/{number}/comments")] {
                assert!(hashes.insert(names.hash(name.as_bytes())), "{name}");
            }
        }
        // What is padded is not what is written.
        assert_ne!(names.hash(b"a"), names.hash(b"a\0"));
        assert_ne!(names.hash(b""), names.hash(&[0; 8]));
    }

    #[test]
    fn every_bit_is_as_often_set_as_not() {
        let names = Names::new();
        let mut set = [0_u32; 64];
        for number in 0..4096 {
            let hash = names.hash(format!("/t/{number}").as_bytes());
            for (bit, count) in set.iter_mut().enumerate() {
                *count += u32::from(hash >> bit & 1 == 1);
            }
        }
        // Ten standard deviations to either side.
        assert!(
            set.iter().all(|count| (1728..=2368).contains(count)),
            "{set:?}"
        );
    }

    #[test]
    fn no_two_caches_hash_alike() {
        assert_ne!(Names::new().hash(b"/"), Names::new().hash(b"/"));
    }
}
