//! The server's end: requests are read, one after the other, and answered.
//!
//! Pure are: what the head of a request says (`head`), where its body ends (`framing`),
//! and what is written of an answer (`encode`). [`Connection`] reads and writes, and
//! only when it is polled.
//!
//! This is what strangers talk to. Of what can be read in two ways, nothing is accepted:
//! neither two lengths, nor a length beside chunks, nor a coding that does not say where
//! it ends. Whoever is in front of us may have read it in the other way, and what it
//! takes for a body would be the next request to us (RFC 9112 §11.2).
//!
//! | what has come | answer |
//! |---|---|
//! | no head, or one whose body has no certain end | `400` |
//! | a head of over 64 KiB, or with over 100 fields | `431` |
//! | the same, and it is the target alone | `414` |
//! | a transfer coding in front of the chunks | `501` |
//! | another version of HTTP | `505` |
//!
//! No time is measured here: [`Connection::is_waiting`] and [`Connection::requests`] are
//! for whoever has a clock.
//!
//! ```
//! use std::{future::{poll_fn, ready}, pin::pin};
//!
//! use bytes::Bytes;
//! use http::Response;
//! use http_body_util::Full;
//! use peregrine_http1::server::{Connection, End};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let (mut client, near) = tokio::io::duplex(1024);
//! client
//!     .write_all(b"GET /hello HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
//!     .await
//!     .unwrap();
//!
//! let mut connection = pin!(Connection::new(near, |request: http::Request<_>| {
//!     let page = format!("You asked for {}", request.uri());
//!     ready(Response::new(Full::<Bytes>::from(page)))
//! }));
//! let end = poll_fn(|cx| connection.as_mut().poll(cx)).await.unwrap();
//! assert_eq!(end, End::Over);
//!
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await.unwrap();
//! assert!(answer.starts_with("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n"));
//! assert!(answer.ends_with("\r\n\r\nYou asked for /hello"));
//! # });
//! ```

mod connection;
mod date;
mod encode;
mod ending;
mod exchange;
mod framing;
mod head;
mod incoming;
mod plain;
mod spare;
mod upload;

pub use self::{
    connection::{Connection, End},
    incoming::Incoming,
};
