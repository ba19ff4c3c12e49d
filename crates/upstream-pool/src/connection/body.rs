use std::{
    fmt,
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
    first: Option<Result<Frame<Bytes>, Error>>,
    /// Absent once the process has sent everything.
    exchange: Option<Exchange>,
    /// The response is the beginning of something else, which lasts for as long
    /// as somebody holds this body.
    upgraded: bool,
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
        let first = exchange.connection().ready_frame().transpose();
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
            first: None,
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
        self.first.is_none() && self.exchange.is_none() && !self.upgraded
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(|first| first.as_ref().ok());
        let first = first.and_then(Frame::data_ref).map_or(0, Bytes::len) as u64;
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
