//! Programs that are not part of this workspace.

use std::env;

/// Fails the test, by name, if the machine lacks a program that it needs. A
/// test that cannot look must not pass.
///
/// # Panics
///
/// If `program` is not in `PATH`.
pub fn require(program: &str) {
    assert!(
        has(program),
        "this test needs {program}: run scripts/test, or apt-get install {}",
        package(program)
    );
}

/// Whether `program` is in `PATH`.
pub fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The Debian package that brings `program`.
fn package(program: &str) -> &str {
    match program {
        "node" => "nodejs",
        "chromedriver" => "chromium-driver",
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "this test needs no-such-program: run scripts/test, or apt-get")]
    fn a_missing_program_fails_the_test_by_name() {
        require("no-such-program");
    }

    #[test]
    fn a_program_that_is_there_is_no_reason_to_fail() {
        require("sh");
    }
}
