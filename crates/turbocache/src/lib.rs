//! A response cache that an application can put in front of itself in one line:
//! a shared HTTP cache by [RFC 9111], as a [`tower::Layer`](tower_layer::Layer).
//!
//! ```
//! use axum::{Router, body::Body, http::{Request, header}, routing::get};
//! use tower::ServiceExt;
//! use turbocache::TurboCache;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let app = Router::new()
//!     .route("/", get(|| async { ([(header::CACHE_CONTROL, "max-age=60")], "Hello") }))
//!     .layer(TurboCache::conservative());
//!
//! let ask = || Request::get("/").header("host", "forum.example").body(Body::empty()).unwrap();
//! let first = app.clone().oneshot(ask()).await.unwrap();
//! assert_eq!(first.headers()["cache-status"], "turbocache; fwd=uri-miss; stored");
//!
//! // It is stored as soon as its body has come.
//! axum::body::to_bytes(first.into_body(), 1024).await.unwrap();
//! let second = app.oneshot(ask()).await.unwrap();
//! assert!(second.headers()["cache-status"].to_str().unwrap().starts_with("turbocache; hit"));
//! assert_eq!(second.headers()["age"], "0");
//! # }
//! ```
//!
//! [RFC 9111]: https://www.rfc-editor.org/rfc/rfc9111

mod body;
mod cache;
mod clock;
mod fetch;
mod flight;
mod future;
mod handle;
mod key;
mod layer;
mod name;
mod policy;
mod service;
mod stats;
mod store;
#[cfg(test)]
mod test_support;

pub use self::{
    body::CacheBody,
    clock::{Clock, SystemClock},
    future::ResponseFuture,
    handle::TurboCacheHandle,
    layer::TurboCache,
    service::TurboCacheService,
    stats::Stats,
};
