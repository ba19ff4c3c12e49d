//! What we do, and what the crate `http-cache-semantics` does.
//!
//! Both are given the same exchange, the same time that passes, and the same next
//! request. Is the response stored? Is it given to the next one? How old is it
//! said to be? Where the answers differ, the difference has a name and a reason,
//! in [`difference`]; one that has none fails.
//!
//! That crate stands for what many clients of HTTP in Rust do. It follows RFC
//! 7234, reads fields in a simple way, and leaves variants, ranges and targeted
//! fields to who uses it: so most of the differences are things that it does not
//! look at. They are listed all the same, because each is a place where someone
//! who comes from there may be surprised.

mod case;
mod difference;
mod ours;
mod theirs;

use std::collections::BTreeSet;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use crate::{case::Case, difference::Difference};

/// What a cache made of a [`Case`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The response may be used for the next request without asking; if so, this
    /// is its age in seconds.
    pub(crate) reused: Option<u64>,
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_difference_has_a_reason(case in case::any()) {
        let (ours, theirs) = (ours::verdict(&case), theirs::verdict(&case));
        prop_assert!(
            ours == theirs || Difference::of(&case, ours, theirs).is_some(),
            "we: {ours:?}, they: {theirs:?}"
        );
    }
}

#[test]
fn every_reason_is_that_of_a_difference() {
    let mut runner = TestRunner::deterministic();
    let known: BTreeSet<_> = Difference::ALL.into_iter().collect();
    let mut seen = BTreeSet::new();
    let (mut both, mut neither) = (0, 0);
    // Some are rare. Usually this ends long before.
    for _ in 0..50_000 {
        let case: Case = case::any().new_tree(&mut runner).unwrap().current();
        let (ours, theirs) = (ours::verdict(&case), theirs::verdict(&case));
        if ours != theirs {
            seen.extend(Difference::of(&case, ours, theirs));
        } else if ours.reused.is_some() {
            both += 1;
        } else {
            neither += 1;
        }
        // The list is not a way to agree about nothing.
        if seen == known && both > 200 && neither > 200 {
            return;
        }
    }
    panic!("{:?} not seen; {both} {neither}", known.difference(&seen));
}
