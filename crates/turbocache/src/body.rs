use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::BoxError;

use crate::{flight::Reader, range::answer::Pieces};

pin_project! {
    /// The body of a response that came through the cache: from memory, from the
    /// inner service and read along by others, or the inner service's own `B` as
    /// it is.
    ///
    /// A body that is read along and breaks is an error for all who read it; its
    /// [`source`](std::error::Error::source) is the error of the inner body.
    pub struct CacheBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B> {
        Passed { #[pin] body: B },
        Shared { reader: Reader<B> },
        Stored { body: Bytes },
        Pieces { pieces: Pieces },
    }
}

impl<B> CacheBody<B> {
    pub(crate) const fn passed(body: B) -> Self {
        Self {
            kind: Kind::Passed { body },
        }
    }

    pub(crate) const fn shared(reader: Reader<B>) -> Self {
        Self {
            kind: Kind::Shared { reader },
        }
    }

    pub(crate) const fn stored(body: Bytes) -> Self {
        Self {
            kind: Kind::Stored { body },
        }
    }

    pub(crate) const fn pieces(pieces: Pieces) -> Self {
        Self {
            kind: Kind::Pieces { pieces },
        }
    }
}

impl<B> Body for CacheBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProj::Passed { body } => body.poll_frame(cx).map_err(Into::into),
            KindProj::Shared { reader } => reader.poll_frame(cx),
            KindProj::Stored { body } if body.is_empty() => Poll::Ready(None),
            KindProj::Stored { body } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            KindProj::Pieces { pieces } => Poll::Ready(pieces.pop().map(Frame::data).map(Ok)),
        }
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Passed { body } => body.is_end_stream(),
            Kind::Shared { reader } => reader.is_end_stream(),
            Kind::Stored { body } => body.is_empty(),
            Kind::Pieces { pieces } => pieces.remaining() == 0,
        }
    }

    #[inline]
    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Passed { body } => body.size_hint(),
            Kind::Shared { reader } => reader.size_hint(),
            Kind::Stored { body } => SizeHint::with_exact(body.len() as u64),
            Kind::Pieces { pieces } => SizeHint::with_exact(pieces.remaining()),
        }
    }
}

impl<B> fmt::Debug for CacheBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Passed { .. } => "passed",
            Kind::Shared { .. } => "shared",
            Kind::Stored { .. } => "stored",
            Kind::Pieces { .. } => "stored, in pieces",
        };
        f.debug_struct("CacheBody").field("kind", &kind).finish()
    }
}
