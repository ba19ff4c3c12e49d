//! The pool with real processes: small ones, of `python3` and `sh`.
#![expect(dead_code, reason = "the helpers for the tests to come")]

mod exchange;
mod support;
