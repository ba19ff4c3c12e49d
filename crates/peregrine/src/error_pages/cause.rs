#[cfg(feature = "buffering")]
mod buffering;

use std::error::Error as StdError;

use http::StatusCode;
use peregrine_upstream_pool::Error;

use super::{chain::Chain, page::Page};

/// An error of a service behind [`ErrorPages`](super::ErrorPages): what a client
/// is to be told of it, and what a developer.
pub trait Cause: StdError + Sized {
    /// For the client.
    fn page(&self) -> Page;

    /// Whether it came of too many requests that wait.
    fn is_queue_full(&self) -> bool {
        false
    }

    /// On one line, for the log.
    fn summary(&self) -> String {
        Chain(self).to_string()
    }

    /// In full, for a developer.
    fn details(&self) -> String {
        self.summary()
    }
}

impl Cause for Error {
    fn is_queue_full(&self) -> bool {
        Self::is_queue_full(self)
    }

    fn page(&self) -> Page {
        let (status, title, explanation) = match () {
            () if self.is_queue_full() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests are waiting",
                "The application is busy. Please try again in a moment.",
            ),
            () if self.is_not_started() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The application could not be started",
                "It will be tried again. The details are in the server's log.",
            ),
            () if self.is_stopping() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server is stopping",
                "Please try again in a moment.",
            ),
            () if self.is_timeout() => (
                StatusCode::GATEWAY_TIMEOUT,
                "The application did not answer in time",
                "Please try again later.",
            ),
            () if self.is_request_body_timeout() => (
                StatusCode::REQUEST_TIMEOUT,
                "The request did not arrive in time",
                "Its body stopped before it was complete.",
            ),
            () if self.is_request_body() => (
                StatusCode::BAD_REQUEST,
                "The request was cut off",
                "Its body ended before it was complete.",
            ),
            () if self.is_unsupported_method() => (
                StatusCode::NOT_IMPLEMENTED,
                "This method is not supported",
                "CONNECT is for proxies; this is none.",
            ),
            () => (
                StatusCode::BAD_GATEWAY,
                "The application gave no proper answer",
                "Please try again. The details are in the server's log.",
            ),
        };
        Page {
            status,
            retry_after: self.retry_after(),
            title,
            explanation,
        }
    }

    fn summary(&self) -> String {
        // A start report is many lines, and in the log since the start failed.
        match self.start_report() {
            Some(_) => self.to_string(),
            None => Chain(self).to_string(),
        }
    }

    fn details(&self) -> String {
        match self.start_report() {
            Some(report) => report.to_string(),
            None => Chain(self).to_string(),
        }
    }
}
