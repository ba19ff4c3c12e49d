//! Work between requests instead of during them: a service asks for it with a
//! response header, finishes what it has, works while nothing runs, and takes
//! requests again.
//!
//! Garbage collection, compaction, a reload of what is cached: whatever costs
//! a request time that it has not asked for can wait for a moment in which
//! there is none. Passenger calls this out-of-band work.
//!
//! ```
//! use std::{convert::Infallible, sync::{Arc, atomic::{AtomicUsize, Ordering}}};
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Empty, Full};
//! use peregrine_out_of_band::OutOfBandLayer;
//! use tower::{Layer, Service, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let tidied = Arc::new(AtomicUsize::new(0));
//! let layer = OutOfBandLayer::new({
//!     let tidied = Arc::clone(&tidied);
//!     move || {
//!         let tidied = Arc::clone(&tidied);
//!         async move { drop(tidied.fetch_add(1, Ordering::Relaxed)) }
//!     }
//! });
//! let mut service = layer.layer(service_fn(|_: Request<Empty<Bytes>>| async {
//!     let asks = Response::builder().header("!~Request-OOB-Work", "true");
//!     Ok::<_, Infallible>(asks.body(Full::<Bytes>::from("page")).unwrap())
//! }));
//!
//! let response = service.ready().await.unwrap().call(Request::default()).await.unwrap();
//! // Nobody else learns of it.
//! assert!(response.headers().is_empty());
//! // Its body is still to be sent.
//! assert_eq!(tidied.load(Ordering::Relaxed), 0);
//!
//! response.into_body().collect().await.unwrap();
//! // Ready again means that it has rested.
//! service.ready().await.unwrap();
//! assert_eq!(tidied.load(Ordering::Relaxed), 1);
//! # }
//! ```
//!
//! # Rules
//!
//! 1. The response header `!~Request-OOB-Work` asks for a rest, with whatever
//!    value. It is removed, and [`RestRequested`] stands in the response's
//!    extensions instead. [`RestHandle::request_rest`] does the same from
//!    elsewhere.
//! 2. Services that share a [`RestGroup`] take turns, first come, first
//!    served: one is away at a time, unless [more
//!    may](RestGroup::max_resting). Who waits for its turn takes requests.
//! 3. The last one of a group that takes requests does not leave while
//!    somebody waits for it, where the group [can tell](RestGroup::demand).
//! 4. In its turn a service is not ready. What runs finishes first: until its
//!    response body has ended, failed, or was dropped. If that takes longer
//!    than the [drain timeout](OutOfBandLayer::drain_timeout), it takes
//!    requests again and leaves it at that for a minute.
//! 5. Then the work runs, in a task of its own, for the [work
//!    timeout](OutOfBandLayer::work_timeout) at most. When it has ended,
//!    failed with a panic or was given up, the service is ready again.
//! 6. No request ever runs while the work does: a service that has said that
//!    it is ready is waited for, until it is called, polled again to no avail,
//!    or dropped.
//! 7. A service that is dropped, with all of its clones, gives its turn back
//!    when its work has been dropped.
//!
//! # Deployment
//!
//! - axum's `Router::layer` puts a layer around each route, and each would
//!   rest by itself. Put it around the whole router: `layer.layer(router)`.
//! - The task runs in the runtime in which the layer was put around the
//!   service; if there was none, in that of the request that asked.
//! - Whoever polls a service until it is ready and then keeps it without
//!   calling it keeps it from resting, for the drain timeout.
//! - Requests that wait for a service that rests wait in whatever is around it.
//!   With one process that works for 100 ms, the unlucky ones wait as long as
//!   if the work had been theirs. It pays with two or more, or with pauses.
//!
//! [`RestRequested`]: peregrine_core::RestRequested

mod body;
mod future;
mod gate;
mod group;
mod handle;
mod layer;
mod member;
mod rest;
mod rota;
mod service;
mod wakers;

pub use self::{
    body::OutOfBandBody,
    future::ResponseFuture,
    group::RestGroup,
    handle::{RestHandle, RestState, Rests},
    layer::OutOfBandLayer,
    service::OutOfBand,
};
