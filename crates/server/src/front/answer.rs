use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::BoxError;

pin_project! {
    /// What a client gets: an answer's body, or nothing.
    ///
    /// If it breaks off, it is pending once before it says so. hyper closes the
    /// connection at once then, with all that it has not written yet, and often that
    /// is the whole answer: an application that dies while it answers has its head,
    /// what came of the content and its end arrive together. A client that has got no
    /// byte on a connection that was used before takes it for one that was closed
    /// before its request arrived, and may send that again (RFC 9112 §9.3.1): browsers
    /// do, with forms, too. A client that has got the head knows that it was answered,
    /// and that the answer is not whole.
    pub(super) struct AnswerBody<B> {
        #[pin]
        state: State<B>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<B> {
        Passed { #[pin] body: B },
        BrokenOff { error: Option<BoxError> },
        Empty,
    }
}

impl<B> AnswerBody<B> {
    pub(super) const fn passed(body: B) -> Self {
        Self {
            state: State::Passed { body },
        }
    }

    pub(super) const fn empty() -> Self {
        Self {
            state: State::Empty,
        }
    }
}

impl<B> Body for AnswerBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let mut state = self.project().state;
        let error = match state.as_mut().project() {
            StateProj::Passed { body } => match body.poll_frame(cx) {
                Poll::Ready(Some(Err(error))) => error.into(),
                other => return other.map_err(Into::into),
            },
            StateProj::BrokenOff { error } => return Poll::Ready(error.take().map(Err)),
            StateProj::Empty => return Poll::Ready(None),
        };
        // hyper writes what it has before it asks again, as far as the socket takes it.
        state.set(State::BrokenOff { error: Some(error) });
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Passed { body } => body.is_end_stream(),
            State::BrokenOff { error } => error.is_none(),
            State::Empty => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Passed { body } => body.size_hint(),
            // Nobody knows any more.
            State::BrokenOff { .. } => SizeHint::default(),
            State::Empty => SizeHint::with_exact(0),
        }
    }
}

impl<B> fmt::Debug for AnswerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Passed { .. } => "passed on",
            State::BrokenOff { .. } => "broken off",
            State::Empty => "empty",
        };
        f.debug_tuple("AnswerBody").field(&state).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{io, task::Waker};

    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::{Full, StreamBody};

    use super::*;

    #[test]
    fn what_came_can_be_written_before_it_is_said_that_the_answer_breaks_off() {
        let frames = [
            Ok(Frame::data(Bytes::from_static(b"half"))),
            Err(io::Error::other("the application died")),
        ];
        let mut body = AnswerBody::passed(StreamBody::new(stream::iter(frames)));
        let mut cx = Context::from_waker(Waker::noop());
        let mut poll = || Pin::new(&mut body).poll_frame(&mut cx);
        assert!(matches!(poll(), Poll::Ready(Some(Ok(_)))));
        assert!(poll().is_pending());
        assert!(matches!(poll(), Poll::Ready(Some(Err(_)))));
        assert!(matches!(poll(), Poll::Ready(None)));
    }

    #[test]
    fn the_length_is_still_known() {
        let body = AnswerBody::passed(Full::<Bytes>::from("page"));
        assert_eq!(body.size_hint().exact(), Some(4));
        assert!(!body.is_end_stream());
        let empty = AnswerBody::<Full<Bytes>>::empty();
        assert_eq!(empty.size_hint().exact(), Some(0));
        assert!(empty.is_end_stream());
    }
}
