use axum::response::{IntoResponseParts, ResponseParts};
use http::HeaderValue;

use super::InvalidName;
use crate::tags::{CACHE_TAG, MAX_TAG_BYTES, MAX_TAGS};

/// What a response is called in this cache, and in a CDN that reads `Cache-Tag`.
/// Unlike [groups](super::CacheGroups), tags are for whoever runs the cache: no
/// client sees them, and no response invalidates them.
///
/// A tag is printable ASCII without spaces and commas; anything else is an
/// [error](InvalidName).
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, body::{Body, to_bytes}, http::Request, routing::get};
/// use tower::ServiceExt;
/// use turbocache::{Scope, TurboCache, response::{CacheControl, CacheTags}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let article = get(async || {
///     (
///         CacheControl::new().s_maxage(Duration::from_secs(3600)),
///         CacheTags::new(["article-7", "author-3"]),
///         "This is article 7",
///     )
/// });
/// let cache = TurboCache::conservative();
/// let handle = cache.handle();
/// let app = Router::new().route("/articles/7", article).layer(cache);
///
/// let request = Request::get("/articles/7").header("host", "forum.example");
/// let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
/// assert!(!response.headers().contains_key("cache-tag"));
/// to_bytes(response.into_body(), 1024).await.unwrap();
///
/// // Author 3 has changed his name.
/// assert_eq!(handle.purge(&Scope::tag("author-3")), 1);
/// # }
/// ```
///
/// Tags that the response has already stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it has to be returned as a part of the response"]
pub struct CacheTags {
    tags: Vec<String>,
}

impl CacheTags {
    /// Is called by all of these.
    pub fn new<T: Into<String>>(tags: impl IntoIterator<Item = T>) -> Self {
        let tags = tags.into_iter().map(Into::into).collect();
        Self { tags }
    }
}

impl IntoResponseParts for CacheTags {
    type Error = InvalidName;

    fn into_response_parts(
        self,
        mut response: ResponseParts,
    ) -> Result<ResponseParts, InvalidName> {
        for (number, tag) in self.tags.into_iter().enumerate() {
            let is_kept = (1..=MAX_TAG_BYTES).contains(&tag.len()) && number < MAX_TAGS;
            let is_sent = tag
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b',');
            match HeaderValue::from_str(&tag) {
                Ok(line) if is_kept && is_sent => response.headers_mut().append(CACHE_TAG, line),
                _ => return Err(InvalidName { name: tag }),
            };
        }
        Ok(response)
    }
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
        for name in ["", "a b", "a,b", "zürich", "a\r\nb", &long] {
            let response = (CacheTags::new(["a", name]), "page").into_response();
            assert_eq!(response.status(), 500, "{name:?}");
        }
        let many = (0..257).map(|number| number.to_string());
        assert_eq!(CacheTags::new(many).into_response().status(), 500);
    }

    proptest! {
        #[test]
        fn the_cache_reads_what_it_writes(
            names in prop::collection::hash_set("[!-+--~]{1,20}", 0..20),
        ) {
            let names: Vec<_> = names.into_iter().collect();
            let expected: Vec<_> = names.iter().map(|name| Tag::Tag(name.as_bytes().into())).collect();
            let response = CacheTags::new(names).into_response();
            prop_assert_eq!(tags::of(response.headers()), Ok(expected));
        }
    }
}
