use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{Failure, Malformed, client::Conn};
use http_body_util::Empty;

/// A server that says what is written in its script, a piece at a time, as soon as it is
/// asked anything. Then it closes the connection.
#[derive(Debug)]
pub(super) struct Script {
    pieces: VecDeque<Bytes>,
    is_asked: bool,
    /// Of who waits for the first piece.
    waker: Option<Waker>,
}

/// What a client understands of a script.
#[derive(Debug, PartialEq)]
pub(super) struct Transcript {
    pub(super) head: Option<(StatusCode, Version, HeaderMap)>,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) end: End,
    pub(super) is_reusable: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum End {
    Over,
    CutOff,
    Malformed(Malformed),
}

impl Script {
    pub(super) fn new(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self {
            pieces: pieces.into_iter().collect(),
            is_asked: false,
            waker: None,
        }
    }

    /// Plays it to a client that asks with `method`.
    pub(super) fn transcript(self, method: &Method) -> Transcript {
        // Nothing here waits for anything.
        let mut cx = Context::from_waker(Waker::noop());
        let mut transcript = Transcript {
            head: None,
            body: Vec::new(),
            trailers: None,
            end: End::Over,
            is_reusable: false,
        };
        let mut conn = Conn::new(self);
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method.clone();
        assert!(conn.poll_unasked(&mut cx).is_pending());
        conn.begin(&mut request).unwrap();
        match conn.poll_head(&mut request, |_| false, &mut cx) {
            Poll::Ready(Ok(response)) => transcript.read(response, &mut conn, &mut cx),
            Poll::Ready(Err(failure)) => transcript.end = End::of(failure),
            Poll::Pending => unreachable!("the script has an end"),
        }
        transcript
    }
}

impl Transcript {
    fn read(
        &mut self,
        response: Response<()>,
        conn: &mut Conn<Script, Empty<Bytes>>,
        cx: &mut Context<'_>,
    ) {
        let (head, ()) = response.into_parts();
        self.head = Some((head.status, head.version, head.headers));
        loop {
            let hint = conn.size_hint();
            match conn.poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) => {
                        assert!(!piece.is_empty());
                        assert!(hint.upper().is_none_or(|most| piece.len() as u64 <= most));
                        self.body.extend_from_slice(&piece);
                    }
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
                Poll::Ready(Some(Err(failure))) => {
                    self.end = End::of(failure);
                    return;
                }
                Poll::Ready(None) => break,
                Poll::Pending => unreachable!("the script has an end"),
            }
        }
        assert!(conn.is_answered());
        // Of what is said too late, an exchange takes notice before it begins.
        self.is_reusable = conn.is_reusable() && conn.stream().pieces.is_empty();
    }

    pub(super) fn fields(&self) -> usize {
        self.head
            .as_ref()
            .map_or(0, |(_, _, headers)| headers.len())
    }
}

impl End {
    pub(super) fn of(failure: Failure) -> Self {
        match failure {
            Failure::Malformed(why) => Self::Malformed(why),
            Failure::Closed(_) => Self::CutOff,
            Failure::Body(why) => unreachable!("{why}"),
        }
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_asked {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
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

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_asked = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
