use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::{caching::Keep, level::Level, store::StoreError};

/// Why there is no answer: what we rely on does not work.
///
/// The reader is told no more than that, whoever runs the forum finds the rest in
/// the log.
#[derive(Debug)]
pub(crate) struct Problem(StoreError);

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        eprintln!("forum: {}", self.0);
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            Keep::ForNobody.said_to(Level::Visitor),
            "Something is wrong with the forum. Please try again later.\n",
        )
            .into_response()
    }
}
