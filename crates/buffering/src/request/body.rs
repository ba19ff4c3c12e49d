use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use http_body::{Body, Frame, SizeHint};
use peregrine_core::Replay;
use pin_project_lite::pin_project;
use tower::BoxError;

use crate::{
    budget::Claim,
    temp_file::{Blocking, TempFile},
};

/// How much of a file is read at a time: few enough reads, and not much memory
/// for each of many bodies.
const READ: u64 = 64 << 10;

pin_project! {
    /// The body of a request behind [`RequestBuffering`](super::RequestBuffering):
    /// one that is here, or the client's own, where it was not to be buffered
    /// or is empty.
    pub struct RequestBody<B> {
        #[pin]
        inner: Inner<B>,
    }
}

pin_project! {
    #[project = InnerProj]
    enum Inner<B> {
        Passed { #[pin] body: B },
        // Boxed, since most requests have none.
        Spooled { body: Box<Spooled> },
    }
}

/// A body that has been read to its end: first what is in the file, then what
/// is in memory.
#[derive(Debug)]
pub(super) struct Spooled {
    file: Option<FilePart>,
    memory: Bytes,
    trailers: Option<HeaderMap>,
    /// Given back with the last copy of the body.
    claims: Arc<[Claim; 2]>,
}

#[derive(Debug)]
struct FilePart {
    file: TempFile,
    at: u64,
    end: u64,
    reading: Option<Blocking<Bytes>>,
}

impl<B> RequestBody<B> {
    pub(super) const fn passed(body: B) -> Self {
        Self {
            inner: Inner::Passed { body },
        }
    }

    pub(super) fn spooled(body: Spooled) -> Self {
        Self {
            inner: Inner::Spooled {
                body: Box::new(body),
            },
        }
    }
}

impl Spooled {
    pub(super) fn new(
        file: Option<(TempFile, u64)>,
        memory: Bytes,
        trailers: Option<HeaderMap>,
        claims: [Claim; 2],
    ) -> Self {
        Self {
            file: file.map(|(file, end)| FilePart {
                file,
                at: 0,
                end,
                reading: None,
            }),
            memory,
            trailers,
            claims: Arc::new(claims),
        }
    }

    /// What is left, once more. Nothing of it is copied.
    fn rest(&self) -> Self {
        Self {
            file: self.file.as_ref().map(FilePart::rest),
            memory: self.memory.clone(),
            trailers: self.trailers.clone(),
            claims: Arc::clone(&self.claims),
        }
    }

    /// A way to this body for whoever must send it again.
    pub(super) fn replay(&self) -> Replay {
        let whole = self.rest();
        Replay::new(move || whole.rest())
    }

    /// How many bytes are left.
    fn len(&self) -> u64 {
        let in_file = self.file.as_ref().map_or(0, |part| part.end - part.at);
        in_file + self.memory.len() as u64
    }

    /// Says in `headers` how long the body is, if that is how its end is found:
    /// trailers are sent in chunks alone (RFC 9112 §7.1.2).
    pub(super) fn declare_length(&self, headers: &mut HeaderMap) {
        if self.trailers.is_none() {
            headers.remove(TRANSFER_ENCODING);
            headers.insert(CONTENT_LENGTH, HeaderValue::from(self.len()));
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(part) = &mut self.file {
            let piece = ready!(part.poll_read(cx));
            if part.at == part.end || piece.is_err() {
                self.file = None;
            }
            return Poll::Ready(Some(piece.map(Frame::data)));
        }
        if !self.memory.is_empty() {
            let rest = std::mem::take(&mut self.memory);
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        Poll::Ready(
            self.trailers
                .take()
                .map(|fields| Ok(Frame::trailers(fields))),
        )
    }
}

impl FilePart {
    fn rest(&self) -> Self {
        Self {
            file: self.file.clone(),
            at: self.at,
            end: self.end,
            reading: None,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let reading = self.reading.get_or_insert_with(|| {
            let len = usize::try_from((self.end - self.at).min(READ)).unwrap_or(usize::MAX);
            self.file.read(self.at, len)
        });
        let piece = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        let piece = piece?;
        self.at += piece.len() as u64;
        Poll::Ready(Ok(piece))
    }
}

impl Body for Spooled {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.get_mut().poll_next(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.len() == 0 && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.trailers.is_none() {
            SizeHint::with_exact(self.len())
        } else {
            // A length that is known would have the trailers dropped.
            SizeHint::default()
        }
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().inner.project() {
            InnerProj::Passed { body } => body.poll_frame(cx).map_err(Into::into),
            InnerProj::Spooled { body } => Pin::new(&mut **body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Passed { body } => body.is_end_stream(),
            Inner::Spooled { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Passed { body } => body.size_hint(),
            Inner::Spooled { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for RequestBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("RequestBody");
        match &self.inner {
            Inner::Passed { .. } => f.field("buffered", &false).finish_non_exhaustive(),
            Inner::Spooled { body } => f.field("buffered", body).finish(),
        }
    }
}
