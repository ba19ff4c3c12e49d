use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::{Exchange, head::for_client};
use crate::Error;

/// The body of a process's response, as it comes.
///
/// Whoever reads it drives the connection. When the process has sent
/// everything, the connection is kept for the next request, and the process
/// is free; dropped before that, the connection is closed, and the process is
/// free as well.
pub struct ResponseBody {
    /// What came together with the head.
    first: First,
    /// Absent once the process has sent everything.
    exchange: Option<Exchange>,
    /// The response is the beginning of something else, which lasts for as long
    /// as somebody holds this body.
    upgraded: bool,
}

/// Nearly always nothing or data. What it may be as well is large, and not to be moved on
/// by each layer.
enum First {
    Nothing,
    Data(Bytes),
    Other(Box<Result<Frame<Bytes>, Error>>),
}

impl First {
    fn of(frame: Result<Option<Frame<Bytes>>, Error>) -> Self {
        match frame.map(|frame| frame.map(Frame::into_data)) {
            Ok(None) => Self::Nothing,
            Ok(Some(Ok(data))) => Self::Data(data),
            Ok(Some(Err(trailers))) => Self::Other(Box::new(Ok(trailers))),
            Err(error) => Self::Other(Box::new(Err(error))),
        }
    }

    fn take(&mut self) -> Option<Result<Frame<Bytes>, Error>> {
        match mem::replace(self, Self::Nothing) {
            Self::Nothing => None,
            Self::Data(data) => Some(Ok(Frame::data(data))),
            Self::Other(other) => Some(*other),
        }
    }

    const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// How many bytes of content it is.
    const fn len(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            Self::Nothing | Self::Other(_) => 0,
        }
    }
}

/// A response as it came, as one for the client.
pub(crate) fn answer(mut response: Response<()>, exchange: Exchange) -> Response<ResponseBody> {
    for_client(&mut response);
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return response.map(|()| ResponseBody::new(exchange));
    }
    if let Some(upgraded) = exchange.into_upgraded() {
        response.extensions_mut().insert(upgraded);
    }
    response.map(|()| ResponseBody::of_upgraded())
}

impl ResponseBody {
    /// A short response is often here in full with its head: then the process
    /// is free already.
    fn new(mut exchange: Exchange) -> Self {
        let first = First::of(exchange.connection().ready_frame());
        let mut body = Self {
            first,
            exchange: Some(exchange),
            upgraded: false,
        };
        body.look_for_the_end();
        body
    }

    /// Has no content, but does not say so before it is asked: whoever counts
    /// what runs does not give up at the head.
    const fn of_upgraded() -> Self {
        Self {
            first: First::Nothing,
            exchange: None,
            upgraded: true,
        }
    }

    fn look_for_the_end(&mut self) {
        let exchange = self
            .exchange
            .take_if(|exchange| exchange.connection().is_answered());
        if let Some(exchange) = exchange {
            exchange.finish();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let frame = match (this.first.take(), &mut this.exchange) {
            (None, None) => None,
            (None, Some(exchange)) => match ready!(exchange.connection().poll_frame(cx)) {
                None if exchange.is_cut_off() => Some(Err(Error::closed_early(
                    false,
                    "its process exits, and only the end of the connection would say that all \
                     of it has come",
                ))),
                frame => frame,
            },
            (first, _) => first,
        };
        if let Some(Err(_)) = &frame
            && let Some(exchange) = this.exchange.take()
        {
            exchange.broke_off();
        }
        this.look_for_the_end();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_nothing() && self.exchange.is_none() && !self.upgraded
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.len() as u64;
        let rest = match &self.exchange {
            Some(exchange) => exchange.size_hint(),
            None => SizeHint::with_exact(0),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(first));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("size", &self.size_hint())
            .field("over", &self.exchange.is_none())
            .field("upgraded", &self.upgraded)
            .finish_non_exhaustive()
    }
}
