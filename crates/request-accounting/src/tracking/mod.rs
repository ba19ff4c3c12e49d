//! Which requests are being served right now, one by one: since when, where they
//! are, how much of the answer has gone out.
//!
//! Meant to stand behind a cache: a hit is over before anybody could look at it,
//! and pays nothing for this.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Empty, Full};
//! use peregrine_request_accounting::tracking::{Place, RequestTracking, Tracked};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let tracking = RequestTracking::new();
//! let service = tracking.layer(service_fn(|request: Request<Empty<Bytes>>| async move {
//!     // Whoever gives the request to a process says so.
//!     request.extensions().get::<Tracked>().unwrap().dispatched(4711);
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("page")))
//! }));
//!
//! let request = Request::get("/topics/7?token=secret").body(Empty::new()).unwrap();
//! let response = service.oneshot(request).await.unwrap();
//! let running = tracking.requests();
//! assert_eq!(running[0].path(), "/topics/7");
//! assert_eq!(running[0].place(), Place::Sending { pid: Some(4711) });
//!
//! response.into_body().collect().await.unwrap();
//! assert!(tracking.requests().is_empty());
//! assert_eq!(tracking.application_time().count(), 1);
//! # }
//! ```
//!
//! # What counts as what
//!
//! 1. A request is **queued** from the call of the service, or from when it was
//!    [received](ReceivedLayer) if that comes [first](RequestTracking::receives_first)
//!    and it has a body, until whoever gives it to a process says so by the [`Tracked`] in its extensions. If that happens
//!    more than once, the last counts: it was sent again.
//! 2. It is **with a process** until the head of the response, and
//!    being **sent** until the response's body is over, or dropped.
//! 3. [`queue_time`](RequestTracking::queue_time) is how long 1 took, of those
//!    that came to a process, and
//!    [`application_time`](RequestTracking::application_time) is how long the first
//!    half of 2 took, of those that got a head from one.
//! 4. The query of a target is not kept: it may hold secrets.
//!
//! Each [`RequestTracking`] takes 10 KiB for each processor, up to eight: no two
//! threads write to the same list.

mod body;
mod entry;
mod layer;
mod received;
mod service;

pub use self::{
    body::TrackedBody,
    entry::{Place, Tracked, TrackedRequest},
    layer::RequestTracking,
    received::{Received, ReceivedLayer},
    service::{RequestTrackingService, ResponseFuture},
};
