//! HTTP/1.1 (RFC 9112) on one connection, for either end of it.
//!
//! An end is a value that is polled: it has no task, no channel and no timer of its
//! own, whoever polls it is woken when there is more to do, and dropped it closes its
//! stream. [`client`] asks, [`server`] answers.
//!
//! What has come is never copied: the values of the fields and the pieces of a body
//! are parts of the buffer that was read into. Heads are parsed by `httparse`, as
//! hyper's are, but for those that are as plain as nearly all are: there, a line that has
//! come before on the same connection means what it meant then. What a head means, where
//! a body ends and what is written are decided here, and where the RFC lets one guess, the
//! message is refused.
//!
//! # Limits
//!
//! | what | at most |
//! |---|---|
//! | a head, or a trailer section | 64 KiB |
//! | fields in either | 100 |
//! | chunk extensions in a whole body | 16 KiB |
//! | interim answers before the final one | 100 |
//! | lines of heads that are remembered on a connection | 32 of 256 bytes |
//! | asked of a stream at once | 128 KiB |

mod buffer;
mod chunked;
pub mod client;
mod decode;
mod encoder;
mod failure;
mod fields;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod lines;
mod outgoing;
pub mod server;

pub use self::failure::{BoxError, Failure, Malformed};

/// The largest head, and the largest trailer section, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// How many fields a head or a trailer section may have.
const MAX_FIELDS: usize = 100;
