use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{
    Response, StatusCode,
    header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE},
    response::Parts,
};
use pin_project_lite::pin_project;
use tokio::task::spawn_blocking;
use tracing::warn;

use super::{layer::Config, order::Order};
use crate::{
    ResponseBody,
    file::{FileBody, Wish},
};

pin_project! {
    /// Response future of [`SendFileService`](super::SendFileService).
    pub struct ResponseFuture<F> {
        #[pin]
        phase: Phase<F>,
    }
}

/// What may be sent, and how the client wants it.
pub(super) struct Offer {
    pub(super) wish: Wish,
    pub(super) config: Arc<Config>,
}

/// `None` if there is nothing that may be sent.
type Sending = Pin<Box<dyn Future<Output = Option<Response<FileBody>>> + Send>>;

pin_project! {
    #[project = PhaseProj]
    enum Phase<F> {
        Asking {
            #[pin]
            future: F,
            offer: Option<Box<Offer>>,
        },
        Sending { future: Sending },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) const fn new(future: F, offer: Option<Box<Offer>>) -> Self {
        Self {
            phase: Phase::Asking { future, offer },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let sending: Sending = match this.phase.as_mut().project() {
                PhaseProj::Asking { future, offer } => {
                    let mut polled = future.poll(cx);
                    // Looked at where it is, and moved once: responses are large.
                    let order = match &mut polled {
                        Poll::Ready(Ok(response)) => Order::take(response.headers_mut()),
                        Poll::Ready(Err(_)) | Poll::Pending => None,
                    };
                    let Some((order, offer)) = order.and_then(|order| {
                        let offer = offer.take();
                        if offer.is_none() {
                            warn!(?order, "a file is named, but none may be sent");
                        }
                        Some((order, offer?))
                    }) else {
                        return polled.map_ok(|response| response.map(ResponseBody::service));
                    };
                    // The service's body ends here, and what it holds is free.
                    let (head, _) = ready!(polled)?.into_parts();
                    Box::pin(send(order, *offer, head))
                }
                PhaseProj::Sending { future } => {
                    let sent = ready!(future.as_mut().poll(cx));
                    return Poll::Ready(Ok(sent.map_or_else(ResponseBody::not_found, |file| {
                        file.map(ResponseBody::file)
                    })));
                }
            };
            this.phase.set(Phase::Sending { future: sending });
        }
    }
}

/// The file that was ordered, under the head of the service.
async fn send(
    order: Order,
    Offer { wish, config }: Offer,
    head: Parts,
) -> Option<Response<FileBody>> {
    let looking = spawn_blocking(move || {
        let found = order.find(&config);
        (order, found)
    });
    // Only a runtime that ends does not carry it out.
    let (order, found) = looking.await.ok()?;
    let Some(found) = found else {
        warn!(
            ?order,
            "not sent: the file is not there, or not where it may be"
        );
        return None;
    };
    // A part is a part of what is there, not of a page that says what is not.
    let wish = match head.status {
        StatusCode::OK => wish,
        _ => wish.for_all_of_it(),
    };
    match wish.fulfil(&found).await {
        Ok(file) => Some(merge(head, file)),
        Err(error) => {
            warn!(?order, %error, "a file cannot be sent");
            None
        }
    }
}

/// What the service says about the file, and what only the file says itself.
fn merge(mut head: Parts, file: Response<FileBody>) -> Response<FileBody> {
    let (of_file, body) = file.into_parts();
    if head.status == StatusCode::OK {
        head.status = of_file.status;
    }
    for name in [CONTENT_LENGTH, CONTENT_RANGE, ACCEPT_RANGES] {
        head.headers.remove(name);
    }
    for (name, value) in &of_file.headers {
        head.headers.entry(name).or_insert_with(|| value.clone());
    }
    Response::from_parts(head, body)
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &self.phase {
            Phase::Asking { .. } => "asking",
            Phase::Sending { .. } => "sending",
        };
        f.debug_tuple("ResponseFuture").field(&phase).finish()
    }
}
