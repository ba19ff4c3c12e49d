use std::time::Duration;

use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri, Version};
use peregrine_core::CacheStatus;

/// Is told of each request, as an access log wants to be.
///
/// Asked for by [`RequestAccounting::observed_by`]. Both calls happen where the
/// request is served: whoever writes to a disk does that elsewhere.
///
/// ```
/// use std::{convert::Infallible, sync::{Arc, mpsc}};
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Empty, Full};
/// use peregrine_request_accounting::{
///     FinishedRequest, Observer, Observed, RequestAccounting, RequestHead,
/// };
/// use tower::{Layer, ServiceExt, service_fn};
///
/// struct Log(mpsc::Sender<String>);
///
/// struct Line(String, mpsc::Sender<String>);
///
/// impl Observer for Log {
///     fn begin(&self, request: RequestHead<'_>) -> Box<dyn Observed> {
///         Box::new(Line(format!("{} {}", request.method, request.uri), self.0.clone()))
///     }
/// }
///
/// impl Observed for Line {
///     fn finish(self: Box<Self>, finished: &FinishedRequest) {
///         let status = finished.status.unwrap().as_u16();
///         let _ = self.1.send(format!("{} {status} {}", self.0, finished.bytes));
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (lines, written) = mpsc::channel();
/// let accounting = RequestAccounting::new().observed_by(Arc::new(Log(lines)));
/// let service = accounting.layer(service_fn(|_: Request<Empty<Bytes>>| async {
///     Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("page")))
/// }));
/// let response = service.oneshot(Request::default()).await.unwrap();
/// response.into_body().collect().await.unwrap();
/// assert_eq!(written.recv().unwrap(), "GET / 200 4");
/// # }
/// ```
///
/// [`RequestAccounting::observed_by`]: crate::RequestAccounting::observed_by
pub trait Observer: Send + Sync {
    /// A request has come. What this returns is told how it ended.
    fn begin(&self, request: RequestHead<'_>) -> Box<dyn Observed>;
}

/// What an [`Observer`] keeps of one request.
pub trait Observed: Send {
    /// Its exchange is over. Called once for each request.
    fn finish(self: Box<Self>, finished: &FinishedRequest);
}

/// A request without its body, as it came.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target.
    pub uri: &'a Uri,
    /// The version of HTTP that it came by.
    pub version: Version,
    /// Its fields.
    pub headers: &'a HeaderMap,
    /// What those further out have added to it.
    pub extensions: &'a Extensions,
}

/// A request whose exchange is over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FinishedRequest {
    /// How it ended.
    pub end: End,
    /// The status of the response; `None` if it ended before.
    pub status: Option<StatusCode>,
    /// What a cache further in did, in a word as `hit`; `None` if none said.
    pub cache: Option<&'static str>,
    /// The same in full: why it went forward, whether it was stored, why not.
    pub cache_status: Option<CacheStatus>,
    /// The process that answered, by its id in the operating system.
    pub pid: Option<u32>,
    /// Bytes of content of the response.
    pub bytes: u64,
    /// From the call to the end; of an upgraded connection, to its upgrade.
    pub elapsed: Duration,
}

pub use crate::outcome::End;

impl<'a, B> From<&'a Request<B>> for RequestHead<'a> {
    fn from(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}
