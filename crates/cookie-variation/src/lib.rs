//! Which variant of a page a client may see, by cookies that cannot be forged.
//!
//! A cache makes an application fast for visitors. Users who have logged in see
//! other pages at the same addresses, and their requests come with a `Cookie`
//! field that is different for everybody, by the analytics in it if by nothing
//! else. So pages are to vary by *who they are for*: by the one cookie that says
//! so. The trouble is that a client can send any cookie it likes.
//!
//! ```
//! use axum::{Router, body::Body, http::{Request, header}, routing::get};
//! use peregrine_cookie_variation::CookieVariation;
//! use tower::ServiceExt;
//! use turbocache::TurboCache;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let cookies = CookieVariation::anonymous_unless(["session"]);
//! let app = Router::new()
//!     .route("/", get(|| async { ([(header::CACHE_CONTROL, "max-age=60")], "Hello") }))
//!     .layer(cookies.around(TurboCache::conservative()));
//!
//! let ask = |cookie| {
//!     let request = Request::get("/").header("host", "forum.example").header("cookie", cookie);
//!     app.clone().oneshot(request.body(Body::empty()).unwrap())
//! };
//! // Visitors may see one page, and caches beyond us are told what it depends on.
//! let page = ask("_ga=GA1.2.3").await.unwrap();
//! assert_eq!(page.headers()["vary"], "Cookie");
//! assert!(!page.headers()["cache-control"].to_str().unwrap().contains("private"));
//! // One who has a session may see his own, and nobody may keep it for others.
//! let page = ask("session=1").await.unwrap();
//! assert_eq!(page.headers()["cache-control"], "private, max-age=60");
//! # }
//! ```
//!
//! The layer knows no cache. It tells whatever stands inside it by a
//! [`Variant`](peregrine_core::Variant) on each request; `TurboCache` understands
//! that. Alone, around [`tower_layer::Identity`], it makes responses safe for the
//! caches beyond.
//!
//! # Modes
//!
//! | constructor | who is believed | what an application must do | a forged cookie |
//! |---|---|---|---|
//! | [`anonymous_unless`](CookieVariation::anonymous_unless) | nobody | nothing | passes the cache by |
//! | [`asserted`](CookieVariation::asserted) | the application | name variants in a header | reaches the application |
//! | [`signed`](CookieVariation::signed) | a key | sign its cookie | passes the cache by |
//! | [`unverified_by_name`](CookieVariation::unverified_by_name) | everybody | nothing | **gets another user's page** |
//!
//! In all of them, requests without any of the cookies are *visitors* and share
//! one variant. An empty cookie is as good as none.
//!
//! ## Asserted by the application
//!
//! The application says for whom it has rendered a response:
//!
//! ```text
//! Cache-Control: max-age=60
//! !~Rendered-For: staff
//! ```
//!
//! The field never leaves the server. What it says is the application's choice: a
//! user's id, a level of access, a language; nothing behind the colon is "as for
//! visitors". The layer remembers: *this* session on *this* site sees *that*
//! variant. All staff share their pages, and a session of which the application
//! has said nothing reads nothing.
//!
//! 1. **The name must hold for its session on every page.** Who is staff in one
//!    section and a member in another must be called neither, but `staff-of-7`.
//! 2. Whatever the application says last counts, from the next request on. An
//!    answer that overlaps with another one that says something else leaves the
//!    session unknown, until the application is asked again.
//! 3. A session is forgotten when an answer sets its cookie, or says nothing
//!    where it should: a `POST`, or a page that is not expressly `public`. Let
//!    the application say it with every answer that it renders for a session.
//!    What says nothing is stored for nobody, unless it is `public`. An answer that
//!    nobody has heard, because its client has left or the connection broke, is one
//!    that says nothing. If it was to something else than `GET` or `HEAD`, nothing that
//!    is said of the session is believed for 60 s: the application may still be about to
//!    end it.
//! 4. A change that comes from elsewhere, as when an administrator takes a user's
//!    rights away, is said by `!~Forget-Rendered-For: staff, member`, or `*` for
//!    everybody: all sessions that were called so are asked for anew. Without
//!    that it takes effect when the session's own time
//!    ([`remember_for`](CookieVariation::remember_for)) is over, or at its next
//!    request that reaches the application.
//! 5. It is forgotten by its cookie, however it was sent before: to whatever site,
//!    beside whatever other cookies. A session is remembered for one site at a time.
//! 6. One layer for one application: sites that divide cookies among themselves
//!    by path are several, and are to name their variants differently.
//!
//! ## Signed
//!
//! ```
//! use cookie::Key;
//! use peregrine_cookie_variation::CookieVariation;
//!
//! # let key_of_the_application = Key::generate();
//! let cookies = CookieVariation::signed("user_id", key_of_the_application);
//! # drop(cookies);
//! ```
//!
//! One variant for each value that the application's key vouches for; see
//! [`verifier`] for the kinds of keys, and for what each of them does not prove.
//! A stolen cookie is as good as the stolen session that it is. Who keeps a
//! cookie after he has logged out can go on reading with it, unless it expires,
//! as he could from an application that looks at nothing but the signature. An
//! application that looks at more wants `asserted`.
//!
//! ## Unverified
//!
//! What Phusion Passenger calls `--vary-turbocache-by-cookie`, with its hole:
//!
//! ```text
//! alice → Cookie: user_id=1; session=4f0c…   her page is rendered, and stored
//! anyone → Cookie: user_id=1                 gets it
//! ```
//!
//! It is right where all clients may see everything, or where a proxy in front
//! makes the cookie, and drops it from what clients send.
//!
//! # Which requests pass
//!
//! We cannot know how an application reads its cookies. So wherever one reader
//! may see something else than another, the request reads nothing and nothing of
//! its answer is stored:
//!
//! 1. a cookie that matters twice, in whatever case or encoding of its name;
//! 2. such a cookie in a form that browsers do not send: with spaces, quotes,
//!    commas, backslashes or bytes that are not ASCII;
//! 3. several `Cookie` lines in HTTP/1 with one of them in it;
//! 4. more than 8 KiB of cookies.
//!
//! # `Cookie-Indices`
//!
//! A response that says `Vary: Cookie` itself is for those who send exactly the
//! same cookies. With `Cookie-Indices: "user_id", "lang"` (Internet-Draft "HTTP
//! Availability Hints") it says by which of them it varies, and if the layer
//! knows them all, by its mode or as [`preferences`](CookieVariation::preferences),
//! its variants take the place of `Vary`. Cookies of which it does not know whom
//! to believe leave the response as it is. For `TurboCache`, with or without this
//! layer around it, that is still a page for all who have none of those cookies.
//!
//! # What others are told
//!
//! Browsers and caches beyond us know nothing of variants. Every response says
//! `Vary: Cookie`. Those to clients with a session say `private` as well, and
//! lose `public`, `s-maxage` and what is addressed to CDNs (RFC 9213), since
//! there are shared caches that take no notice of `Vary`. The cache inside sees
//! none of this.
//!
//! # Limits
//!
//! | what | how many | beyond that |
//! |---|---|---|
//! | cookies of a request | 8 KiB | it passes |
//! | sessions remembered | [`max_sessions`](CookieVariation::max_sessions), 100,000 | the least recently used are asked for anew |
//! | the name of a variant | 256 bytes | it is none, and nothing is stored |
//! | variants of a page | the cache's | see there |

mod cookies;
mod directives;
mod downstream;
mod handle;
mod hear;
mod indices;
mod layer;
mod listener;
mod macros;
mod name;
mod rules;
mod service;
mod sessions;
pub mod verifier;

use self::macros::accessors;
pub use self::{
    handle::CookieVariationHandle,
    layer::{Around, CookieVariation},
    listener::{Listener, ListenerFuture},
    service::{CookieVariationService, ResponseFuture},
    verifier::Verifier,
};
pub use peregrine_core::{Clock, SystemClock};
