//! One request for a page: who asks, and in which form he wants it.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    response::{Html, IntoResponse, Response},
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
        let body = match self.form {
            Form::Html => pages::around(&page, &inside, level).into_string(),
            Form::Json => serde_json::to_string(&Parcel {
                title: &page.title,
                place: page.place.as_str(),
                level: level.as_str(),
                html: &inside.0,
            })
            .expect("strings are JSON"),
        };
        let head = (page.status, page.keep.said_to(level), caching::etag(&body));
        match self.form {
            Form::Html => (head.0, head.1, head.2, Html(body)).into_response(),
            Form::Json => {
                let json = HeaderValue::from_static("application/json");
                (head.0, head.1, head.2, [(CONTENT_TYPE, json)], body).into_response()
            }
        }
    }

    /// Sends who asks on to another page, which he gets in the same form.
    pub(crate) fn see(&self, path: &str, keep: Keep) -> Response {
        let prefix = match self.form {
            Form::Html => "",
            // Where `/` was is nothing.
            Form::Json if path == "/" => return self.go(JSON, keep),
            Form::Json => JSON,
        };
        self.go(&format!("{prefix}{path}"), keep)
    }

    fn go(&self, location: &str, keep: Keep) -> Response {
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
