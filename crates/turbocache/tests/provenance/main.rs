//! Whatever comes out of the cache could have come from the origin.
//!
//! An origin that says anything about its pages, in any order, with or without
//! changing them, stands behind the cache; one client after another asks for
//! them, writes to them, and lets time pass. Every exchange with the origin is
//! in a log. Then each answer is held against the log, by rules that are written
//! from RFC 9111 again and share nothing with the cache: which response is it
//! made of, and was that one for this client, at that time?
//!
//! What is *not* stored is no business of this test: a cache that stores nothing
//! passes it. So [`the_test_is_not_about_nothing`] counts what it has seen.

mod clock;
mod directives;
mod judge;
mod log;
mod origin;
mod script;
mod world;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use crate::{
    script::Step,
    world::{Mode, World},
};

proptest! {
    #![proptest_config(Config { max_shrink_iters: 20_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_comes_out_could_have_come_from_the_origin(
        mode in prop_oneof![Just(Mode::Conservative), Just(Mode::Standard)],
        script in script::any(),
    ) {
        if let Err(broken) = World::play(mode, &script) {
            return Err(TestCaseError::fail(broken));
        }
    }
}

#[test]
fn the_test_is_not_about_nothing() {
    let mut runner = TestRunner::deterministic();
    for mode in [Mode::Conservative, Mode::Standard] {
        let mut seen = world::Seen::default();
        for _ in 0..200 {
            let script: Vec<Step> = script::any().new_tree(&mut runner).unwrap().current();
            seen += World::play(mode, &script).unwrap();
        }
        assert!(seen.answers > 2000, "{mode:?}: {seen:?}");
        assert!(seen.reused > 500, "{mode:?}: {seen:?}");
    }
}
