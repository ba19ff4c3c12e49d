use std::{error::Error as StdError, fmt, io};

use http::StatusCode;

/// Whatever a body fails with.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why an exchange does not come to its end.
#[derive(Debug)]
pub enum Failure {
    /// What came is not HTTP/1, or not to be trusted.
    Malformed(Malformed),
    /// The body that was to be sent failed, or is not as long as its head says.
    Body(BoxError),
    /// The connection broke, or was closed in the midst of a message.
    Closed(io::Error),
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// The head is not one (RFC 9112 §2.1).
    Head(httparse::Error),
    /// A request in another version than HTTP/1.0 and HTTP/1.1 (RFC 9110 §15.6.6).
    Version,
    /// The target of a request is none (RFC 9112 §3.2).
    Target,
    /// The target of a request alone has over 64 KiB.
    TargetTooLong,
    /// The head has over 64 KiB.
    HeadTooLarge,
    /// The head or the trailer section has over 100 fields.
    TooManyFields,
    /// There are over 100 interim answers.
    TooManyInterim,
    /// `101 Switching Protocols` to something that was not offered (RFC 9110 §7.8).
    NotOffered,
    /// A transfer coding that nobody can undo, or that there cannot be (RFC 9112 §6.1).
    TransferEncoding,
    /// A request in a transfer coding that is unknown, and in chunks (RFC 9112 §6.1).
    UnknownCoding,
    /// `Content-Length` is no length, or several (RFC 9112 §6.3).
    ContentLength,
    /// A chunk does not begin with its size (RFC 9112 §7.1).
    ChunkSize,
    /// A chunk does not end where its size says.
    ChunkEnd,
    /// The chunk extensions of a body have over 16 KiB.
    ChunkExtensions,
    /// The trailer section is not one (RFC 9112 §7.1.2).
    Trailers,
    /// Bytes came when nothing was asked for.
    Unasked,
}

impl Failure {
    pub(crate) fn cut_off() -> Self {
        Self::Closed(io::ErrorKind::UnexpectedEof.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed(_) => "what came is not HTTP/1",
            Self::Body(_) => "the body that was to be sent failed",
            Self::Closed(_) => "the connection was closed",
        })
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(match self {
            Self::Malformed(why) => why,
            Self::Body(why) => &**why,
            Self::Closed(why) => why,
        })
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
            Self::Version => "another version of HTTP",
            Self::Target => "the target of the request is none",
            Self::TargetTooLong => "the target of the request is too long",
            Self::HeadTooLarge => "the head is too large",
            Self::TooManyFields => "there are too many fields",
            Self::TooManyInterim => "one interim response follows the other",
            Self::NotOffered => "101 to something that was not offered",
            Self::TransferEncoding => "a Transfer-Encoding that leaves it open where the body ends",
            Self::UnknownCoding => "a transfer coding that is not known here",
            Self::ContentLength => "invalid Content-Length",
            Self::ChunkSize => "invalid chunk size",
            Self::ChunkEnd => "a chunk does not end where it should",
            Self::ChunkExtensions => "the chunk extensions are too long",
            Self::Trailers => "malformed trailer section",
            Self::Unasked => "bytes that nobody asked for",
        })
    }
}

impl Malformed {
    /// Whether it is a head that is larger than may be, but may be well otherwise.
    #[must_use]
    pub const fn is_too_large(self) -> bool {
        matches!(
            self,
            Self::HeadTooLarge | Self::TooManyFields | Self::TargetTooLong
        )
    }

    /// What a server answers to it.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::HeadTooLarge | Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::UnknownCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl StdError for Malformed {}
