use std::{
    error::Error as _,
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{Exchange, head::for_client};
use crate::Error;

/// The body of a process's response, as it comes.
///
/// Whoever reads it drives the connection. When the process has sent
/// everything, the connection is kept for the next request, and the process
/// is free; dropped before that, the connection is closed, and the process is
/// free as well.
pub struct ResponseBody {
    incoming: Incoming,
    /// Absent once the process has sent everything.
    exchange: Option<Exchange>,
    /// The response is the beginning of something else, which lasts for as long
    /// as somebody holds this body.
    upgraded: bool,
}

/// A response as it came, as one for the client.
pub(crate) fn answer(response: Response<Incoming>, exchange: Exchange) -> Response<ResponseBody> {
    let (mut head, incoming) = response.into_parts();
    for_client(&mut head);
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        return Response::from_parts(head, ResponseBody::new(incoming, exchange));
    }
    if let Some(upgraded) = exchange.into_upgraded() {
        head.extensions.insert(upgraded);
    }
    Response::from_parts(head, ResponseBody::of_upgraded(incoming))
}

impl ResponseBody {
    /// A short response is often here in full with its head: then the process
    /// is free already.
    fn new(incoming: Incoming, mut exchange: Exchange) -> Self {
        if incoming.is_end_stream() || exchange.connection().is_ready() {
            exchange.finish();
            Self {
                incoming,
                exchange: None,
                upgraded: false,
            }
        } else {
            Self {
                incoming,
                exchange: Some(exchange),
                upgraded: false,
            }
        }
    }

    /// Has no content, but does not say so before it is asked: whoever counts
    /// what runs does not give up at the head.
    const fn of_upgraded(incoming: Incoming) -> Self {
        Self {
            incoming,
            exchange: None,
            upgraded: true,
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
        let mut frame = Pin::new(&mut this.incoming).poll_frame(cx);
        if let Some(exchange) = &mut this.exchange {
            if frame.is_pending() {
                exchange.connection().drive(cx);
                frame = Pin::new(&mut this.incoming).poll_frame(cx);
            }
            match &frame {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(_))) if !this.incoming.is_end_stream() => {}
                Poll::Ready(Some(Ok(_)) | None) => {
                    if !exchange.connection().is_ready() {
                        exchange.connection().drive(cx);
                    }
                    if let Some(exchange) = this.exchange.take() {
                        exchange.finish();
                    }
                }
                Poll::Ready(Some(Err(_))) => {
                    if let Some(exchange) = this.exchange.take() {
                        exchange.broke_off();
                    }
                }
            }
        }
        frame.map_err(broken_off)
    }

    fn is_end_stream(&self) -> bool {
        !self.upgraded && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Why a body breaks off: hyper says it in the I/O error within.
fn broken_off(error: hyper::Error) -> Error {
    let kind = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            Error::bad_response(error)
        }
        _ => Error::closed_early(false, error),
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("incoming", &self.incoming)
            .field("over", &self.exchange.is_none())
            .field("upgraded", &self.upgraded)
            .finish()
    }
}
