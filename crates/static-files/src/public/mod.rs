//! Files from an application's `public` folder, before the application is asked.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Empty, Full};
//! use peregrine_static_files::public::StaticFiles;
//! use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let service = ServiceBuilder::new()
//!     .layer(StaticFiles::new(env!("CARGO_MANIFEST_DIR")))
//!     .service(service_fn(|_: Request<Empty<Bytes>>| async {
//!         Ok::<_, BoxError>(Response::new(Full::<Bytes>::from("rendered")))
//!     }));
//!
//! let request = Request::get("/Cargo.toml").body(Empty::new())?;
//! let file = service.clone().oneshot(request).await?;
//! assert_eq!(file.headers()["accept-ranges"], "bytes");
//! assert!(file.into_body().collect().await?.to_bytes().starts_with(b"[package]"));
//!
//! let request = Request::get("/posts").body(Empty::new())?;
//! let page = service.oneshot(request).await?;
//! assert_eq!(page.into_body().collect().await?.to_bytes(), "rendered");
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! 1. `GET` and `HEAD` of a file that is there are answered with it; everything
//!    else is the service's. For `/posts` there may also be a file `posts.html`,
//!    and for `/` or `/posts/` an `index.html`: pages that an application has
//!    written for next time, as Passenger serves them.
//! 2. There is no way out of the folder: no `..`, however it is encoded, nothing
//!    hidden (`.env`), and no link that leads out, unless links are
//!    [followed](StaticFiles::follow_links). Such a request is the service's.
//! 3. What is directly in the folder is known for a second, so that a path that
//!    begins otherwise does not touch the disk at all.
//! 4. `file.gz` and `file.br` beside a file are sent to those who take them.
//! 5. Files have an `ETag` and a `Last-Modified`, and answer conditional
//!    requests and those for one part.
//! 6. A file whose name has a fingerprint (`application-5f2d….css`) is
//!    `immutable`: nobody asks for it again within a year. Any other is
//!    validated when it is older than [`max_age`](StaticFiles::max_age), which is
//!    at once unless said otherwise.

mod layer;
mod listing;
mod service;
#[cfg(test)]
mod tests;

pub use self::{layer::StaticFiles, service::StaticFilesService};
pub use crate::future::ResponseFuture;
