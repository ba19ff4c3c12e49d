use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::task::AbortHandle;
use tower::BoxError;

use super::{
    layer::Config,
    pump::Pump,
    queue::{End, Queue},
};

pin_project! {
    /// The body of a response behind
    /// [`ResponseBuffering`](super::ResponseBuffering).
    pub struct ResponseBody<B> {
        #[pin]
        inner: Inner<B>,
    }
}

pin_project! {
    #[project = InnerProj]
    enum Inner<B> {
        // It has no content, but may hold something.
        Empty { #[pin] body: B },
        Whole { piece: Option<Bytes>, end: Option<End> },
        Live { live: Live },
    }
}

/// A body that a task reads.
struct Live {
    queue: Arc<Queue>,
    /// How many bytes are to come, if that is known.
    left: Option<u64>,
    pump: AbortHandle,
}

/// What a first look at a body has found.
enum FirstLook {
    Whole(Option<Bytes>, End),
    /// There is more to come after these.
    Begun(Vec<Bytes>),
}

impl<B> ResponseBody<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    /// A body without content, for what it holds: what comes after an upgrade is
    /// no part of it, and lasts for as long as somebody keeps it.
    pub(super) const fn held(body: B) -> Self {
        let inner = Inner::Empty { body };
        Self { inner }
    }

    /// Reads what is here, and has the rest, if there is any, read by a task.
    pub(super) fn read_ahead(mut body: B, config: &Arc<Config>, cx: &mut Context<'_>) -> Self {
        if body.is_end_stream() {
            let inner = Inner::Empty { body };
            return Self { inner };
        }
        let left = body.size_hint().exact();
        let inner = match look(&mut body, cx) {
            FirstLook::Whole(piece, end) => Inner::Whole {
                piece,
                end: Some(end),
            },
            FirstLook::Begun(pieces) => {
                let queue = Queue::new(config);
                let pump = Pump::new(body, pieces, Arc::clone(&queue), Arc::clone(config));
                let pump = tokio::spawn(pump.run()).abort_handle();
                let live = Live { queue, left, pump };
                Inner::Live { live }
            }
        };
        Self { inner }
    }
}

/// Reads one piece, and looks whether it is the only one.
///
/// That there is more to be had now need not be noted: the task that reads the
/// rest polls the body first of all.
fn look<B>(body: &mut B, cx: &mut Context<'_>) -> FirstLook
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut first = None;
    loop {
        if first.is_some() && body.is_end_stream() {
            return FirstLook::Whole(first, End::Complete(None));
        }
        match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Pending => return FirstLook::Begun(first.into_iter().collect()),
            Poll::Ready(None) => return FirstLook::Whole(first, End::Complete(None)),
            Poll::Ready(Some(Err(error))) => {
                return FirstLook::Whole(first, End::Failed(error.into()));
            }
            Poll::Ready(Some(Ok(frame))) => match (frame.into_data(), first.take()) {
                (Ok(data), None) => first = Some(data),
                (Ok(data), Some(before)) => return FirstLook::Begun(vec![before, data]),
                (Err(frame), before) => {
                    let trailers = frame.into_trailers().ok().map(Box::new);
                    return FirstLook::Whole(before, End::Complete(trailers));
                }
            },
        }
    }
}

impl<B> Body for ResponseBody<B>
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
            InnerProj::Empty { body } => body.poll_frame(cx).map_err(Into::into),
            InnerProj::Whole { piece, end } => match piece.take() {
                Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
                None => Poll::Ready(end.take().and_then(End::into_frame)),
            },
            InnerProj::Live { live } => {
                let frame = live.queue.poll_take(cx);
                if let Poll::Ready(Some(Ok(frame))) = &frame
                    && let (Some(left), Some(data)) = (&mut live.left, frame.data_ref())
                {
                    *left = left.saturating_sub(data.len() as u64);
                }
                frame
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Empty { body } => body.is_end_stream(),
            Inner::Whole { piece, end } => {
                piece.is_none() && matches!(end, None | Some(End::Complete(None)))
            }
            Inner::Live { live } => live.queue.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Empty { body } => body.size_hint(),
            Inner::Whole {
                piece,
                end: None | Some(End::Complete(None)),
            } => SizeHint::with_exact(piece.as_ref().map_or(0, Bytes::len) as u64),
            // A length that is known would have trailers dropped, and a failure
            // hidden.
            Inner::Whole { .. } => SizeHint::default(),
            Inner::Live { live } => live
                .left
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Nobody is left to read for. The service's body is dropped with the
        // task.
        self.pump.abort();
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.inner {
            Inner::Empty { .. } => "empty",
            Inner::Whole { .. } => "whole",
            Inner::Live { .. } => "live",
        };
        f.debug_tuple("ResponseBody").field(&state).finish()
    }
}
