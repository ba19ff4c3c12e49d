//! Responses that are read as fast as the service makes them, however slowly
//! the client takes them.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use peregrine_buffering::{BufferSpace, response::ResponseBuffering};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let service = ServiceBuilder::new()
//!     .layer(ResponseBuffering::new(BufferSpace::new()).high_watermark(16 << 20))
//!     .service(service_fn(|_: Request<()>| async {
//!         Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("hello")))
//!     }));
//!
//! let response = service.oneshot(Request::new(())).await?;
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! 1. A body that is here in one piece when the head is, is passed on as that:
//!    no task, no allocation, no copy. The service's own body is dropped then,
//!    and with it whatever it holds, such as a place in a process.
//! 2. Any other is read by a task of its own, which hands each piece on at once:
//!    a stream flows as it is made. Pieces wait only while the client is slower
//!    than the service.
//! 3. The first [1 MiB](ResponseBuffering::memory_per_body) waits in memory, as
//!    long as the [space](crate::BufferSpace) has any, then all up to the
//!    [high watermark](ResponseBuffering::high_watermark) in a temporary file.
//!    Beyond that, and when there is no space for files, the service is read
//!    no faster than the client reads: nothing is refused or lost.
//! 4. If the client leaves, the service's body is dropped, as it would be
//!    without this.
//! 5. A body that fails does so after all that had come before.
//! 6. The body of a response with status 101 is not touched: it has no content, and
//!    is kept for as long as what the connection was upgraded to.

mod body;
mod future;
mod layer;
mod pump;
mod queue;
mod service;
#[cfg(test)]
mod tests;

pub use self::{
    body::ResponseBody, future::ResponseFuture, layer::ResponseBuffering,
    service::ResponseBufferingService,
};
