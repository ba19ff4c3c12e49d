use http::StatusCode;
use tower_layer::Layer;

use super::ErrorPagesService;

/// Layer that turns the pool's errors into responses; see the
/// [module](super) for which.
#[derive(Clone, Copy, Debug)]
pub struct ErrorPages {
    pub(super) details: bool,
    pub(super) overflow: StatusCode,
}

impl ErrorPages {
    /// Pages that say what happened and no more: fit for production.
    pub const fn new() -> Self {
        Self {
            details: false,
            overflow: StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Pages that also show the error in full, with the start report of an
    /// application that does not start. For development: the report shows
    /// what the application printed.
    pub const fn with_details() -> Self {
        let mut pages = Self::new();
        pages.details = true;
        pages
    }

    /// The status of an answer to a request for which there is no room in the queue,
    /// as Passenger's `passenger_request_queue_overflow_status_code`. Default: 503.
    #[must_use]
    pub const fn queue_overflow_status(mut self, status: StatusCode) -> Self {
        self.overflow = status;
        self
    }
}

impl Default for ErrorPages {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ErrorPages {
    type Service = ErrorPagesService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ErrorPagesService::new(inner, *self)
    }
}
