use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response, response};
use http_body::Body;
use http_body_util::Empty;
use tower::Service;

/// One exchange with a service that answers at once, body and all, and the head
/// of its response.
///
/// # Panics
///
/// If there is anything to wait for.
pub(crate) fn exchange<S, B>(service: &mut S, request: Request<Empty<Bytes>>) -> response::Parts
where
    S: Service<Request<Empty<Bytes>>, Response = Response<B>>,
    B: Body,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(&mut context) else {
        panic!("a response at once");
    };
    let (head, body) = response.into_parts();
    let mut body = pin!(body);
    while let Poll::Ready(Some(Ok(_))) = body.as_mut().poll_frame(&mut context) {}
    head
}
