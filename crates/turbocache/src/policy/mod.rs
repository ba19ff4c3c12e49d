//! What RFC 9111 lets a shared cache do, as pure functions.
//!
//! Nothing here waits, locks or reads a clock: values go in, `now` among them,
//! and an answer comes out whose refusals have names. One file for each
//! question, each with its table of cases.

pub(crate) mod directives;
pub(crate) mod freshness;
pub(crate) mod request;
pub(crate) mod storable;
