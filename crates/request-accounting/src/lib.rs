//! Which requests are being served right now, how those before them ended, and
//! how long they took: a tower layer for any HTTP service that wants a status.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Empty, Full};
//! use peregrine_request_accounting::RequestAccounting;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let accounting = RequestAccounting::new();
//! let service = accounting.layer(service_fn(|_: Request<Empty<Bytes>>| async {
//!     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("page")))
//! }));
//!
//! let response = service.oneshot(Request::default()).await.unwrap();
//! // Its body is still to be sent.
//! assert_eq!(accounting.in_flight(), 1);
//!
//! response.into_body().collect().await.unwrap();
//! let snapshot = accounting.snapshot();
//! assert_eq!(snapshot.in_flight, 0);
//! assert_eq!(snapshot.finished, 1);
//! assert_eq!(snapshot.status.successful, 1);
//! assert_eq!(snapshot.bytes, 4);
//! assert!(snapshot.latency.p99 <= snapshot.latency.max);
//! # }
//! ```
//!
//! # What counts as what
//!
//! 1. A request is **in flight** from the call of the service until its
//!    exchange is over: the response body has ended or failed, or somebody
//!    dropped it or the response future.
//! 2. Then it is **finished**: counted once, by how it ended, by the class of
//!    its status, and by what a cache further in did.
//! 3. It is **aborted** if future or body were dropped early; a server does
//!    that when its client leaves. A body of which all announced bytes came out
//!    ([RFC 9110 §6.4.1] and `Content-Length`), or that was never to be sent, as
//!    with HEAD, may be dropped without that.
//! 4. It is **failed** if the service or the body gave an error. An error page
//!    is no failure here, but a response of class 5xx.
//!    An upgraded connection (101) is all of that by who has [ended] it, and
//!    **stopped** if that was the server, since its process was to leave, say.
//! 5. What the **cache** did is read from the [`CacheStatus`] in the response's
//!    extensions, and which process answered, for the log, from [`ServedBy`].
//!    Neither need be there.
//!
//! The same layer around a single application process gives its **busyness**:
//! the service is a [`tower::load::Load`].
//!
//! One event at level `debug` tells of each finished request: `end`, `status`,
//! `cache`, `pid`, `bytes`, `elapsed`. An [`Observer`] is told the same, for an access
//! log.
//!
//! # Caveats
//!
//! - What is in flight is counted per service call. A request that an upgrade
//!   (101) turns into something else is in flight for as long as the body of that
//!   answer is kept, but its latency ends with the head. One that CONNECT turns
//!   into something else is finished with its head.
//! - Numbers count from the making of the [`RequestAccounting`] and are never
//!   reset. [`Rates`] are for whoever reads them again and again.
//! - A body counts its bytes when its exchange is over, not while it streams.
//! - A request refused by an outer layer never comes here, and a panic of the
//!   inner service is an abort like any other drop.
//!
//! # Cost
//!
//! No lock, and no allocation for a request, unless somebody is told of each. Two
//! readings of the clock and a handful of atomic additions to memory that no other
//! thread writes to, as long as there aren't more than eight: about 0.1 µs per
//! request. Each
//! [`RequestAccounting`] takes 6 KiB for each processor, up to eight.
//!
//! [`CacheStatus`]: peregrine_core::CacheStatus
//! [`ServedBy`]: peregrine_core::ServedBy
//! [ended]: peregrine_core::Upgraded::ended
//! [RFC 9110 §6.4.1]: https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1

mod body;
mod content;
mod counters;
mod exchange;
mod future;
mod histogram;
mod layer;
mod observer;
mod outcome;
mod rates;
mod service;
mod snapshot;
pub mod tracking;

pub use body::AccountedBody;
pub use future::ResponseFuture;
pub use histogram::Distribution;
pub use layer::RequestAccounting;
pub use observer::{End, FinishedRequest, Observed, Observer, RequestHead};
pub use rates::Rates;
pub use service::RequestAccountingService;
pub use snapshot::{CacheCounts, Latency, Snapshot, StatusCounts};
