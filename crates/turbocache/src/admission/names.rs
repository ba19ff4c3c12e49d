use std::hash::{BuildHasher, RandomState};

/// The hash of a path, with or without its query, under keys that are chosen at
/// random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathHash(pub(crate) u64);

/// A hash of names, for tables of fixed size whose answers are never more than a
/// guess: whoever finds two names with one hash costs us a look-up.
///
/// Folded multiplication, as `wyhash` and its kin do it: each eight bytes are mixed
/// into the state by a product of 128 bits, under two keys that nobody knows. It
/// takes a fifth of what the standard library's hash does, which holds even where
/// hashes are seen.
pub(super) struct Names {
    keys: [u64; 2],
}

impl Names {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        Self {
            // Odd: no product is zero but for one value of the state.
            keys: [0, 1].map(|number: u8| random.hash_one(number) | 1),
        }
    }

    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        let [first, second] = self.keys;
        let mut state = first ^ name.len() as u64;
        let (words, rest) = name.as_chunks::<8>();
        for word in words {
            state = fold(state ^ u64::from_le_bytes(*word), second);
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        state = fold(state ^ u64::from_le_bytes(last), second);
        fold(state, first)
    }
}

/// The upper half of the product laid over the lower one.
const fn fold(one: u64, other: u64) -> u64 {
    let product = (one as u128) * (other as u128);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    let halves = (product as u64, (product >> 64) as u64);
    halves.0 ^ halves.1
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
