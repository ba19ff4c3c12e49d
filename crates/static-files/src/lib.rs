//! Files in place of what a service would answer, and in place of what it does
//! answer.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Empty};
//! use peregrine_static_files::public::StaticFiles;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let service = ServiceBuilder::new()
//!     .layer(StaticFiles::new(env!("CARGO_MANIFEST_DIR")))
//!     .service(service_fn(|_: Request<Empty<Bytes>>| async {
//!         Ok::<_, BoxError>(Response::new(Empty::<Bytes>::new()))
//!     }));
//! let request = Request::get("/Cargo.toml").body(Empty::new())?;
//! let file = service.oneshot(request).await?;
//! assert!(file.into_body().collect().await?.to_bytes().starts_with(b"[package]"));
//! # Ok(())
//! # }
//! ```
//!
//! - [`public::StaticFiles`] answers with the files of a folder, before the
//!   service is asked.
//! - [`sendfile::SendFile`] answers with a file that the service names.
//!
//! What a file says to a conditional request, or to one for a part, and how it
//! gets to the client, is `tower-http`'s `ServeFile`. Which file it may be is
//! decided here.

mod body;
mod file;
mod fingerprint;
mod folder;
mod future;
mod macros;
mod name;
pub mod public;
pub mod sendfile;

pub use self::{body::ResponseBody, future::ResponseFuture};
