//! What the application learns about the client and the address it used:
//! `X-Forwarded-For`, `-Proto` and `-Host`.
//!
//! ```
//! use http::{Request, Response};
//! use peregrine_upstream_pool::forwarded::{BelieveLayer, InformLayer, PeerAddr};
//! use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let mut service = ServiceBuilder::new()
//!     .layer(BelieveLayer::new(["10.0.0.0/8".parse()?]))
//!     // A cache would stand here.
//!     .layer(InformLayer::new())
//!     .service(service_fn(|request: Request<()>| async move {
//!         Ok::<_, BoxError>(Response::new(request.headers()["x-forwarded-for"].clone()))
//!     }));
//!
//! let mut request = Request::new(());
//! request.headers_mut().insert("x-forwarded-for", "127.0.0.1".parse()?);
//! request.extensions_mut().insert(PeerAddr("192.0.2.7:4711".parse()?));
//!
//! let response = service.ready().await?.call(request).await?;
//! assert_eq!(response.into_body(), "192.0.2.7", "not what the client claims");
//! # Ok(())
//! # }
//! ```
//!
//! There are two layers, since there are two questions:
//!
//! - **What is to be believed?** [`BelieveLayer`] stands in front of
//!   everything. A cache's key depends on what it decides. When there is
//!   nothing to drop, as nearly always, it costs a request one look at the
//!   first bytes of each field name, and no allocation.
//! - **What is the application told?** [`InformLayer`] stands right before the
//!   upstream. A request that is answered from memory never comes here.
//!
//! # What is believed
//!
//! 1. Nobody may send control fields (`!~…`), nor `Proxy`, which many a CGI
//!    library takes for its configuration (`HTTP_PROXY`).
//! 2. A peer is trusted if its address is in one of the networks that the
//!    operator named. From any other, everything that begins with
//!    `X-Forwarded` is dropped, and `Forwarded` and `X-Real-IP`.
//! 3. From a trusted peer `X-Forwarded-For`, `-Proto`, `-Host` and `X-Real-IP`
//!    are kept. The rest of the family is dropped: we don't read it, so it
//!    would not be a part of a cache's key, but applications do read it.
//! 4. `-Proto` and `-Host` of a trusted peer count if there is exactly one,
//!    and if it is `http` or `https`, or a host with or without a port. Then
//!    [`TargetOrigin`] says so to the cache and the other layers. What is not
//!    valid is dropped.
//! 5. A name that becomes one of these where `_` stands for `-`, as in CGI,
//!    WSGI and Rack, is dropped, whoever sent it: the application could not
//!    tell it from the real one.
//! 6. A peer without an address, as on a Unix socket, is not trusted.
//!
//! # What the application is told
//!
//! 1. `X-Forwarded-For`: what a trusted peer sent, and the peer's own address
//!    behind it. Absent if the peer has none.
//! 2. `X-Forwarded-Proto`: as the trusted peer said, otherwise `http`.
//! 3. `X-Forwarded-Host`: as the trusted peer said, otherwise the request's
//!    own host.
//!
//! In front of a service of this crate, [`InformLayer::beside_the_fields`] has that
//! written without ever having been among the fields of the request.
//!
//! [`TargetOrigin`]: peregrine_core::TargetOrigin

mod believe;
mod inform;
mod layer;

use std::net::SocketAddr;

pub(crate) use self::believe::is_https;
pub use self::{
    believe::TrustedProxies,
    layer::{Believe, BelieveLayer, Inform, InformLayer},
};

/// The address that the connection comes from. Whoever accepts connections
/// puts it into the extensions of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);
