use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};

/// Why the server does not do what it was asked: RFC 9457.
///
/// `type` is absent, which means `about:blank`: what there is to know for a
/// program is in `code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Problem {
    /// The status in words.
    pub(super) title: String,
    /// The status of the answer.
    pub(super) status: u16,
    /// Which problem this is, in a word that does not change.
    pub(super) code: String,
    /// What is wrong, in a sentence.
    pub(super) detail: String,
    /// Why no process could be started, over several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) report: Option<String>,
}

impl Problem {
    /// The server does not have the process that it was asked about.
    pub(super) const UNKNOWN_PROCESS: &str = "unknown-process";

    pub(super) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            report: None,
        }
    }

    pub(super) fn with_report(mut self, report: Option<String>) -> Self {
        self.report = report;
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self)).into_response();
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, problem);
        response
    }
}
