use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::error::{BoxError, ClientBodyError};

/// The body of a request on its way to a process: whatever body came in, with
/// its type erased.
///
/// An error that it yields is the client's: it comes back as an
/// [`Error`](crate::Error) that says [`is_request_body`].
///
/// [`is_request_body`]: crate::Error::is_request_body
pub struct RequestBody(Option<Full>);

struct Full {
    body: Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>,
    upload: Arc<Upload>,
}

/// How far a request body has come, as seen by whoever waits for the answer.
#[derive(Debug)]
pub(crate) struct Upload {
    begun: Instant,
    /// Milliseconds from `begun` to the last piece that was taken.
    taken: AtomicU64,
    /// The process has taken all there is: the client is to send more.
    starved: AtomicBool,
}

impl RequestBody {
    /// Wraps `body`. One that is known to be empty costs no allocation.
    pub fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self::empty();
        }
        Self(Some(Full {
            body: Box::pin(http_body_util::BodyExt::map_err(body, Into::into)),
            upload: Arc::new(Upload {
                begun: Instant::now(),
                taken: AtomicU64::new(0),
                starved: AtomicBool::new(false),
            }),
        }))
    }

    /// No body at all.
    pub const fn empty() -> Self {
        Self(None)
    }

    pub(crate) fn upload(&self) -> Option<Arc<Upload>> {
        self.0.as_ref().map(|full| Arc::clone(&full.upload))
    }
}

impl Upload {
    /// When to look again whether the process is late with its answer, if it
    /// is not late now: the time that the client takes is not counted.
    pub(crate) fn excuse(&self, now: Instant, limit: Duration) -> Option<Instant> {
        if self.starved.load(Ordering::Relaxed) {
            return Some(now + limit);
        }
        let taken = Duration::from_millis(self.taken.load(Ordering::Relaxed));
        Some(self.begun + taken + limit).filter(|due| *due > now)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = ClientBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientBodyError>>> {
        let Some(full) = &mut self.get_mut().0 else {
            return Poll::Ready(None);
        };
        let frame = full.body.as_mut().poll_frame(cx);
        let upload = &full.upload;
        upload.starved.store(frame.is_pending(), Ordering::Relaxed);
        if frame.is_ready() {
            let taken = u64::try_from(upload.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            upload.taken.store(taken, Ordering::Relaxed);
        }
        frame.map_err(ClientBodyError)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|full| full.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), |full| full.body.size_hint())
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody")
            .field("size", &self.size_hint())
            .finish()
    }
}

impl Default for RequestBody {
    fn default() -> Self {
        Self::empty()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_time_that_the_process_takes_is_counted() {
        let limit = Duration::from_secs(60);
        let body = RequestBody::new(Full::<Bytes>::from("page"));
        let upload = body.upload().unwrap();
        let begun = upload.begun;
        let at = |seconds| begun + Duration::from_secs(seconds);

        assert_eq!(upload.excuse(at(10), limit), Some(at(60)));
        assert_eq!(upload.excuse(at(60), limit), None);

        upload.taken.store(30_000, Ordering::Relaxed);
        assert_eq!(upload.excuse(at(60), limit), Some(at(90)));

        upload.starved.store(true, Ordering::Relaxed);
        assert_eq!(upload.excuse(at(500), limit), Some(at(560)));
    }

    #[test]
    fn a_body_known_to_be_empty_stays_empty() {
        let body = RequestBody::new(http_body_util::Empty::<Bytes>::new());
        assert!(body.0.is_none());
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
    }
}
