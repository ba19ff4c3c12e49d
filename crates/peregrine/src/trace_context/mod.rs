//! [W3C Trace Context] between clients, us and the application.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use peregrine::trace_context::{TraceContextLayer, TraceParent};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // Sample one request in ten, of those for which nobody has said anything.
//! let service = TraceContextLayer::new(0.1).layer(service_fn(|request: Request<()>| async move {
//!     assert!(TraceParent::of(request.headers()).is_some());
//!     Ok::<_, Infallible>(Response::new(()))
//! }));
//! service.oneshot(Request::new(())).await.unwrap();
//! # }
//! ```
//!
//! # Rules
//!
//! 1. A valid `traceparent` from a [trusted proxy](TraceContextLayer::trusted_proxies)
//!    goes on, with the `tracestate` that came with it, and whoever began the trace
//!    has decided whether it is sampled.
//! 2. Any other one is dropped, with its `tracestate`: a client could fill a store
//!    of traces, or hide in somebody else's. A trace begins here instead, and a
//!    [share](TraceContextLayer::new) of those is sampled.
//! 3. While somebody listens, the request is served in a span of its own, named
//!    `request` and at level `debug`, with the fields `trace_id`, `span_id` and
//!    `parent_id`, and the application is told of that span as its parent. While
//!    nobody does, it is told of the parent that came: one that is recorded nowhere
//!    would leave a gap in the trace.
//!
//! An application whose own sampling follows its parent's, as is usual, then samples
//! what we do. So this is nothing to put in front of one unasked.
//!
//! Meant to stand behind a cache: a hit takes part in no trace, and pays nothing.
//!
//! [W3C Trace Context]: https://www.w3.org/TR/trace-context-2/

mod layer;
mod traceparent;

pub use self::{
    layer::{TraceContext, TraceContextLayer},
    traceparent::TraceParent,
};
