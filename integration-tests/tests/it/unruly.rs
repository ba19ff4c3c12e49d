//! The application of `src/bin/unruly-app.rs`, served.

use integration_tests::Server;

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_unruly-app");

/// A folder that needs nothing in it.
pub(crate) const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// Serves it.
pub(crate) async fn start(options: &[&str]) -> Server {
    let args = [&["start", FOLDER], options, &["--", PROGRAM]].concat();
    Server::start(&args).await
}

/// Serves it by one process, which takes one request at a time: a slot that is
/// lost is the only one.
pub(crate) async fn start_with_one_slot(options: &[&str]) -> Server {
    start(&[&["--max-pool-size", "1"], options].concat()).await
}
