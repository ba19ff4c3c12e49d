use std::{error::Error, fmt, sync::Arc};

use tower::BoxError;

/// Why a body that was read along with others did not come to its end.
#[derive(Clone, Debug)]
pub(super) enum BodyError {
    /// The inner body said so. Every reader gets the same error.
    Inner(Arc<BoxError>),
    TooShort,
    TooLong,
    Panicked,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inner(_) => "the response body failed",
            Self::TooShort => "the response body ended before its declared length",
            Self::TooLong => "the response body is longer than declared",
            Self::Panicked => "the response body panicked",
        })
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Inner(error) => Some(&***error),
            Self::TooShort | Self::TooLong | Self::Panicked => None,
        }
    }
}
