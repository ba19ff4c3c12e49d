use std::{error::Error, fmt};

use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// A tag or group has a name that cannot be sent, or that a cache would not keep:
/// it is empty, longer than 1024 bytes, has characters that it must not have, or
/// there are more than 256 of them.
///
/// As a response, it is a 500: to send the page without its name would mean that
/// nobody could invalidate it.
#[derive(Debug)]
#[non_exhaustive]
pub struct InvalidName {
    pub(super) name: String,
}

impl InvalidName {
    /// The name, or the one too many.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot be the name of a tag or group: {:?}", self.name)
    }
}

impl Error for InvalidName {}

impl IntoResponse for InvalidName {
    fn into_response(self) -> Response {
        tracing::error!(name = self.name, "cannot be the name of a tag or group");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
