//! A forum: mostly public, and answered from memory for members, too.
//!
//! ```
//! use axum::{body::Body, http::Request};
//! use forum::Forum;
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let forum = Forum::open(&folder.path().join("forum.sqlite"))?;
//! forum.plant()?;
//!
//! let request = Request::get("/").body(Body::empty())?;
//! let page = forum::router(forum).oneshot(request).await?;
//! assert_eq!(page.status(), 200);
//! // Whoever runs the cache may keep it; a browser is to ask each time.
//! assert_eq!(page.headers()["cdn-cache-control"], "max-age=600");
//! assert_eq!(page.headers()["cache-control"], "no-cache");
//! assert_eq!(page.headers()["cache-groups"], r#""room-open""#);
//! # Ok(())
//! # }
//! ```
//!
//! Its README tells how it is run, and how its pages are kept. In short:
//!
//! 1. A page depends on its address and on the *level* of who asks, and on nothing
//!    else. What is one person's own is in `/me`, which a visit asks for once, and on
//!    `/account`; nobody keeps either.
//! 2. Each page says by `caching` which groups it belongs to, and each answer to a
//!    `POST` which of them it has changed.
//! 3. Every answer to a session says on which level that session is, in one place
//!    (`identity`), so that no handler can forget it.

mod assets;
mod caching;
mod forms;
mod forum;
mod identity;
mod level;
mod moment;
mod pages;
mod paging;
mod password;
mod problem;
mod room;
mod routes;
mod seed;
mod serve;
mod store;
mod token;
mod visit;

pub use self::{forum::Forum, routes::router, serve::serve, store::StoreError};
