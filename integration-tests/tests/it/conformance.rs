//! The public test suite for HTTP caches finds what `conformance/expected`
//! lists, in each mode of the cache.

use std::{
    env,
    io::{self, Write},
};

use integration_tests::conformance::{self, Expected};

#[tokio::test]
async fn conformance_of_the_conservative_mode_is_as_listed() {
    is_as_listed("conservative").await;
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
             If that is for the better: UPDATE_EXPECTED=1 cargo test -p integration-tests conformance"
        );
    }
}
