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
        Stored { body: Bytes },
        Piecewise { body: Piecewise<B> },
    }
}

/// What comes in more than one piece.
// One kind of body for both: with four, the compiler makes a table of jumps whenever it
// asks which it is, and jumps to what it has to read first take long.
enum Piecewise<B> {
    Shared(Reader<B>),
    Ranges(Pieces),
}

impl<B> CacheBody<B> {
    pub(crate) const fn passed(body: B) -> Self {
        Self {
            kind: Kind::Passed { body },
        }
    }

    pub(crate) const fn shared(reader: Reader<B>) -> Self {
        Self {
            kind: Kind::Piecewise {
                body: Piecewise::Shared(reader),
            },
        }
    }

    pub(crate) const fn stored(body: Bytes) -> Self {
        Self {
            kind: Kind::Stored { body },
        }
    }

    pub(crate) const fn pieces(pieces: Pieces) -> Self {
        Self {
            kind: Kind::Piecewise {
                body: Piecewise::Ranges(pieces),
            },
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
            KindProj::Stored { body } if body.is_empty() => Poll::Ready(None),
            KindProj::Stored { body } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            KindProj::Piecewise { body } => body.poll_frame(cx),
        }
    }

    #[inline]
    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Passed { body } => body.is_end_stream(),
            Kind::Stored { body } => body.is_empty(),
            Kind::Piecewise { body } => body.is_end_stream(),
        }
    }

    #[inline]
    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Passed { body } => body.size_hint(),
            Kind::Stored { body } => SizeHint::with_exact(body.len() as u64),
            Kind::Piecewise { body } => body.size_hint(),
        }
    }
}

// Nothing of it is inlined: nearly all bodies go by without what it takes.
impl<B> Piecewise<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    #[inline(never)]
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self {
            Self::Shared(reader) => reader.poll_frame(cx),
            Self::Ranges(pieces) => Poll::Ready(pieces.pop().map(Frame::data).map(Ok)),
        }
    }

    #[inline(never)]
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Shared(reader) => reader.is_end_stream(),
            Self::Ranges(pieces) => pieces.remaining() == 0,
        }
    }

    #[inline(never)]
    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Shared(reader) => reader.size_hint(),
            Self::Ranges(pieces) => SizeHint::with_exact(pieces.remaining()),
        }
    }
}

impl<B> fmt::Debug for CacheBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Passed { .. } => "passed",
            Kind::Stored { .. } => "stored",
            Kind::Piecewise { body } => match body {
                Piecewise::Shared(_) => "shared",
                Piecewise::Ranges(_) => "stored, in pieces",
            },
        };
        f.debug_struct("CacheBody").field("kind", &kind).finish()
    }
}
