use std::{error::Error as StdError, fmt, io, time::Duration};

use tower::BoxError;

/// Why a request was not answered.
#[derive(Debug)]
pub enum RequestError<E> {
    /// Its body could not be buffered. The service has not heard of it.
    Body(BufferError),
    /// The service failed.
    Service(E),
}

/// Why a body could not be buffered.
///
/// What a client is told is for the composition to say; the usual status is
/// named at each question.
#[derive(Debug)]
pub struct BufferError(Kind);

#[derive(Debug)]
enum Kind {
    TooLarge { max: u64 },
    NoSpace,
    Overloaded,
    Storage(io::Error),
    Client(BoxError),
}

/// How long a client is asked to wait when there is no space: uploads take
/// their time.
const SPACE_RETRY: Duration = Duration::from_secs(5);

/// How long a client is asked to wait when the service has too much to do.
const OVERLOAD_RETRY: Duration = Duration::from_secs(1);

impl BufferError {
    pub(super) const fn too_large(max: u64) -> Self {
        Self(Kind::TooLarge { max })
    }

    pub(super) const fn no_space() -> Self {
        Self(Kind::NoSpace)
    }

    pub(super) const fn overloaded() -> Self {
        Self(Kind::Overloaded)
    }

    pub(super) const fn storage(error: io::Error) -> Self {
        Self(Kind::Storage(error))
    }

    pub(super) fn client(error: impl Into<BoxError>) -> Self {
        Self(Kind::Client(error.into()))
    }

    /// The body is longer than it may be: 413.
    pub const fn is_too_large(&self) -> bool {
        matches!(self.0, Kind::TooLarge { .. })
    }

    /// There is no space for it, in all files together or on the disk: 503,
    /// with [`retry_after`](Self::retry_after). RFC 9110 §15.5.14 would allow a
    /// 413 as well, but this client's body is not the one that is too large.
    pub const fn is_no_space(&self) -> bool {
        matches!(self.0, Kind::NoSpace | Kind::Storage(_))
    }

    /// The service has too much to do: 503, with
    /// [`retry_after`](Self::retry_after).
    pub const fn is_overloaded(&self) -> bool {
        matches!(self.0, Kind::Overloaded)
    }

    /// The client's body broke off: 400, or
    /// [408](Self::is_client_timeout).
    pub const fn is_client(&self) -> bool {
        matches!(self.0, Kind::Client(_))
    }

    /// The client's body failed because the client was too slow: 408. True if
    /// a [`TimedOut`](io::ErrorKind::TimedOut) error is among the sources.
    pub fn is_client_timeout(&self) -> bool {
        let mut source = self.source().filter(|_| self.is_client());
        while let Some(error) = source {
            if let Some(error) = error.downcast_ref::<io::Error>()
                && error.kind() == io::ErrorKind::TimedOut
            {
                return true;
            }
            source = error.source();
        }
        false
    }

    /// When the client may try again, for `Retry-After` (RFC 9110 §10.2.3).
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.0 {
            Kind::NoSpace | Kind::Storage(_) => Some(SPACE_RETRY),
            Kind::Overloaded => Some(OVERLOAD_RETRY),
            Kind::TooLarge { .. } | Kind::Client(_) => None,
        }
    }
}

impl fmt::Display for BufferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::TooLarge { max } => write!(f, "the request body has more than {max} bytes"),
            Kind::NoSpace => f.write_str("there is no space left for request bodies"),
            Kind::Overloaded => f.write_str("too many requests are waiting"),
            Kind::Storage(_) => f.write_str("the request body could not be written to a file"),
            Kind::Client(_) => f.write_str("the client did not send its whole request body"),
        }
    }
}

impl StdError for BufferError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Kind::Storage(error) => Some(error),
            Kind::Client(error) => Some(error.as_ref()),
            Kind::TooLarge { .. } | Kind::NoSpace | Kind::Overloaded => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for RequestError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(error) => error.fmt(f),
            Self::Service(error) => error.fmt(f),
        }
    }
}

/// It prints the error that it is, so it has that one's source.
impl<E: StdError> StdError for RequestError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Body(error) => error.source(),
            Self::Service(error) => error.source(),
        }
    }
}
