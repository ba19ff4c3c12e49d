use tower_layer::Layer;

use super::ErrorPagesService;

/// Layer that turns the pool's errors into responses; see the
/// [module](super) for which.
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorPages {
    details: bool,
}

impl ErrorPages {
    /// Pages that say what happened and no more: fit for production.
    pub const fn new() -> Self {
        Self { details: false }
    }

    /// Pages that also show the error in full, with the start report of an
    /// application that does not start. For development: the report shows
    /// what the application printed.
    pub const fn with_details() -> Self {
        Self { details: true }
    }
}

impl<S> Layer<S> for ErrorPages {
    type Service = ErrorPagesService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ErrorPagesService::new(inner, self.details)
    }
}
