//! The public test suite for HTTP caches, run against the whole server: see
//! `conformance/README.md`.

mod expected;
mod explained;
mod outcome;
mod suite;

pub use self::{
    expected::Expected,
    explained::Explained,
    outcome::{Kind, Outcome},
    suite::{run, why_not},
};

/// The folder of the suite, of its driver and of the lists.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance");
