//! Requests as bytes, from a stream in memory: what a server's end of HTTP/1.1 takes.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io, mem,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use peregrine_http1::server::Connection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::Service;

use super::exercise::App;

/// Has `app` asked for this over a connection of the project's own, `count` times.
pub(super) fn by_peregrine<B>(mut app: App, request: &Request<B>, count: u32) {
    let client = Client::new(request, count);
    let serve = |request| {
        let answer = app.call(request);
        async { answer.await.unwrap_or_else(|never| match never {}) }
    };
    let mut connection = pin!(Connection::new(client, serve));
    at_once(poll_fn(|cx| connection.as_mut().poll(cx))).expect("a client that asks well");
}

/// The same by hyper.
pub(super) fn by_hyper<B>(app: App, request: &Request<B>, count: u32) {
    let client = TokioIo::new(Client::new(request, count));
    let serve = service_fn(move |request| {
        let answer = app.clone().call(request);
        async { answer.await as Result<Response<Full<_>>, Infallible> }
    });
    let connection = http1::Builder::new().serve_connection(client, serve);
    at_once(connection).expect("a client that asks well");
}

/// Nobody is waited for: who has nothing to say now has it the next time.
fn at_once<F: Future>(future: F) -> F::Output {
    let mut cx = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

/// Asks, takes what it gets, and asks again when it is listened to twice, and so on. Then
/// it leaves.
struct Client {
    request: Vec<u8>,
    left: u32,
    has_asked: bool,
}

impl Client {
    fn new<B>(request: &Request<B>, count: u32) -> Self {
        let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri());
        for (name, value) in request.headers() {
            let value = value.to_str().expect("a value that is text");
            for part in [name.as_str(), ": ", value, "\r\n"] {
                head.push_str(part);
            }
        }
        head += "\r\n";
        Self {
            request: head.into_bytes(),
            left: count,
            has_asked: false,
        }
    }
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if mem::take(&mut self.has_asked) {
            return Poll::Pending;
        }
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.has_asked = true;
            buf.put_slice(&self.request);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use bytes::Bytes;

    use super::*;

    #[test]
    fn each_request_is_answered() {
        let asked = Cell::new(0);
        let request = Request::get("/page").header("host", "a").body(()).unwrap();
        let mut connection = pin!(Connection::new(Client::new(&request, 3), |_| {
            asked.set(asked.get() + 1);
            std::future::ready(Response::new(Full::<Bytes>::from("page")))
        }));
        at_once(poll_fn(|cx| connection.as_mut().poll(cx))).unwrap();
        assert_eq!(asked.get(), 3);
    }
}
