//! The client's end: a request is written, and its answer is read.
//!
//! Pure are: what is written of a request (`encode`), what the head of an answer
//! says (`head`), and where its body ends (`framing`). [`Conn`] reads and writes, and
//! only when it is polled: it has no task, no channel and no wake-up of its own. The
//! request's head stays with the caller, who may want to send it again.
//!
//! In doubt a connection is not used again, and an answer is refused: whoever
//! disagrees with us about where an answer ends could else have the rest of it
//! taken for the answer to somebody else's request (RFC 9112 §11.2).
//!
//! ```
//! use std::future::poll_fn;
//!
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::Empty;
//! use peregrine_http1::client::Conn;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let (near, mut server) = tokio::io::duplex(1024);
//! let mut conn = Conn::new(near);
//! let mut request = Request::get("/hello")
//!     .header("host", "a.example")
//!     .body(Empty::<Bytes>::new())
//!     .unwrap();
//! conn.begin(&mut request).unwrap();
//! server.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
//!
//! let answer = poll_fn(|cx| conn.poll_head(&mut request, |_| false, cx)).await.unwrap();
//! assert_eq!(answer.status(), 200);
//! let piece = poll_fn(|cx| conn.poll_frame(cx)).await.unwrap().unwrap();
//! assert_eq!(piece.into_data().unwrap(), "hi");
//! assert!(conn.is_reusable());
//!
//! let mut asked = [0; 40];
//! server.read_exact(&mut asked).await.unwrap();
//! assert_eq!(&asked, b"GET /hello HTTP/1.1\r\nhost: a.example\r\n\r\n");
//! # });
//! ```

mod conn;
mod encode;
mod framing;
mod head;
mod more_fields;
mod plain;

pub use self::{conn::Conn, more_fields::MoreFields};
