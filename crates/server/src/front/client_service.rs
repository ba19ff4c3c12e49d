use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use super::ClientBody;

/// What the front hands each request to: a service that always has an answer,
/// and a clone of which can go with a client to its thread.
///
/// Not to be implemented: whatever is one is one.
pub(crate) trait ClientService:
    Service<
        Request<ClientBody>,
        Response = Response<<Self as ClientService>::Body>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
    /// The body of its answers.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

impl<S, B> ClientService for S
where
    S: Service<Request<ClientBody>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Body = B;
}
