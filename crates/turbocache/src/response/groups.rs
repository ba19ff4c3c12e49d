use axum::response::{IntoResponseParts, ResponseParts};
use http::{HeaderName, HeaderValue};
use sfv::{ListSerializer, StringRef};

use super::InvalidName;
use crate::tags::{CACHE_GROUP_INVALIDATION, CACHE_GROUPS, MAX_TAG_BYTES, MAX_TAGS};

/// The groups that a response belongs to (RFC 9875 §2). All that is stored of one
/// group can be invalidated at once, by [`InvalidateGroups`].
///
/// A group is one within an origin. Its name is printable ASCII, as it is;
/// anything else is an [error](InvalidName).
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, body::Body, extract::Path, http::Request, routing::get};
/// use tower::ServiceExt;
/// use turbocache::{TurboCache, response::{CacheControl, CacheGroups}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let article = get(async |Path(id): Path<u32>| {
///     (
///         CacheControl::new().max_age(Duration::from_secs(60)),
///         CacheGroups::new(["articles".to_owned(), format!("article-{id}")]),
///         format!("This is article {id}"),
///     )
/// });
/// let app = Router::new()
///     .route("/articles/{id}", article)
///     .layer(TurboCache::conservative());
///
/// let request = Request::get("/articles/7").header("host", "forum.example");
/// let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
/// assert_eq!(response.headers()["cache-groups"], r#""articles", "article-7""#);
/// # }
/// ```
///
/// Groups that the response has already stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it has to be returned as a part of the response"]
pub struct CacheGroups {
    groups: Vec<String>,
}

/// The groups of which this response makes everything invalid (RFC 9875 §3): of an
/// answer to a `POST`, `PUT`, `PATCH` or `DELETE`. On any other it is ignored.
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, body::{Body, to_bytes}, http::{Request, StatusCode}, routing::get};
/// use tower::ServiceExt;
/// use turbocache::{TurboCache, response::{CacheControl, CacheGroups, InvalidateGroups}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let read = get(async || {
///     let hour = Duration::from_secs(3600);
///     (CacheControl::new().max_age(hour), CacheGroups::new(["articles"]), "News")
/// });
/// let publish = async || (StatusCode::CREATED, InvalidateGroups::new(["articles"]));
/// let app = Router::new()
///     .route("/", read)
///     .route("/articles", axum::routing::post(publish))
///     .layer(TurboCache::conservative());
///
/// let ask = async |method, path| {
///     let request = Request::builder().method(method).uri(path).header("host", "forum.example");
///     let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
///     let status = response.headers()["cache-status"].to_str().unwrap().to_owned();
///     to_bytes(response.into_body(), 1024).await.unwrap();
///     status
/// };
/// assert!(ask("GET", "/").await.contains("stored"));
/// assert!(ask("GET", "/").await.contains("hit"));
/// ask("POST", "/articles").await;
/// assert!(ask("GET", "/").await.contains("fwd=uri-miss"));
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it has to be returned as a part of the response"]
pub struct InvalidateGroups {
    groups: Vec<String>,
}

impl CacheGroups {
    /// Belongs to `groups`.
    pub fn new<G: Into<String>>(groups: impl IntoIterator<Item = G>) -> Self {
        let groups = groups.into_iter().map(Into::into).collect();
        Self { groups }
    }
}

impl InvalidateGroups {
    /// Makes everything in `groups` invalid.
    pub fn new<G: Into<String>>(groups: impl IntoIterator<Item = G>) -> Self {
        let groups = groups.into_iter().map(Into::into).collect();
        Self { groups }
    }
}

impl IntoResponseParts for CacheGroups {
    type Error = InvalidName;

    fn into_response_parts(self, response: ResponseParts) -> Result<ResponseParts, InvalidName> {
        append(&CACHE_GROUPS, self.groups, response)
    }
}

impl IntoResponseParts for InvalidateGroups {
    type Error = InvalidName;

    fn into_response_parts(self, response: ResponseParts) -> Result<ResponseParts, InvalidName> {
        append(&CACHE_GROUP_INVALIDATION, self.groups, response)
    }
}

fn append(
    name: &HeaderName,
    groups: Vec<String>,
    mut response: ResponseParts,
) -> Result<ResponseParts, InvalidName> {
    let mut list = ListSerializer::new();
    for (number, group) in groups.into_iter().enumerate() {
        let is_kept = (1..=MAX_TAG_BYTES).contains(&group.len()) && number < MAX_TAGS;
        match StringRef::from_str(&group) {
            Ok(string) if is_kept => drop(list.bare_item(string)),
            _ => return Err(InvalidName { name: group }),
        }
    }
    if let Some(line) = list.finish() {
        let line = HeaderValue::try_from(line).expect("a list of strings is printable ASCII");
        response.headers_mut().append(name, line);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use proptest::prelude::*;

    use super::*;
    use crate::tags::{self, Tag};

    #[test]
    fn names_that_cannot_be_sent_are_an_error() {
        let long = "x".repeat(1025);
        for name in ["", "zürich", "a\r\nb", &long] {
            let response = (CacheGroups::new(["a", name]), "page").into_response();
            assert_eq!(response.status(), 500, "{name:?}");
        }
        let many = (0..257).map(|number| number.to_string());
        assert_eq!(CacheGroups::new(many).into_response().status(), 500);
    }

    #[test]
    fn groups_are_added_to_others() {
        let response = (CacheGroups::new(["a"]), CacheGroups::new(["b"]), "page").into_response();
        let read = tags::of(response.headers()).unwrap();
        assert_eq!(read, ["a", "b"].map(|name| Tag::Group(name.into())));
    }

    #[test]
    fn no_groups_are_no_field() {
        let response = CacheGroups::new::<String>([]).into_response();
        assert!(!response.headers().contains_key(CACHE_GROUPS));
    }

    proptest! {
        #[test]
        fn the_cache_reads_what_it_writes(names in prop::collection::hash_set("[ -~]{1,20}", 1..20)) {
            let names: Vec<_> = names.into_iter().collect();
            let expected: Vec<_> = names.iter().map(|name| Tag::Group(name[..].into())).collect();
            let response = CacheGroups::new(names.clone()).into_response();
            prop_assert_eq!(tags::of(response.headers()), Ok(expected.clone()));
            let response = InvalidateGroups::new(names).into_response();
            prop_assert_eq!(tags::invalidated(response.headers()), expected);
        }
    }
}
