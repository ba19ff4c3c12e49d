use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderName, Response, StatusCode};
use http_body::Body;
use peregrine_core::{GuardedBody, RestRequested};
use pin_project_lite::pin_project;

use crate::{OutOfBandBody, member::Place};

/// Asks for a rest, as with Passenger, whatever its value.
const REQUEST_OOB_WORK: HeaderName = HeaderName::from_static("!~request-oob-work");

pin_project! {
    /// Response future of [`OutOfBand`](crate::OutOfBand).
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // Gone to the body, or given back, once the inner future is ready.
        place: Option<Place>,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) const fn new(inner: F, place: Place) -> Self {
        Self {
            inner,
            place: Some(place),
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<OutOfBandBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        let mut place = this.place.take();
        Poll::Ready(result.map(|mut response| {
            if response.headers_mut().remove(REQUEST_OOB_WORK).is_some() {
                response.extensions_mut().insert(RestRequested);
                if let Some(place) = &place {
                    place.ask();
                }
            }
            // A server does not poll a body that says it has ended, and may
            // keep it until its client has taken the head.
            //
            // What a connection has been upgraded to may last for days, and nobody
            // is to wait for the end of that.
            let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            if upgraded || response.body().is_end_stream() {
                place = None;
            }
            response.map(|body| OutOfBandBody::new(GuardedBody::new(body, place)))
        }))
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("inner", &std::any::type_name::<F>())
            .finish_non_exhaustive()
    }
}
