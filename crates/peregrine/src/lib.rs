//! The whole Peregrine stack for tower, axum and hyper services.
//!
//! Each part is a crate of its own and serves alone; they are re-exported
//! here. What this crate adds is their order, which only it knows:
//!
//! ```text
//! client ─▶ RequestAccounting ─▶ Believe ─▶ TurboCache ─▶ ErrorPages ─▶ Inform ─▶ UpstreamPool
//! ```
//!
//! - [`RequestAccounting`](request_accounting::RequestAccounting) stands
//!   outermost and sees what clients see.
//! - [`Believe`](upstream_pool::forwarded) drops what a client may not say
//!   about itself. It stands before the cache, since whom a request is for is
//!   a part of the cache's key.
//! - [`TurboCache`](turbocache::TurboCache) answers without the pool where it
//!   may, even with every process dead.
//! - [`ErrorPages`] turns the pool's errors into responses. It stands behind
//!   the cache, so that a hit pays nothing for it.
//! - [`Inform`](upstream_pool::forwarded) tells the application who asked.
//! - [`UpstreamPool`](upstream_pool::UpstreamPool) takes the least busy
//!   process that is ready, with [`ProcessAccounting`] around each.
//!
//! [`Stack`] puts them together:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, StatusCode};
//! use http_body_util::Empty;
//! use peregrine::{Stack, turbocache::TurboCache, upstream_pool::HttpUpstream};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // Nobody listens on this port.
//! let upstream = HttpUpstream::new("http://127.0.0.1:1".parse().unwrap()).unwrap();
//! let stack = Stack::new();
//! let service = stack.clone().cached(TurboCache::conservative(), upstream);
//!
//! let request = Request::get("/").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
//! let response = service.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
//!
//! drop(response);
//! assert_eq!(stack.accounting().snapshot().status.server_error, 1);
//! # }
//! ```

pub mod error_pages;
mod process_accounting;
mod stack;

pub use peregrine_core as core;
pub use peregrine_request_accounting as request_accounting;
pub use peregrine_upstream_pool as upstream_pool;
pub use turbocache;

pub use self::{
    error_pages::ErrorPages,
    process_accounting::{AccountedProcess, ProcessAccounting},
    stack::Stack,
};
