use std::{
    error::Error as StdError,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::Request;

use crate::{RequestBody, StartReport, process::NotOurs};

/// Any error that can cross threads.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why there is no answer from the application.
///
/// It prints its own level; [`source`](StdError::source) has the rest. What a
/// client is told is for the composition to say; the usual status is named at
/// each question.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: Kind,
    source: Option<BoxError>,
    /// A lock that nobody waits for: a body alone is not `Sync`.
    again: Mutex<Option<Again>>,
}

/// A request that comes back with an error.
#[derive(Debug)]
pub(crate) enum Again {
    /// It is certain that the application saw none of it.
    Unsent(Request<RequestBody>),
    /// It may have been carried out. This is a copy of one of which it would do no
    /// harm to carry it out twice.
    Lost(Request<RequestBody>),
}

#[derive(Debug)]
enum Kind {
    QueueFull,
    NotStarted {
        report: Arc<StartReport>,
        retry_after: Duration,
    },
    Connect,
    ClosedEarly {
        /// Not one byte of an answer had come.
        silent: bool,
    },
    BadResponse,
    Timeout(Duration),
    RequestBody,
    Stopping,
    UnsupportedMethod,
}

/// The client's body failed while it was on its way to the process.
#[derive(Debug)]
pub struct ClientBodyError(pub(crate) BoxError);

/// How long a client is asked to wait when the queue is full: long enough to
/// spread those who come back, short enough for a page reload.
const QUEUE_RETRY: Duration = Duration::from_secs(1);

/// How long a client is asked to wait when the pool stops: another server is
/// about to take over.
const STOP_RETRY: Duration = Duration::from_secs(5);

impl Error {
    fn new(kind: Kind) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                source: None,
                again: Mutex::new(None),
            }),
        }
    }

    fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Carries a request back to whoever may send it elsewhere.
    pub(crate) fn with(mut self, again: Again) -> Self {
        self.inner.again = Mutex::new(Some(again));
        self
    }

    pub(crate) fn take_again(&mut self) -> Option<Again> {
        self.inner
            .again
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    pub(crate) fn queue_full() -> Self {
        Self::new(Kind::QueueFull)
    }

    pub(crate) fn not_started(report: Arc<StartReport>, retry_after: Duration) -> Self {
        Self::new(Kind::NotStarted {
            report,
            retry_after,
        })
    }

    pub(crate) fn connect(source: io::Error) -> Self {
        Self::new(Kind::Connect).because(source)
    }

    pub(crate) fn closed_early(silent: bool, source: impl Into<BoxError>) -> Self {
        Self::new(Kind::ClosedEarly { silent }).because(source)
    }

    pub(crate) fn bad_response(source: impl Into<BoxError>) -> Self {
        Self::new(Kind::BadResponse).because(source)
    }

    pub(crate) fn timeout(limit: Duration) -> Self {
        Self::new(Kind::Timeout(limit))
    }

    pub(crate) fn request_body(source: impl Into<BoxError>) -> Self {
        Self::new(Kind::RequestBody).because(source)
    }

    pub(crate) fn stopping() -> Self {
        Self::new(Kind::Stopping)
    }

    pub(crate) fn unsupported_method() -> Self {
        Self::new(Kind::UnsupportedMethod)
    }

    /// The connection broke before one byte of an answer had come: nothing is
    /// known about what the application did.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.inner.kind, Kind::ClosedEarly { silent: true })
    }

    /// Nobody listens where the process should: it is broken.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_connect()
            && self.source().is_some_and(|source| {
                is_io(source, io::ErrorKind::ConnectionRefused)
                    || is_io(source, io::ErrorKind::NotFound)
            })
    }

    /// Somebody else listens where the process should.
    pub(crate) fn is_not_ours(&self) -> bool {
        self.is_connect()
            && self
                .source()
                .and_then(<dyn StdError>::downcast_ref)
                .is_some_and(NotOurs::is)
    }

    /// Somebody listens, but takes no connection: it hangs.
    pub(crate) fn is_connect_timeout(&self) -> bool {
        self.is_connect()
            && self
                .source()
                .is_some_and(|source| is_io(source, io::ErrorKind::TimedOut))
    }

    /// The queue was full: 503, with [`retry_after`](Self::retry_after).
    pub fn is_queue_full(&self) -> bool {
        matches!(self.inner.kind, Kind::QueueFull)
    }

    /// No process runs, and the last attempt to start one failed: 502, with
    /// the [`start_report`](Self::start_report).
    pub fn is_not_started(&self) -> bool {
        matches!(self.inner.kind, Kind::NotStarted { .. })
    }

    /// The process could not be connected to, nor another one: 502.
    pub fn is_connect(&self) -> bool {
        matches!(self.inner.kind, Kind::Connect)
    }

    /// The process closed the connection before its response was complete:
    /// 502.
    pub fn is_closed_early(&self) -> bool {
        matches!(self.inner.kind, Kind::ClosedEarly { .. })
    }

    /// The process answered something that is not HTTP/1, or a head over the
    /// limits: 502.
    pub fn is_bad_response(&self) -> bool {
        matches!(self.inner.kind, Kind::BadResponse)
    }

    /// The process sent no response head in time: 504.
    pub fn is_timeout(&self) -> bool {
        matches!(self.inner.kind, Kind::Timeout(_))
    }

    /// The client's body failed or was cut off: 400, or
    /// [408](Self::is_request_body_timeout).
    pub fn is_request_body(&self) -> bool {
        matches!(self.inner.kind, Kind::RequestBody)
    }

    /// The client's body failed because the client was too slow: 408. True if
    /// a [`TimedOut`](io::ErrorKind::TimedOut) error is among the sources.
    pub fn is_request_body_timeout(&self) -> bool {
        let mut source = self.source().filter(|_| self.is_request_body());
        while let Some(error) = source {
            if is_io(error, io::ErrorKind::TimedOut) {
                return true;
            }
            source = error.source();
        }
        false
    }

    /// The pool is stopping, or has stopped: 503, with
    /// [`retry_after`](Self::retry_after).
    pub fn is_stopping(&self) -> bool {
        matches!(self.inner.kind, Kind::Stopping)
    }

    /// `CONNECT` is for proxies, not for applications: 501.
    pub fn is_unsupported_method(&self) -> bool {
        matches!(self.inner.kind, Kind::UnsupportedMethod)
    }

    /// Why no process could be started, for an operator's eyes.
    pub fn start_report(&self) -> Option<&StartReport> {
        match &self.inner.kind {
            Kind::NotStarted { report, .. } => Some(report),
            _ => None,
        }
    }

    /// When the client may try again, for `Retry-After` (RFC 9110 §10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        match self.inner.kind {
            Kind::QueueFull => Some(QUEUE_RETRY),
            Kind::NotStarted { retry_after, .. } => Some(retry_after),
            Kind::Stopping => Some(STOP_RETRY),
            _ => None,
        }
    }
}

fn is_io(error: &(dyn StdError + 'static), kind: io::ErrorKind) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == kind)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner.kind {
            Kind::QueueFull => f.write_str("too many requests are waiting for a process"),
            Kind::NotStarted { .. } => f.write_str("the application does not start"),
            Kind::Connect => f.write_str("the application takes no connection"),
            Kind::ClosedEarly { silent: true } => {
                f.write_str("the application closed the connection without an answer")
            }
            Kind::ClosedEarly { silent: false } => {
                f.write_str("the application closed the connection in the midst of its answer")
            }
            Kind::BadResponse => f.write_str("the application's answer is not valid HTTP"),
            Kind::Timeout(limit) => {
                write!(f, "the application sent no answer within {limit:?}")
            }
            Kind::RequestBody => f.write_str("the client did not send its whole request body"),
            Kind::Stopping => f.write_str("the process pool is stopping"),
            Kind::UnsupportedMethod => f.write_str("CONNECT is not for an application"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.inner.kind {
            Kind::NotStarted { report, .. } => Some(report.as_ref()),
            _ => self.inner.source.as_deref().map(|source| source as _),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("source", &self.inner.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ClientBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request body failed")
    }
}

impl StdError for ClientBodyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.0.as_ref())
    }
}
