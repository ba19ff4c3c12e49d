//! One request for a page: who asks, and in which form he wants it.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
    request::Parts,
};
use maud::Markup;
use serde::Serialize;

use crate::{
    Forum,
    caching::{self, Keep},
    identity::Viewer,
    level::Level,
    pages::{self, Place},
};

/// The form in which a page is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Whole, to be shown by any browser.
    Html,
    /// What differs from page to page, for our own script. It has an address of its
    /// own, below [`JSON`], so that nobody ever takes the one for the other.
    Json,
}

/// Where pages are as JSON.
pub(crate) const JSON: &str = "/json";

/// A page, as far as it differs from others.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) title: String,
    pub(crate) place: Place,
    pub(crate) content: Markup,
    pub(crate) keep: Keep,
}

/// Who asks, and for which form.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) viewer: Viewer,
    form: Form,
    forum: Forum,
}

/// A page as JSON.
#[derive(Serialize)]
struct Parcel<'a> {
    title: &'a str,
    place: &'a str,
    level: &'a str,
    html: &'a str,
}

impl Visit {
    pub(crate) fn level(&self) -> Level {
        self.viewer.level()
    }

    /// A page, rendered for who asks.
    pub(crate) async fn show(&self, page: Page) -> Response {
        self.forum.render_slowly().await;
        let level = self.level();
        let inside = pages::inside(&page, level);
        let (content_type, body) = match self.form {
            Form::Html => {
                let whole = pages::around(&page, &inside, level);
                ("text/html; charset=utf-8", whole.into_string())
            }
            Form::Json => {
                let parcel = Parcel {
                    title: &page.title,
                    place: page.place.as_str(),
                    level: level.as_str(),
                    html: &inside.0,
                };
                let parcel = serde_json::to_string(&parcel);
                ("application/json", parcel.expect("strings are JSON"))
            }
        };
        (
            page.status,
            page.keep.said_to(level),
            caching::etag(&body),
            [(CONTENT_TYPE, HeaderValue::from_static(content_type))],
            body,
        )
            .into_response()
    }

    /// Sends who asks on to another page, which he gets in the same form.
    pub(crate) fn see(&self, path: &str, keep: Keep) -> Response {
        let location = match self.form {
            Form::Html => path.to_owned(),
            // What is nested has no `/` of its own.
            Form::Json if path == "/" => JSON.to_owned(),
            Form::Json => format!("{JSON}{path}"),
        };
        let location = HeaderValue::try_from(location).expect("paths are ASCII");
        (
            StatusCode::SEE_OTHER,
            keep.said_to(self.level()),
            [(LOCATION, location)],
        )
            .into_response()
    }
}

impl FromRequestParts<Forum> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, forum: &Forum) -> Result<Self, Infallible> {
        let viewer = parts.extensions.get::<Viewer>();
        Ok(Self {
            viewer: viewer.expect("`identify` goes before").clone(),
            form: parts.extensions.get().copied().unwrap_or(Form::Html),
            forum: forum.clone(),
        })
    }
}
