use std::{future::Future, pin::Pin, task::Context, time::Duration};

use http::Request;
use tokio::time::{self, Sleep};

/// How long a request waits for the process that it prefers, if that is busy. Then
/// any process will do.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which process a request should go to, for the sake of what that one remembers:
/// an extension of requests to the [pool](crate::UpstreamPool), as sticky sessions
/// need it.
///
/// It goes there if the process takes requests. If the process is busy, it waits
/// for it for up to 5 s, beside the queue, so that it holds up nobody; but it has a
/// place in it. If the process is not there any more, is to leave, or has failed the
/// request, it goes to another one.
///
/// ```
/// use http::Request;
/// use peregrine_upstream_pool::PreferredProcess;
///
/// let mut request = Request::new(());
/// request.extensions_mut().insert(PreferredProcess { pid: 4711 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreferredProcess {
    /// Its id in the operating system, as in
    /// [`ServedBy`](peregrine_core::ServedBy).
    pub pid: u32,
}

/// A request's preference, as long as it has one.
#[derive(Debug)]
pub(crate) struct Preference {
    pub(crate) pid: u32,
    /// Armed only when the process was found to be busy.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Preference {
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let preferred = request.extensions().get::<PreferredProcess>()?;
        Some(Self {
            pid: preferred.pid,
            patience: None,
        })
    }

    /// Whether it has waited long enough. Wakes when it has.
    pub(crate) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(time::sleep(PATIENCE)));
        patience.as_mut().poll(cx).is_ready()
    }
}
