use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use tower::load::Load;
use tower_service::Service;

use crate::{
    OutOfBandBody, ResponseFuture, RestHandle,
    member::{Member, Owner, Place},
    wakers::Ticket,
};

/// A service that rests between requests when it is asked to. Made by
/// [`OutOfBandLayer`](crate::OutOfBandLayer).
///
/// Clones are the same service: they rest together, and its requests are those
/// of all of them. Its [`Load`] is that of the inner service.
#[derive(Debug)]
pub struct OutOfBand<S> {
    inner: S,
    owner: Arc<Owner>,
    /// Reserved by `poll_ready`, spent by `call`: nobody rests who has said
    /// that it is ready.
    place: Option<Place>,
    /// Where this clone's waker is, once it had to wait.
    ticket: Option<Ticket>,
}

impl<S> OutOfBand<S> {
    pub(crate) fn new(inner: S, member: Arc<Member>) -> Self {
        Self {
            inner,
            owner: Arc::new(Owner(member)),
            place: None,
            ticket: None,
        }
    }

    /// Asks for rests from elsewhere, and tells about them.
    pub fn handle(&self) -> RestHandle {
        RestHandle::new(&self.owner.0)
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service. Requests that are sent to it directly do not keep it
    /// from resting.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes the layer off.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

/// What was reserved belongs to the one that was polled.
impl<S: Clone> Clone for OutOfBand<S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            owner: Arc::clone(&self.owner),
            place: None,
            ticket: None,
        }
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for OutOfBand<S>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    ResB: Body,
{
    type Response = Response<OutOfBandBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.place.is_none() {
            let place = ready!(self.owner.0.poll_enter(&mut self.ticket, cx));
            self.place = Some(place);
        }
        let inner = self.inner.poll_ready(cx);
        if !matches!(inner, Poll::Ready(Ok(()))) {
            // No request comes from this, and none is to be waited for.
            self.place = None;
        }
        inner
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let place = self.place.take().expect("poll_ready is called first");
        ResponseFuture::new(self.inner.call(request), place)
    }
}

impl<S: Load> Load for OutOfBand<S> {
    type Metric = S::Metric;

    fn load(&self) -> S::Metric {
        self.inner.load()
    }
}
