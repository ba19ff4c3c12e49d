use std::convert::Infallible;

use axum::response::{IntoResponseParts, ResponseParts};
use http::HeaderValue;
use sfv::{DictSerializer, StringRef, key_ref};

use crate::key::{query, search_variance::NO_VARY_SEARCH};

/// Which parts of the query make no difference to the response, so that it is one
/// for other targets, too: `No-Vary-Search`, as approved by the IETF. To be said by
/// all responses for one path alike.
///
/// ```
/// use std::time::Duration;
///
/// use axum::{Router, body::{Body, to_bytes}, http::Request, routing::get};
/// use tower::ServiceExt;
/// use turbocache::{TurboCache, response::{CacheControl, NoVarySearch}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let search = get(async || {
///     (
///         CacheControl::new().max_age(Duration::from_secs(60)),
///         NoVarySearch::new().key_order().params(["utm_source", "utm_medium"]),
///         "Found nothing",
///     )
/// });
/// let app = Router::new().route("/search", search).layer(TurboCache::conservative());
///
/// let ask = async |target| {
///     let request = Request::get(target).header("host", "forum.example");
///     let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
///     assert_eq!(
///         response.headers()["no-vary-search"],
///         r#"key-order, params=("utm_source" "utm_medium")"#,
///     );
///     let status = response.headers()["cache-status"].to_str().unwrap().to_owned();
///     to_bytes(response.into_body(), 1024).await.unwrap();
///     status
/// };
/// assert!(ask("/search?q=x&page=2&utm_source=y").await.contains("stored"));
/// assert!(ask("/search?page=2&q=x").await.contains("hit"));
/// assert!(ask("/search?page=3&q=x").await.contains("fwd=uri-miss"));
/// # }
/// ```
///
/// Replaces a `No-Vary-Search` that the response has already. This cache does not
/// believe one with more than 64 names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it has to be returned as a part of the response"]
pub struct NoVarySearch {
    key_order: bool,
    params: Params,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Params {
    #[default]
    Count,
    DoNotCount(Vec<String>),
    DoNotCountBut(Vec<String>),
}

impl NoVarySearch {
    /// Nothing said: all of the query makes a difference.
    pub const fn new() -> Self {
        Self {
            key_order: false,
            params: Params::Count,
        }
    }

    /// Parameters with different names may change places.
    pub fn key_order(mut self) -> Self {
        self.key_order = true;
        self
    }

    /// Parameters with these names make no difference. Names are as the application
    /// reads them, not encoded. Replaces what was said of parameters before.
    pub fn params<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.params = Params::DoNotCount(names.into_iter().map(Into::into).collect());
        self
    }

    /// Only parameters with these names make a difference. To forget one that the
    /// application reads means that anyone can have the page that he asks for
    /// stored for everyone. Replaces what was said of parameters before.
    pub fn params_except<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.params = Params::DoNotCountBut(names.into_iter().map(Into::into).collect());
        self
    }

    /// The value of the field; `None` if there is nothing to say.
    fn value(&self) -> Option<HeaderValue> {
        let mut members = DictSerializer::new();
        if self.key_order {
            members.bare_item(key_ref("key-order"), true);
        }
        let listed = match &self.params {
            Params::Count => None,
            Params::DoNotCount(names) if names.is_empty() => None,
            Params::DoNotCount(names) => Some(("params", names)),
            Params::DoNotCountBut(names) => {
                members.bare_item(key_ref("params"), true);
                (!names.is_empty()).then_some(("except", names))
            }
        };
        if let Some((key, names)) = listed {
            let mut list = members.inner_list(key_ref(key));
            for name in names {
                let mut encoded = Vec::with_capacity(name.len());
                query::encode(name.as_bytes(), &mut encoded);
                let name = StringRef::from_bytes(&encoded).expect("encoded, it is ASCII");
                list.bare_item(name);
            }
        }
        let value = members.finish()?;
        Some(HeaderValue::try_from(value).expect("structured fields are ASCII"))
    }
}

impl IntoResponseParts for NoVarySearch {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        if let Some(value) = self.value() {
            response.headers_mut().insert(NO_VARY_SEARCH, value);
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use proptest::prelude::*;

    use super::*;
    use crate::key::search_variance::{MAX_NAMES, SearchVariance};

    #[test]
    fn what_is_sent() {
        let new = NoVarySearch::new;
        let cases = [
            (new(), None),
            (new().params::<String>([]), None),
            (new().key_order(), Some("key-order")),
            (new().params(["a", "b c"]), Some("params=(\"a\" \"b%20c\")")),
            (new().params(["é"]), Some("params=(\"%C3%A9\")")),
            (new().params_except(["id"]), Some("params, except=(\"id\")")),
            (new().params_except::<String>([]), Some("params")),
            (
                new().params(["a"]).params_except(["b"]).key_order(),
                Some("key-order, params, except=(\"b\")"),
            ),
        ];
        for (said, expected) in cases {
            let response = said.into_response();
            let sent = response.headers().get(NO_VARY_SEARCH);
            assert_eq!(sent.map(|value| value.to_str().unwrap()), expected);
        }
    }

    proptest! {
        #[test]
        fn the_cache_reads_what_it_writes(
            names in prop::collection::vec(any::<String>(), 1..MAX_NAMES),
            other in any::<String>(),
        ) {
            let other = format!("{other}!");
            prop_assume!(!names.contains(&other));
            let write = |names: Vec<String>| NoVarySearch::new().params(names).into_response();
            let all = SearchVariance::of(write(names.clone()).headers()).unwrap();
            let sorted = names.iter().rev().cloned().collect();
            prop_assert_eq!(&all, &SearchVariance::of(write(sorted).headers()).unwrap());
            let more = names.into_iter().chain([other]).collect();
            prop_assert_ne!(&all, &SearchVariance::of(write(more).headers()).unwrap());
        }
    }
}
