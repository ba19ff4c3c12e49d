//! HTTP/1.1 (RFC 9112) as a client speaks it, on one stream of bytes.
//!
//! Pure are: what is [written](encode) of a request, what the head of an answer
//! [says](head), where its body [ends](framing), and how that is
//! [decoded](decode). [`Conn`] reads and writes, and only when it is polled: it
//! has no task, no channel and no wake-up of its own.
//!
//! What has come is never copied: the values of the fields and the pieces of a
//! body are parts of the buffer that was read into. The request's head stays with
//! the caller, who may want to send it again.
//!
//! In doubt a connection is not used again, and an answer is refused: whoever
//! disagrees with us about where an answer ends could else have the rest of it
//! taken for the answer to somebody else's request (RFC 9112 §11.2).

mod buffer;
mod chunked;
mod conn;
mod decode;
mod encode;
mod failure;
mod framing;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod head;
mod upload;

pub(super) use self::{
    conn::Conn,
    failure::{Failure, Malformed},
};

/// The largest head of an answer, and the largest trailer section, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// How many fields a head or a trailer section may have.
const MAX_FIELDS: usize = 100;
