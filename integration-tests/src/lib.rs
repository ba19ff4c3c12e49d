//! What the tests under `tests/` need to run the whole server as its users do:
//! from the outside, by its command line, its sockets and its signals.
//!
//! Nothing here knows how Peregrine is made. A [`Server`] is a process that
//! was started with arguments, [`client`] speaks HTTP to it (or something
//! worse), a [`Browser`] is somebody who uses it, [`processes`] looks up in `/proc`
//! what it runs, and [`tools::require`] fails a test by name if this machine lacks
//! what it needs.
//!
//! ```
//! use integration_tests::Server;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let server = Server::start(&["demo"]).await;
//! let page = server.get("/").await;
//! assert!(page.body.contains("/topics/1"));
//!
//! let stopped = server.stop().await;
//! assert!(stopped.left.is_empty());
//! # }
//! ```
//!
//! `src/bin/unruly-app.rs` is an application that does whatever a request asks
//! it to do, however wrong; `src/bin/members-app.rs` one whose users log in.

pub mod binary;
mod browser;
pub mod client;
pub mod conformance;
mod load;
mod output;
pub mod processes;
mod run;
mod schema;
mod server;
pub mod tools;
pub mod wait;

pub use browser::{Browser, Tab};
pub use load::Load;
pub use output::Output;
pub use run::{Ended, run, run_with_env};
pub use schema::Schema;
pub use server::{Server, Stopped};
