use http::StatusCode;
use peregrine_buffering::request::{BufferError, RequestError};

use super::{Cause, Page};

impl Cause for BufferError {
    fn is_queue_full(&self) -> bool {
        self.is_overloaded()
    }

    fn page(&self) -> Page {
        let (status, title, explanation) = match () {
            () if self.is_too_large() => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The request is too large",
                "What you have sent is larger than this server takes.",
            ),
            () if self.is_overloaded() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests are waiting",
                "The application is busy. Please try again in a moment.",
            ),
            () if self.is_no_space() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "There is no room for this request",
                "Too much is being sent to this server. Please try again in a moment.",
            ),
            () if self.is_client_timeout() => (
                StatusCode::REQUEST_TIMEOUT,
                "The request did not arrive in time",
                "Its body stopped before it was complete.",
            ),
            () => (
                StatusCode::BAD_REQUEST,
                "The request was cut off",
                "Its body ended before it was complete.",
            ),
        };
        Page {
            status,
            retry_after: self.retry_after(),
            title,
            explanation,
        }
    }
}

impl<E: Cause> Cause for RequestError<E> {
    fn page(&self) -> Page {
        match self {
            Self::Body(error) => error.page(),
            Self::Service(error) => error.page(),
        }
    }

    fn is_queue_full(&self) -> bool {
        match self {
            Self::Body(error) => error.is_queue_full(),
            Self::Service(error) => error.is_queue_full(),
        }
    }

    fn summary(&self) -> String {
        match self {
            Self::Body(error) => error.summary(),
            Self::Service(error) => error.summary(),
        }
    }

    fn details(&self) -> String {
        match self {
            Self::Body(error) => error.details(),
            Self::Service(error) => error.details(),
        }
    }
}
