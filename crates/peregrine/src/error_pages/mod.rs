//! Answers for requests that the application did not answer.
//!
//! The errors of the pool, and of the buffers before it, are typed. This is the
//! one place that turns them into responses, so that everything in front of it, the cache included, sees
//! HTTP only:
//!
//! | what went wrong | status |
//! |---|---|
//! | the queue is full, the server is stopping | `503`, with `Retry-After` |
//! | no process could be started | `503`, with `Retry-After` |
//! | the application can't be reached, closed early, or sent something that is not HTTP | `502` |
//! | the application did not begin its answer in time | `504` |
//! | there is no room to buffer the client's body | `503`, with `Retry-After` |
//! | the client's body is too large | `413` |
//! | the client's body broke off | `400` |
//! | the client's body stalled | `408` |
//! | the method is `CONNECT` | `501` |
//!
//! Such a response carries `Cache-Control: no-store`. Its page says to the
//! visitor what happened; [`ErrorPages::with_details`] adds what a developer
//! needs (the start report with exit status and last output), which nobody
//! should see in production. Browsers get HTML, everybody else plain text.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, StatusCode};
//! use http_body_util::Empty;
//! use peregrine::{ErrorPages, upstream_pool::HttpUpstream};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // Nobody listens on this port.
//! let upstream = HttpUpstream::new("http://127.0.0.1:1".parse().unwrap()).unwrap();
//! let service = ServiceBuilder::new()
//!     .layer(ErrorPages::default())
//!     .service(upstream);
//!
//! let request = Request::get("/").header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
//! let response = service.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
//! assert_eq!(response.headers()["cache-control"], "no-store");
//! # }
//! ```

mod cause;
mod chain;
mod future;
mod layer;
mod page;
mod service;

pub use self::{
    future::ResponseFuture,
    layer::ErrorPages,
    service::{ErrorPagesService, PageBody},
};
