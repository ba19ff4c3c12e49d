//! Where the programs under test are.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The binary `peregrine`.
///
/// `scripts/test` has just built it and says where in `PEREGRINE_BINARY`.
/// Without that it is built now, so that a bare `cargo test` never tests what
/// was true yesterday.
///
/// # Panics
///
/// If it does not build.
pub fn peregrine() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let built = env::var_os("PEREGRINE_BINARY");
        built.map_or_else(|| build("peregrine-server", "peregrine"), PathBuf::from)
    })
}

/// The forum of `examples/forum`, as a program of its own. It lies beside `peregrine`
/// if that has been built already.
///
/// # Panics
///
/// If it does not build.
pub fn forum() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match env::var_os("PEREGRINE_BINARY") {
        Some(peregrine) => Path::new(&peregrine).with_file_name("forum"),
        None => build("forum", "forum"),
    })
}

/// One of the example applications.
pub fn example_app(name: &str) -> String {
    format!("{}/../examples/apps/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Builds with the profile, and into the folder, that this test was built with.
/// An example in the documentation does not say what that was.
fn build(package: &str, program: &str) -> PathBuf {
    let test = env::current_exe().expect("this test has a path");
    let usual = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    // TARGET/PROFILE/deps/TEST
    let output = match test.ancestors().nth(1) {
        Some(deps) if deps.ends_with("deps") => deps.parent().expect("profiles lie in a folder"),
        _ => &usual.join("debug"),
    };
    let target = output.parent().expect("profiles lie in a folder");
    let profile = match output.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--package", package])
        .args(["--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{package} does not build: {status}");
    output.join(program)
}
