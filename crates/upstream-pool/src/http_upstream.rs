use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri, uri::Scheme};
use http_body::Body;
use peregrine_core::{ControlFields, Shared};
use tower_service::Service;

use crate::{
    Error, RequestBody, ResponseBody,
    connection::{Client, Endpoint, Limits, answer},
    error::BoxError,
    retry::Retry,
    roster::ProcessId,
};

/// A server that runs already, as a service: what
/// [`UpstreamPool`](crate::UpstreamPool) does for one process, without the
/// process.
///
/// It speaks HTTP/1.1 and keeps connections. It has no limit of its own for
/// how many requests run; [`ServedBy`](peregrine_core::ServedBy) is absent
/// from its responses. Clones share the connections.
///
/// ```
/// use std::time::Duration;
/// use peregrine_upstream_pool::HttpUpstream;
///
/// let upstream = HttpUpstream::new("http://127.0.0.1:8080".parse()?)?
///     .response_timeout(Duration::from_secs(10));
/// assert_eq!(upstream.to_string(), "http://127.0.0.1:8080");
///
/// assert!(HttpUpstream::new("https://example.com".parse()?).is_err(), "no TLS");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct HttpUpstream(Shared<Server>);

#[derive(Clone)]
struct Server {
    host: Arc<str>,
    port: u16,
    limits: Limits,
    client: Arc<Client>,
}

/// The address of an [`HttpUpstream`] is not of the form `http://HOST:PORT`.
#[derive(Debug)]
pub struct InvalidUpstream(());

/// There is only one.
const THE_SERVER: ProcessId = ProcessId::new(0);

impl HttpUpstream {
    /// The server at `http://HOST:PORT`; without a port, at port 80. A name is
    /// looked up for each new connection.
    ///
    /// # Errors
    ///
    /// If the scheme is not `http`, or if there is no host, or a path.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that a parsed address needs no `&`, as in hyper and http"
    )]
    pub fn new(uri: Uri) -> Result<Self, InvalidUpstream> {
        let plain = uri.scheme() == Some(&Scheme::HTTP)
            && uri.path_and_query().is_none_or(|path| path == "/");
        let authority = uri
            .authority()
            .filter(|authority| plain && !authority.as_str().contains('@'))
            .ok_or(InvalidUpstream(()))?;
        let limits = Limits {
            connect: Duration::from_secs(5),
            response: Some(Duration::from_secs(60)),
        };
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(80));
        Ok(Self::with(host.into(), port, limits))
    }

    fn with(host: Arc<str>, port: u16, limits: Limits) -> Self {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let endpoint = Endpoint::Name {
            host: bare.into(),
            port,
        };
        Self(Shared::new(Server {
            host,
            port,
            limits,
            client: Client::new(endpoint, limits),
        }))
    }

    fn limited(&self, limits: Limits) -> Self {
        Self::with(Arc::clone(&self.0.host), self.0.port, limits)
    }

    /// How long the server may take to accept a connection. Default: 5 s.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        let limits = Limits {
            connect: timeout,
            ..self.0.limits
        };
        self.limited(limits)
    }

    /// How long the server may take to send the head of its response. Default:
    /// 60 s; [`Duration::ZERO`] is any time. See
    /// [`Builder::response_timeout`](crate::Builder::response_timeout).
    pub fn response_timeout(self, timeout: Duration) -> Self {
        let limits = Limits {
            response: Some(timeout).filter(|timeout| !timeout.is_zero()),
            ..self.0.limits
        };
        self.limited(limits)
    }
}

impl<B> Service<Request<B>> for HttpUpstream
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.0.again();
        let mut request = request.map(RequestBody::new);
        Box::pin(async move {
            let mut retry = Retry::default();
            loop {
                let error = match server.client.send(&mut request, None).await {
                    Ok((response, exchange)) => {
                        let mut response = answer(response, exchange);
                        ControlFields::set_aside(&mut response);
                        return Ok(response);
                    }
                    Err((error, _)) => error,
                };
                // Another attempt to connect would meet the same.
                if error.is_connect() {
                    return Err(error);
                }
                request = retry.after(error, THE_SERVER)?;
            }
        })
    }
}

impl fmt::Display for HttpUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.0.host, self.0.port)
    }
}

impl fmt::Debug for HttpUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpUpstream")
            .field("host", &self.0.host)
            .field("port", &self.0.port)
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for InvalidUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an upstream is named as http://HOST:PORT, without a path")
    }
}

impl std::error::Error for InvalidUpstream {}
