use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::Full;

/// What to tell a client whose request was not answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) title: &'static str,
    pub(super) explanation: &'static str,
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
        // Once through the names is cheaper than to look for one.
        let mut fields = headers.iter();
        if fields.any(|(name, value)| *name == ACCEPT && names_html(value)) {
            Self::Html
        } else {
            Self::Text
        }
    }
}

impl Page {
    /// The page in the form the client reads; `details` only for developers.
    pub(super) fn into_response(
        self,
        format: Format,
        details: Option<&str>,
    ) -> Response<Full<Bytes>> {
        let (content_type, body) = match format {
            Format::Html => ("text/html; charset=utf-8", self.html(details)),
            Format::Text => ("text/plain; charset=utf-8", self.text(details)),
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
