//! Files that an application names instead of sending them: `X-Sendfile` and
//! `X-Accel-Redirect`.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Empty};
//! use peregrine_static_files::sendfile::SendFile;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let folder = env!("CARGO_MANIFEST_DIR");
//! let service = ServiceBuilder::new()
//!     .layer(SendFile::none().root(folder))
//!     .service(service_fn(|request: Request<Empty<Bytes>>| async move {
//!         assert_eq!(request.headers()["x-sendfile-type"], "X-Sendfile");
//!         let answer = Response::builder()
//!             .header("content-type", "application/toml")
//!             .header("x-sendfile", format!("{folder}/Cargo.toml"));
//!         answer.body(Empty::<Bytes>::new())
//!     }));
//!
//! let response = service.oneshot(Request::new(Empty::new())).await?;
//! assert_eq!(response.headers()["content-type"], "application/toml");
//! assert!(!response.headers().contains_key("x-sendfile"));
//! assert!(response.into_body().collect().await?.to_bytes().starts_with(b"[package]"));
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! 1. `X-Sendfile` has the absolute path of a file in one of the
//!    [roots](SendFile::root). `X-Accel-Redirect` has a path that begins as one
//!    of the [mappings](SendFile::mapping) does, as nginx's `internal` locations
//!    with an `alias`.
//! 2. What is anywhere else, or not there, is a 404 and a line in the log.
//!    Links count for where they lead.
//! 3. The length, parts and, unless the application has its own, validators are
//!    the file's; so is the status, if the application said 200. The other
//!    fields are the application's: `Content-Type`, `Content-Disposition`,
//!    `Cache-Control`, `Set-Cookie`.
//! 4. A client never sees these two fields, whatever is configured.
//! 5. The application is told by `X-Sendfile-Type`, and `X-Accel-Mapping` where
//!    there are mappings only, in the form that `Rack::Sendfile` reads. Whatever
//!    a client says in these is dropped: it could have the application name
//!    another file. For that reason, newer versions of Rack want the type to be
//!    said in the application, too (in Rails, `action_dispatch.x_sendfile_header`).

mod future;
mod layer;
mod order;
mod service;
#[cfg(test)]
mod tests;

pub use self::{future::ResponseFuture, layer::SendFile, service::SendFileService};
