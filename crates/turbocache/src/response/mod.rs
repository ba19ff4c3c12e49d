//! What a handler says about its response to this cache and to others, in types
//! (feature `axum`, on by default).
//!
//! ```
//! use std::time::Duration;
//!
//! use axum::{Router, response::Html, routing::get};
//! use turbocache::{TurboCache, response::{CacheControl, CacheGroups}};
//!
//! async fn front_page() -> (CacheControl, CacheGroups, Html<&'static str>) {
//!     let minute = Duration::from_secs(60);
//!     (
//!         CacheControl::new().public().max_age(minute).stale_while_revalidate(minute),
//!         CacheGroups::new(["articles"]),
//!         Html("<h1>News</h1>"),
//!     )
//! }
//!
//! let app: Router = Router::new()
//!     .route("/", get(front_page))
//!     .layer(TurboCache::conservative());
//! # drop(app);
//! ```
//!
//! | type | field | says |
//! |---|---|---|
//! | [`CacheControl`] | `Cache-Control` | for how long, and by whom, it may be used again |
//! | [`CdnCacheControl`] | `CDN-Cache-Control` | the same, to shared caches near the origin |
//! | [`CacheGroups`] | `Cache-Groups` | which groups it belongs to, for every cache |
//! | [`InvalidateGroups`] | `Cache-Group-Invalidation` | which groups are no longer good |
//! | [`CacheTags`] | `Cache-Tag` | what it is called here; no client sees it |
//! | [`NoVarySearch`] | `No-Vary-Search` | which parts of the query make no difference |
//!
//! All of them go in front of a response, as parts of it, or stand alone as an
//! empty one.

mod cache_control;
mod groups;
mod invalid_name;
mod no_vary_search;
mod tags;

pub use self::{
    cache_control::{CacheControl, CdnCacheControl},
    groups::{CacheGroups, InvalidateGroups},
    invalid_name::InvalidName,
    no_vary_search::NoVarySearch,
    tags::CacheTags,
};

/// What is a part of a response is also one without a body.
macro_rules! into_response {
    ($($part:ty),+) => {$(
        impl axum::response::IntoResponse for $part {
            fn into_response(self) -> axum::response::Response {
                (self, ()).into_response()
            }
        }
    )+};
}

into_response!(
    CacheControl,
    CdnCacheControl,
    CacheGroups,
    InvalidateGroups,
    CacheTags,
    NoVarySearch
);
