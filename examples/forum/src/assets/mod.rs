//! Style, script and icon: part of the program. The first two are under names that
//! change with what is in them, so that a browser asks for each but once.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::{
    caching::{self, Keep},
    level::Level,
};

/// A file that pages need.
pub(crate) struct Asset {
    name: &'static str,
    extension: &'static str,
    content_type: &'static str,
    content: &'static str,
    /// Of the content, for the file's name.
    hash: String,
}

pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("forum.css");
    Asset::new("forum", "css", "text/css; charset=utf-8", content)
});

pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = concat!(
        include_str!("theme.js"),
        include_str!("times.js"),
        include_str!("visit.js"),
        include_str!("links.js"),
    );
    Asset::new("forum", "js", "text/javascript; charset=utf-8", content)
});

/// The picture of the forum, small enough to be a part of each page.
pub(crate) const ICON: &str = include_str!("falcon.svg");

/// The same as an address, for the tab of a browser. Nearly as it is on the page, so
/// that it adds little to that once both are compressed.
pub(crate) static ICON_ADDRESS: LazyLock<String> = LazyLock::new(|| {
    let icon = utf8_percent_encode(ICON, NOT_IN_ADDRESSES);
    format!("data:image/svg+xml,{icon}")
});

/// What of a picture cannot stand in an address as it is.
const NOT_IN_ADDRESSES: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>');

impl Asset {
    fn new(
        name: &'static str,
        extension: &'static str,
        content_type: &'static str,
        content: &'static str,
    ) -> Self {
        let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(content)[..9]);
        Self {
            name,
            extension,
            content_type,
            content,
            hash,
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> String {
        format!("/assets/{}", self.file())
    }

    fn file(&self) -> String {
        format!("{}.{}.{}", self.name, self.hash, self.extension)
    }

    /// Whether this may be its file, of whatever version.
    fn is_version(&self, file: &str) -> bool {
        let rest = file.strip_prefix(self.name);
        let rest = rest.and_then(|rest| rest.strip_suffix(self.extension));
        rest.is_some_and(|hash| hash.len() > 2 && hash.starts_with('.') && hash.ends_with('.'))
    }
}

/// `GET /assets/{file}`.
pub(crate) async fn asset(Path(file): Path<String>) -> Response {
    let assets = [&*STYLE, &*SCRIPT];
    let Some(asset) = assets.into_iter().find(|asset| asset.is_version(&file)) else {
        let keep = Keep::ForNobody.said_to(Level::Visitor);
        return (StatusCode::NOT_FOUND, keep, ()).into_response();
    };
    let typed = [(CONTENT_TYPE, HeaderValue::from_static(asset.content_type))];
    if asset.file() == file {
        return (caching::for_ever(), typed, asset.content).into_response();
    }
    // During a restart, the page came from one version and this request to another.
    // Ours will do, but must not be kept under that name.
    let keep = Keep::ForNobody.said_to(Level::Visitor);
    (keep, typed, asset.content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_its_name_says_is_kept() {
        let cases = [
            (
                "this version",
                STYLE.file(),
                200,
                "public, max-age=31536000, immutable",
            ),
            (
                "another version",
                "forum.abc.css".to_owned(),
                200,
                "no-store",
            ),
            ("no version", "forum.css".to_owned(), 404, "no-store"),
            (
                "something else",
                "other.abc.css".to_owned(),
                404,
                "no-store",
            ),
            ("a folder", "../forum.abc.css".to_owned(), 404, "no-store"),
        ];
        for (name, file, status, kept) in cases {
            let response = asset(Path(file)).await;
            assert_eq!(response.status(), status, "{name}");
            assert_eq!(response.headers()["cache-control"], kept, "{name}");
        }
    }
}
