use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::Full;
use peregrine_upstream_pool::Error;

use super::chain::Chain;

/// What to tell a client whose request was not answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    retry_after: Option<Duration>,
    title: &'static str,
    explanation: &'static str,
}

/// In which form the client reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Html,
    Text,
}

impl Format {
    /// Browsers name HTML in `Accept`, whatever else they take; tools don't.
    pub(super) fn wanted_by(headers: &HeaderMap) -> Self {
        let names_html = |line: &HeaderValue| {
            line.as_bytes()
                .windows(b"text/html".len())
                .any(|part| part.eq_ignore_ascii_case(b"text/html"))
        };
        if headers.get_all(ACCEPT).iter().any(names_html) {
            Self::Html
        } else {
            Self::Text
        }
    }
}

impl Page {
    pub(super) fn about(error: &Error) -> Self {
        let (status, title, explanation) = match () {
            () if error.is_queue_full() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests are waiting",
                "The application is busy. Please try again in a moment.",
            ),
            () if error.is_not_started() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The application could not be started",
                "It will be tried again. The details are in the server's log.",
            ),
            () if error.is_stopping() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The server is stopping",
                "Please try again in a moment.",
            ),
            () if error.is_timeout() => (
                StatusCode::GATEWAY_TIMEOUT,
                "The application did not answer in time",
                "Please try again later.",
            ),
            () if error.is_request_body_timeout() => (
                StatusCode::REQUEST_TIMEOUT,
                "The request did not arrive in time",
                "Its body stopped before it was complete.",
            ),
            () if error.is_request_body() => (
                StatusCode::BAD_REQUEST,
                "The request was cut off",
                "Its body ended before it was complete.",
            ),
            () if error.is_unsupported_method() => (
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
        Self {
            status,
            retry_after: error.retry_after(),
            title,
            explanation,
        }
    }

    /// The page in the form the client reads; `details` only for developers.
    pub(super) fn into_response(
        self,
        format: Format,
        details: Option<&Error>,
    ) -> Response<Full<Bytes>> {
        let details = details.map(|error| match error.start_report() {
            Some(report) => report.to_string(),
            None => Chain(error).to_string(),
        });
        let (content_type, body) = match format {
            Format::Html => ("text/html; charset=utf-8", self.html(details.as_deref())),
            Format::Text => ("text/plain; charset=utf-8", self.text(details.as_deref())),
        };

        let mut response = Response::new(Full::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            // The field has whole seconds; a client that comes a little later
            // finds what one that comes too early would not.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn text(&self, details: Option<&str>) -> String {
        let Self {
            title, explanation, ..
        } = self;
        let details = details.map(|text| format!("\n{}\n", text.trim_end()));
        format!("{title}.\n{explanation}\n{}", details.unwrap_or_default())
    }

    fn html(&self, details: Option<&str>) -> String {
        let Self {
            status,
            title,
            explanation,
            ..
        } = self;
        let details = details.map(|text| format!("<pre>{}</pre>\n", escape(text)));
        format!(
            include_str!("page.html"),
            status = status.as_u16(),
            title = title,
            explanation = explanation,
            details = details.unwrap_or_default(),
        )
    }
}

/// An application's output may contain anything, its visitors' input too.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_html_and_tools_text() {
        let cases = [
            (
                "a browser",
                "text/html,application/xhtml+xml,*/*;q=0.8",
                Format::Html,
            ),
            ("curl", "*/*", Format::Text),
            ("an API client", "application/json", Format::Text),
        ];
        for (name, accept, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Format::wanted_by(&headers), expected, "{name}");
        }
        assert_eq!(Format::wanted_by(&HeaderMap::new()), Format::Text);
    }

    #[test]
    fn what_the_application_printed_cannot_become_markup() {
        let page = Page {
            status: StatusCode::BAD_GATEWAY,
            retry_after: None,
            title: "Title",
            explanation: "Explanation.",
        };
        let html = page.html(Some("<script>\"&"));
        assert!(html.contains("&lt;script&gt;&quot;&amp;"), "{html}");
        assert!(!html.contains("<script"), "{html}");
        let text = page.text(Some("<script>"));
        assert!(text.contains("<script>"), "{text}");
    }
}
