//! A response cache that an application can put in front of itself in one line:
//! a shared HTTP cache by [RFC 9111], as a [`tower::Layer`](tower_layer::Layer).
//!
//! ```
//! use axum::{Router, body::Body, http::{Request, header}, routing::get};
//! use tower::ServiceExt;
//! use turbocache::TurboCache;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let app = Router::new()
//!     .route("/", get(|| async { ([(header::CACHE_CONTROL, "max-age=60")], "Hello") }))
//!     .layer(TurboCache::conservative());
//!
//! let ask = || Request::get("/").header("host", "forum.example").body(Body::empty()).unwrap();
//! let first = app.clone().oneshot(ask()).await.unwrap();
//! let said = first.headers()["cache-status"].to_str().unwrap();
//! assert!(said.starts_with("turbocache; fwd=uri-miss; stored; ttl="));
//!
//! // It is stored as soon as its body has come.
//! axum::body::to_bytes(first.into_body(), 1024).await.unwrap();
//! let second = app.oneshot(ask()).await.unwrap();
//! assert!(second.headers()["cache-status"].to_str().unwrap().starts_with("turbocache; hit"));
//! assert_eq!(second.headers()["age"], "0");
//! # }
//! ```
//!
//! The layer's errors are those of the service inside, so it needs no
//! `HandleErrorLayer`; it works as well in a `ServiceBuilder` over a hyper
//! service, and in front of a proxy's client. It is always ready: hits are given
//! while everything behind it is busy, restarting or gone.
//!
//! # What is answered from memory
//!
//! 1. `GET`, and `HEAD` from a stored `GET`: of all variants of a page the newest
//!    that the request selects by the fields that `Vary` names (RFC 9111 §4.1). A
//!    client that has it already gets a 304, one that asks for a part of it a 206.
//!    Beside `Vary: Cookie`, `Cookie-Indices: "session"` (Internet-Draft "HTTP
//!    Availability Hints") lets all who have no such cookie share a page that
//!    says it is for shared caches, by `public`, `s-maxage` or a field addressed
//!    to them. Whoever has one shares it with those alone who send all the same
//!    cookies: what a client claims is nothing to go by.
//! 2. While it is fresh. Then it is *validated*: the inner service is asked whether
//!    it is still good, with the validators of what is stored in place of those of
//!    the client. With `stale-while-revalidate`, it is given meanwhile, and the
//!    question goes on in the background (where there is no tokio runtime, in the
//!    foreground). With `stale-if-error`, or within a [`grace`](TurboCache::grace),
//!    it stands in for an inner service that fails.
//! 3. Not what has `Authorization` (a [standard](TurboCache::standard) cache
//!    answers it with what says that it is for everybody), `If-Match`, `Upgrade` or
//!    a body; not what asks by `X-HTTP-Method-Override` or `X-Original-URL` (and
//!    their like) for something else than it seems to; not what has no `Host`,
//!    several, a strange one, or another one than its target. These *pass*: nothing
//!    is read for them, and nothing stored.
//! 4. The key is the scheme, the authority (in any case, with or without the
//!    scheme's own port), and path and query as they were sent, but for what [makes
//!    no difference](TurboCache::ignore_query), or is said to make none by
//!    `No-Vary-Search`. `Forwarded`, `X-Forwarded-*`, but for `X-Forwarded-For`,
//!    and what else tells of a host or a scheme (`X-Host`, `X-Original-Host`,
//!    `X-HTTP-Host-Override`, `X-Scheme`, `X-URL-Scheme`, `Front-End-Https`) are
//!    part of it where they occur, because applications build links from them. Who
//!    knows which variant of a page a client may see puts a
//!    [`Variant`](peregrine_core::Variant) into the request's extensions: its name
//!    is part of the key, or the request passes.
//! 5. A client's `no-cache`, `max-age=0` and `Pragma` are ignored: anyone could
//!    empty the application's protection with them
//!    ([unless](TurboCache::honour_request_directives) that is wanted). Its
//!    `no-store` is obeyed in that nothing is stored for it. Nor is anything stored
//!    for a request that the application may read in another way than the cache: one
//!    whose `Connection` takes fields away, or with a name like `Accept_Language`,
//!    which is another one's behind CGI, WSGI and Rack.
//!
//! # What is stored
//!
//! 1. Responses to `GET` with any final status but those that are for one request;
//! 2. that say for how long they are fresh (`CDN-Cache-Control`, `s-maxage`,
//!    `max-age`, `Expires`), and are fresh when they come, or can be validated. What
//!    says that something went wrong is so for ten seconds at most, whatever it says,
//!    unless that is a 404, 410, 414 or 451;
//! 3. without `private` or `no-store`; without anything in `Cache-Control` that
//!    cannot be read; without `Set-Cookie`, `Authentication-Info` or `Set-Login`,
//!    `Vary: *`, trailers or `Surrogate-Control`;
//! 4. whose body is complete, of the length that it was declared to have, and no
//!    longer than [`max_entry_bytes`](TurboCache::max_entry_bytes);
//! 5. as long as there is room in [`capacity_bytes`](TurboCache::capacity_bytes).
//!
//! A [standard](TurboCache::standard) cache stores more: what does not say for how
//! long it is fresh, for a tenth of the time since it was modified; errors for as
//! long as they say; what `private`
//! and `no-cache` with field names leave of a response; and parts of responses,
//! which it puts together.
//!
//! # What makes it go
//!
//! 1. A request by an unsafe method, unknown ones included, that is not refused:
//!    its target, what `Location` and `Content-Location` refer to at the same
//!    origin, and what `Cache-Group-Invalidation` names (RFC 9111 §4.4, RFC 9875).
//!    If nobody heard the answer, because the client left or the connection broke, or if
//!    the method is unsafe by an `X-HTTP-Method-Override` alone, its target is not
//!    removed, but asked about before it is given again.
//! 2. A [handle](TurboCacheHandle): by URL, by the beginning of one, by what the
//!    application has tagged in `Surrogate-Key` or `Cache-Tag` (which no client
//!    sees), or all; at once, or softly.
//! 3. Whatever was asked for before it went is not stored when it comes.
//!
//! # Together
//!
//! A body is stored while it streams to the client, and never held back for it.
//! Concurrent misses for one key reach the inner service once, and stream the
//! same body as it comes; where its length is not known beforehand, all but the
//! first wait for its end. So do those that validate the same variant. Once a
//! response turns out not to be one to share, everyone goes on alone, and for ten
//! seconds the key is not collapsed again. The client whose request it was may
//! leave: one of the others asks anew, for all of them, or the call goes on for them in
//! a task of its own, [if it may](TurboCache::finish_abandoned).
//!
//! Where nothing can be stored, the cache steps aside: after 200 fetches of one
//! route in a row that brought nothing, `GET`s for it pass for ten seconds, or until
//! a response could have been stored: for each path, one a second is looked at. What
//! is stored is found and invalidated all the same. A route is axum's, or the leading
//! segments of a path. An unsafe request for what was never stored costs no more than
//! one that passes.
//!
//! # Why is my page not cached?
//!
//! `Cache-Status` ([RFC 9211]) says so in each response, as does a
//! [`CacheStatus`](peregrine_core::CacheStatus) in its extensions, and a `tracing`
//! event at level `debug`:
//!
//! ```
//! # use axum::{Router, body::Body, http::{Request, header}, routing::get};
//! # use tower::ServiceExt;
//! # use turbocache::TurboCache;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let login = get(|| async {
//!     ([(header::CACHE_CONTROL, "max-age=60"), (header::SET_COOKIE, "id=1")], "Welcome")
//! });
//! let app = Router::new().route("/login", login).layer(TurboCache::conservative());
//!
//! let request = Request::get("/login").header("host", "forum.example");
//! let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
//! assert_eq!(
//!     response.headers()["cache-status"],
//!     "turbocache; fwd=uri-miss; detail=set-cookie",
//! );
//! # }
//! ```
//!
//! # Where to take care
//!
//! - **One cache for one application.** Clones share what is stored, and whatever
//!   they are layered on must give the same page for the same target.
//! - **Outside of what rewrites the target.** axum's `nest` is understood (feature
//!   `axum`, on by default); another layer that takes a prefix off is not: put it
//!   inside.
//! - **What the application goes by, it must say.** A page that depends on a
//!   cookie, on `Accept-Language`, on the client's address or certificate, or on
//!   a field like `X-Host`, and says neither `private` nor `Vary`, is given to
//!   everyone for as long as it is said to be fresh. That is what its
//!   `Cache-Control` asks for.
//! - **Behind a proxy, and with TLS.** The scheme is `http` unless the target or
//!   a [`TargetOrigin`](peregrine_core::TargetOrigin) in the request's extensions
//!   says otherwise. Put one there if the server takes plain and encrypted
//!   connections for one application, and if a proxy in front can be believed.
//!   A proxy that writes each client's address into `Forwarded` makes a key for
//!   each client.
//! - **A `POST` invalidates its own target**, and not the other pages that it
//!   changes. Name these in `Location` or a group, or give them a short life.
//! - **Validators must be true.** A page that is not the same to all who select it
//!   must not have the same `ETag` for them; and an application that answers
//!   ranges has to read `If-Range`, or one client gets a 502 when the page changes
//!   while parts of it are put together.
//! - **Task-locals** that are set outside of the cache, as by a middleware that logs a
//!   user in, are those of the client whose request is sent. What is fetched in the
//!   background has none.
//! - **Those who ask for the same page wait for the first one**, for as long as it takes
//!   the application: give that a time limit, inside of the cache. (Who comes when it has
//!   taken ten seconds already does not wait for it, but makes another request to wait
//!   for. In the background there is never a second one: a page that never comes there
//!   is stale until it may not be given any more.) A response future that was polled has
//!   to be polled again, or dropped, like all futures. And an application that asks itself
//!   for the page that it is making must not have another task do so.
//! - **Streams without an end** that claim to be fresh hold up whoever asks for
//!   them second, until they are too long to be kept. `text/event-stream` and
//!   `multipart/x-mixed-replace` are known, and never shared.
//!
//! [RFC 9111]: https://www.rfc-editor.org/rfc/rfc9111
//! [RFC 9211]: https://www.rfc-editor.org/rfc/rfc9211

mod admission;
mod body;
mod cache;
mod client;
mod clock;
mod decimal;
mod fetch;
mod flight;
mod future;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod handle;
mod key;
mod layer;
mod name;
mod noted;
mod passing;
mod pending;
mod policy;
mod prompt;
mod range;
#[cfg(feature = "axum")]
pub mod response;
mod service;
mod stats;
mod store;
mod stored_response;
mod structured;
mod tags;
#[cfg(test)]
mod test_support;
mod unsafe_request;

#[cfg(feature = "hyper")]
pub use self::service::Outermost;
pub use self::{
    body::CacheBody,
    clock::{Clock, SystemClock},
    flight::CollapsedRequest,
    future::ResponseFuture,
    handle::TurboCacheHandle,
    layer::TurboCache,
    service::TurboCacheService,
    stats::Stats,
    store::Scope,
    stored_response::StoredResponse,
};
