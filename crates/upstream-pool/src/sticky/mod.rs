//! Sticky sessions: a client's requests go to the process that has answered it
//! before.
//!
//! For applications that keep in a process's memory what belongs to a session, such
//! as a chat over long polling. Others fare better without: the least busy process
//! answers soonest.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, header::SET_COOKIE};
//! use http_body_util::Empty;
//! use peregrine_core::ServedBy;
//! use peregrine_upstream_pool::{PreferredProcess, sticky::StickySessions};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::convert::Infallible> {
//! // In the place of a pool: says whom the request prefers, and answers as 4711.
//! let pool = service_fn(async |request: Request<Empty<Bytes>>| {
//!     let preferred = request.extensions().get::<PreferredProcess>();
//!     let mut response = Response::new(preferred.map(|preferred| preferred.pid));
//!     response.extensions_mut().insert(ServedBy { pid: 4711 });
//!     Ok::<_, std::convert::Infallible>(response)
//! });
//! let sessions = StickySessions::new().expect("the system has random numbers");
//! let service = ServiceBuilder::new().layer(sessions).service(pool);
//!
//! let first = service.clone().oneshot(Request::new(Empty::new())).await?;
//! let cookie = first.headers()[SET_COOKIE].to_str().unwrap();
//! assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
//!
//! let cookie = cookie.split(';').next().unwrap();
//! let next = Request::builder().header("cookie", cookie).body(Empty::new()).unwrap();
//! let second = service.oneshot(next).await?;
//! assert_eq!(second.into_body(), Some(4711));
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//!
//! 1. A response of a process sets a cookie that names the process, unless the
//!    request had one that does. It is encrypted and authenticated with a key that
//!    each [`StickySessions`] has for itself: a client cannot read it, and one that
//!    makes one up has none. Neither the key nor a process outlives the server, so
//!    there is no way to keep the key.
//! 2. It is `HttpOnly`, `SameSite=Lax`, and `Secure` where a [trusted
//!    proxy](StickySessions::trusted_proxies) says that its client came by `https`.
//! 3. A request with the cookie [prefers](crate::PreferredProcess) that process. If
//!    it went to another one, the response sets the cookie anew.
//! 4. The application does not see the cookie, and nor does a cache behind this
//!    layer: it makes no page different.
//! 5. What is not for this client alone sets no cookie: what a cache has answered,
//!    or stores, or answers to several requests at once, and what says `public` or
//!    `s-maxage`. This layer stands in front of the cache, which so never gets to
//!    see such a response.

mod cookies;
mod future;
mod layer;
mod service;

pub use self::{
    future::ResponseFuture,
    layer::{InvalidCookieName, StickySessions},
    service::StickyService,
};

#[cfg(test)]
mod tests;
