use std::{error::Error as StdError, fmt, io};

use crate::error::BoxError;

/// Why an exchange does not come to its end.
#[derive(Debug)]
pub(in crate::connection) enum Failure {
    /// What came is not HTTP/1, or not to be trusted.
    Malformed(Malformed),
    /// The request's body failed, or is not as long as its head says.
    RequestBody(BoxError),
    /// The connection broke, or was closed in the midst of the answer.
    Closed(io::Error),
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::connection) enum Malformed {
    Head(httparse::Error),
    HeadTooLarge,
    TooManyFields,
    TooManyInterim,
    NotOffered,
    TransferEncoding,
    ContentLength,
    ChunkSize,
    ChunkEnd,
    ChunkExtensions,
    Trailers,
    Unasked,
}

impl Failure {
    pub(super) fn cut_off() -> Self {
        Self::Closed(io::ErrorKind::UnexpectedEof.into())
    }
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head(error) => return write!(f, "malformed head: {error}"),
            Self::HeadTooLarge => "the head is too large",
            Self::TooManyFields => "there are too many fields",
            Self::TooManyInterim => "one interim response follows the other",
            Self::NotOffered => "101 to something that was not offered",
            Self::TransferEncoding => "a transfer coding that nobody has asked for",
            Self::ContentLength => "invalid Content-Length",
            Self::ChunkSize => "invalid chunk size",
            Self::ChunkEnd => "a chunk does not end where it should",
            Self::ChunkExtensions => "the chunk extensions are too long",
            Self::Trailers => "malformed trailer section",
            Self::Unasked => "bytes that nobody asked for",
        })
    }
}

impl StdError for Malformed {}
