//! The public test suite for HTTP caches finds what `conformance/expected`
//! lists, in each mode of the cache.
//!
//! A program of its own, which cargo runs when the others have ended: the suite goes
//! by the clock, a second is long enough in it to make a page stale, and on a machine
//! full of browsers a second is short.

use std::{
    collections::BTreeSet,
    env,
    io::{self, Write},
};

use integration_tests::conformance::{self, Expected, Explained, Kind};

#[tokio::test]
async fn conformance_of_the_conservative_mode_is_as_listed() {
    is_as_listed("conservative").await;
}

#[tokio::test]
async fn conformance_of_the_standard_mode_is_as_listed() {
    is_as_listed("standard").await;
}

#[test]
fn conformance_is_explained_where_it_is_missing() {
    for mode in ["conservative", "standard"] {
        let explained = Explained::of(mode);
        let expected = Expected::of(mode);
        let not_passed: BTreeSet<_> = expected.not_passed().map(|test| test.id.clone()).collect();
        let unexplained: Vec<_> = not_passed.difference(&explained.ids).collect();
        let passed: Vec<_> = explained.ids.difference(&not_passed).collect();
        assert!(
            unexplained.is_empty() && passed.is_empty(),
            "docs/conformance.md says nothing of {unexplained:?}, \
             and explains {passed:?}, which is passed with --cache {mode}"
        );
        let tallies = Kind::ALL.map(|kind| {
            let (passed, all) = expected.tally(kind);
            format!("{passed} of {all}")
        });
        assert_eq!(
            explained.tallies, tallies,
            "docs/conformance.md, --cache {mode}"
        );
    }
}

async fn is_as_listed(mode: &str) {
    if let Some(missing) = conformance::why_not() {
        // Past the test harness, which would keep it to itself.
        let _ = writeln!(
            io::stderr(),
            "SKIPPED: the conformance of --cache {mode}, because there is no {missing} here"
        );
        return;
    }
    let found = conformance::run(mode).await;
    if env::var_os("UPDATE_EXPECTED").is_some() {
        Expected::write(mode, &found).expect("the list can be written");
        return;
    }
    if let Some(diff) = Expected::of(mode).diff(&found) {
        panic!(
            "the conformance of --cache {mode} is not as listed:\n{diff}\
             If that is for the better, say in docs/conformance.md what there is to \
             say, and: UPDATE_EXPECTED=1 cargo test -p integration-tests conformance"
        );
    }
}
