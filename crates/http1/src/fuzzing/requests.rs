use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::script::End;
use crate::server::Connection;

/// A client that says what is written in its script, a piece at a time, and then that it
/// has no more to say. It hears whatever it is answered.
#[derive(Debug)]
pub(super) struct Client {
    pieces: VecDeque<Bytes>,
    heard: Vec<u8>,
}

/// What a server understands of a script.
#[derive(Debug, PartialEq)]
pub(super) struct Requests {
    pub(super) all: Vec<Understood>,
    pub(super) end: End,
    /// How many of them were answered.
    pub(super) answers: usize,
}

/// A request, and how its body has ended.
#[derive(Debug, PartialEq)]
pub(super) struct Understood {
    pub(super) head: (Method, Uri, Version, HeaderMap),
    pub(super) body: Vec<u8>,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) end: End,
}

/// Where a service notes what it understands. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Rc<RefCell<Vec<Understood>>>);

impl Client {
    pub(super) fn new(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self {
            pieces: pieces.into_iter().collect(),
            heard: Vec::new(),
        }
    }

    /// Plays it to a server that reads all bodies.
    pub(super) fn requests(mut self) -> Requests {
        let notes = Notes::default();
        let service = |request| notes.clone().answer(request, End::of);
        let end = {
            let mut connection = pin!(Connection::new(&mut self, service));
            // Nothing here waits for anything.
            let mut cx = Context::from_waker(Waker::noop());
            match connection.as_mut().poll(&mut cx) {
                Poll::Ready(end) => end.map_or_else(End::of, |_| End::Over),
                Poll::Pending => unreachable!("the script has an end"),
            }
        };
        let heads = self.heard.split(|byte| *byte == b'\n');
        let answers = heads.filter(|line| line.ends_with(b" 200 OK\r"));
        Requests {
            answers: answers.count(),
            all: notes.take(),
            end,
        }
    }
}

impl Notes {
    /// Reads all of a request, and answers it.
    pub(super) async fn answer<B>(
        self,
        request: Request<B>,
        why: impl Fn(B::Error) -> End,
    ) -> Response<Empty<Bytes>>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (head, mut body) = request.into_parts();
        let mut understood = Understood {
            head: (head.method, head.uri, head.version, head.headers),
            body: Vec::new(),
            trailers: None,
            end: End::Over,
        };
        while let Some(frame) = body.frame().await {
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(piece)) => understood.body.extend_from_slice(&piece),
                Ok(Err(frame)) => understood.trailers = frame.into_trailers().ok(),
                Err(failure) => {
                    understood.end = why(failure);
                    break;
                }
            }
        }
        self.0.borrow_mut().push(understood);
        Response::new(Empty::new())
    }

    pub(super) fn take(&self) -> Vec<Understood> {
        self.0.take()
    }
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(piece) = self.pieces.front_mut() {
            let len = piece.len().min(buf.remaining());
            buf.put_slice(&piece.split_to(len));
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.heard.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
