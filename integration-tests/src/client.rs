//! An HTTP client that hides nothing: one connection for each request, no
//! retries, no redirects. And one that sends bytes as they are, for what no
//! honest client would send.

use std::{error::Error, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header::HOST};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::wait;

/// An answer that has arrived whole.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its content, which is text in every test here.
    pub body: String,
}

impl Page {
    /// The lines of a header field, joined as RFC 9110 §5.3 joins them; empty
    /// if there is none.
    ///
    /// # Panics
    ///
    /// If it is not text.
    pub fn header(&self, name: &str) -> String {
        let lines = self.headers.get_all(name).iter();
        let lines: Vec<_> = lines.map(|line| line.to_str().expect("text")).collect();
        lines.join(", ")
    }

    /// The content as JSON.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("no JSON, {error}: {self:?}"))
    }

    /// Whether a cache says that it answered by itself (RFC 9211 §2.1).
    pub fn is_hit(&self) -> bool {
        self.header("cache-status").contains("; hit")
    }
}

/// A request without a body.
///
/// # Panics
///
/// If `path` is none.
pub fn request(method: Method, path: &str) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().expect("a path");
    request
}

/// Sends `request` and reads the whole answer.
///
/// # Errors
///
/// If the connection breaks before the answer is whole.
///
/// # Panics
///
/// If there is no answer within [`wait::LIMIT`].
pub async fn try_fetch(
    server: SocketAddr,
    request: Request<Bytes>,
) -> Result<Page, Box<dyn Error + Send + Sync>> {
    let what = format!("the whole of {} {}", request.method(), request.uri());
    wait::bounded(&what, async {
        let (head, body) = open(server, request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Page {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(body.into())?,
        })
    })
    .await
}

/// Sends `request` and gives the answer as soon as its head is there.
///
/// # Errors
///
/// If the connection breaks before.
pub async fn open(
    server: SocketAddr,
    mut request: Request<Bytes>,
) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
    if !request.headers().contains_key(HOST) {
        let host = server.to_string().parse()?;
        request.headers_mut().insert(HOST, host);
    }
    let stream = TcpStream::connect(server).await?;
    let (mut send, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the exchange; what goes wrong shows in the answer.
    tokio::spawn(connection);
    Ok(send.send_request(request.map(Full::new)).await?)
}

/// Sends `bytes`, and gives all that comes back until the server closes.
///
/// # Panics
///
/// If the server neither answers nor closes within [`wait::LIMIT`].
pub async fn exchange(server: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server)
        .await
        .expect("the server takes connections");
    // A server may refuse and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    read_to_end(&mut stream).await
}

/// All that comes until the server closes, in whatever way it does.
///
/// # Panics
///
/// If it doesn't within [`wait::LIMIT`].
pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    wait::bounded("the server to close the connection", async {
        // A reset ends an answer as well as a close does.
        let _ = stream.read_to_end(&mut answer).await;
    })
    .await;
    String::from_utf8_lossy(&answer).into_owned()
}
