//! Requests that reach the service when their bodies are whole.
//!
//! ```
//! use std::io;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use peregrine_buffering::{BufferSpace, request::{RequestBody, RequestBuffering}};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let service = ServiceBuilder::new()
//!     .layer(RequestBuffering::new(BufferSpace::new()).max_body_size(1 << 20))
//!     // No slow upload takes one of these places.
//!     .layer(ConcurrencyLimitLayer::new(4))
//!     .service(service_fn(|request: Request<RequestBody<Full<Bytes>>>| async {
//!         assert_eq!(request.headers()["content-length"], "5");
//!         let body = request.into_body().collect().await.map_err(io::Error::other)?;
//!         Ok::<_, io::Error>(Response::new(body.to_bytes()))
//!     }));
//!
//! let request = Request::post("/").body(Full::from("hello"))?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.into_body(), "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! 1. A request without a body is passed on as it is: no allocation, no clone,
//!    no poll more.
//! 2. Any other is passed on when its body has come to its end. The first
//!    [128 KiB](RequestBuffering::memory_per_body) wait in memory, as long as
//!    the [space](crate::BufferSpace) has any, the rest in a temporary file.
//! 3. It is passed on with a `Content-Length`, even if it came in chunks: many a
//!    server for WSGI or Rack takes nothing else. One that ends with trailers
//!    stays in chunks, since there is no other way to send them.
//! 4. It has a [`Replay`](peregrine_core::Replay) of its body in its extensions if
//!    its method is idempotent, so that it can be sent again where a connection
//!    has broken.
//! 5. The service is asked whether it is ready before a body is read, so that
//!    one that sheds load can say so before the upload (with
//!    `Expect: 100-continue`, before the client sends anything). What it
//!    reserved for the request then is given back: whoever uploads holds no
//!    place.
//! 6. A body longer than [`max_body_size`](RequestBuffering::max_body_size), and
//!    one for which there is no space, is an [error](RequestError), and so is
//!    one that breaks off. The service hears nothing of it. What was buffered
//!    is gone.
//! 7. Below the paths that an application wants to
//!    [stream](RequestBuffering::stream_below), bodies are passed on as they
//!    come, up to any size.

mod body;
mod error;
mod future;
mod layer;
mod service;
mod spool;
#[cfg(test)]
mod tests;

pub use self::{
    body::RequestBody,
    error::{BufferError, RequestError},
    future::ResponseFuture,
    layer::RequestBuffering,
    service::RequestBufferingService,
};
