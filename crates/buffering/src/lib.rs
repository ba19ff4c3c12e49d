//! Bodies that wait for slow clients, so that the service does not.
//!
//! ```
//! use std::io;
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use peregrine_buffering::{BufferSpace, request::RequestBuffering, response::ResponseBuffering};
//! use tower::{BoxError, ServiceBuilder, ServiceExt, limit::ConcurrencyLimitLayer, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let space = BufferSpace::new();
//! let service = ServiceBuilder::new()
//!     .layer(ResponseBuffering::new(space.clone()))
//!     .layer(RequestBuffering::new(space))
//!     .layer(ConcurrencyLimitLayer::new(1))
//!     .service(service_fn(|request: Request<_>| async {
//!         // Any body of a request, such as axum's, comes as a whole.
//!         let body = BodyExt::collect(request.into_body()).await.map_err(io::Error::other)?;
//!         Ok::<_, io::Error>(Response::new(Full::new(body.to_bytes())))
//!     }));
//!
//! let request = Request::post("/").body(Full::<Bytes>::from("hello"))?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "hello");
//! # Ok(())
//! # }
//! ```
//!
//! A service that does one thing at a time, or a few, is held by a client that
//! sends its request a byte at a time, or takes its response so. These layers
//! stand between the two:
//!
//! - [`request::RequestBuffering`] passes a request on when its body is whole.
//! - [`response::ResponseBuffering`] takes a response as fast as the service
//!   makes it, and passes each piece on at once.
//! - [`BufferSpace`] is where bodies wait: in memory, then in temporary files,
//!   with bounds for all of them together.
//!
//! # Deployment
//!
//! - What is in a file stays, by and large, in the kernel's page cache: it is
//!   memory that can be taken away, not slow.
//! - `/tmp` is memory on some systems. Put the files [elsewhere](BufferSpace::dir)
//!   if 4 GiB of it are too much.
//! - How long a client may take is not decided here. Bound that where its body
//!   comes from: a body that fails with
//!   [`TimedOut`](std::io::ErrorKind::TimedOut) is
//!   [told apart](request::BufferError::is_client_timeout).

mod budget;
mod macros;
pub mod request;
pub mod response;
mod space;
mod temp_file;

pub use self::space::BufferSpace;
