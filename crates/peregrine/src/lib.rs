//! The whole Peregrine stack for tower, axum and hyper services.
//!
//! Each part is a crate of its own and serves alone. They are re-exported here,
//! each behind a feature of its name, all of which are on by default. What this
//! crate adds is their order, which only it knows:
//!
//! ```text
//! client ─▶ RequestAccounting ─▶ Believe ─▶ CookieVariation ─▶ TurboCache ─▶ RequestTracking ─▶ TraceContext ─▶ ErrorPages ─▶ Files ─▶ Buffering ─▶ Inform ─▶ UpstreamPool
//! ```
//!
//! - [`RequestAccounting`](request_accounting::RequestAccounting) stands
//!   outermost and sees what clients see.
//! - [`Believe`](upstream_pool::forwarded) drops what a client may not say
//!   about itself. It stands before the cache, since whom a request is for is
//!   a part of the cache's key.
//! - [`CookieVariation`](cookie_variation::CookieVariation), if there is one,
//!   stands around the cache: in front of it, it finds out which variant of a page
//!   a client may see; behind it, it hears for whom the application has answered.
//! - [`TurboCache`](turbocache::TurboCache) answers without the pool where it
//!   may, even with every process dead.
//! - [`RequestTracking`](request_accounting::tracking) lists the requests that go
//!   on to the application, one by one. A hit pays nothing for that.
//! - [`TraceContext`](trace_context) sees to it that a request belongs to a trace,
//!   if that is wanted.
//! - [`ErrorPages`] turns the pool's errors into responses. It stands behind
//!   the cache, so that a hit pays nothing for it.
//! - [`StaticFiles`](static_files::public) sends files that the application need
//!   not be asked for, and [`SendFile`](static_files::sendfile) those that it
//!   names. They stand before the buffers, since a file waits for its client where
//!   it is.
//! - [`ResponseBuffering`](buffering::response) and
//!   [`RequestBuffering`](buffering::request) keep slow clients away from the
//!   application: a process is taken when a request is whole, and is free when
//!   it has written its response.
//! - [`Inform`](upstream_pool::forwarded) tells the application who asked.
//! - [`UpstreamPool`](upstream_pool::UpstreamPool) takes the least busy
//!   process that is ready, with [`ProcessAccounting`] around each, and in that
//!   [`ProcessRest`].
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
//! let service = stack.cached(&TurboCache::conservative(), upstream);
//!
//! let request = Request::get("/").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
//! let response = service.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
//!
//! drop(response);
//! assert_eq!(stack.accounting().snapshot().status.server_error, 1);
//! # }
//! ```

#[cfg(feature = "upstream-pool")]
pub mod error_pages;
#[cfg(all(
    feature = "upstream-pool",
    any(feature = "request-accounting", feature = "out-of-band")
))]
mod known;
#[cfg(feature = "upstream-pool")]
mod of_process;
#[cfg(all(feature = "request-accounting", feature = "upstream-pool"))]
mod process_accounting;
#[cfg(all(feature = "out-of-band", feature = "upstream-pool"))]
pub mod process_rest;
#[cfg(all(
    feature = "buffering",
    feature = "request-accounting",
    feature = "static-files",
    feature = "turbocache",
    feature = "upstream-pool"
))]
mod stack;

#[cfg(feature = "buffering")]
pub use peregrine_buffering as buffering;
#[cfg(feature = "upstream-pool")]
pub mod trace_context;

#[cfg(feature = "cookie-variation")]
pub use peregrine_cookie_variation as cookie_variation;
pub use peregrine_core as core;
#[cfg(feature = "out-of-band")]
pub use peregrine_out_of_band as out_of_band;
#[cfg(feature = "request-accounting")]
pub use peregrine_request_accounting as request_accounting;
#[cfg(feature = "static-files")]
pub use peregrine_static_files as static_files;
#[cfg(feature = "upstream-pool")]
pub use peregrine_upstream_pool as upstream_pool;
#[cfg(feature = "turbocache")]
pub use turbocache;

#[cfg(feature = "upstream-pool")]
pub use self::error_pages::ErrorPages;
#[cfg(feature = "upstream-pool")]
pub use self::of_process::OfProcess;
#[cfg(all(feature = "request-accounting", feature = "upstream-pool"))]
pub use self::process_accounting::{AccountedProcess, ProcessAccounting};
#[cfg(all(feature = "out-of-band", feature = "upstream-pool"))]
pub use self::process_rest::{ProcessRest, RestingProcess};
#[cfg(all(
    feature = "buffering",
    feature = "cookie-variation",
    feature = "request-accounting",
    feature = "static-files",
    feature = "turbocache",
    feature = "upstream-pool"
))]
pub use self::stack::Varied;
#[cfg(all(
    feature = "buffering",
    feature = "request-accounting",
    feature = "static-files",
    feature = "turbocache",
    feature = "upstream-pool"
))]
pub use self::stack::{Behind, Cached, OnHeap, Stack, Uncached};
