use std::{fmt, sync::Arc};

use http::{Request, Response};

use super::{Busyness, diagnose};
use crate::{
    Error, RequestBody,
    connection::{Client, ResponseBody, answer},
    queue::Queue,
};

/// A way to one process beside the requests that its pool gives it, for the
/// layer around it: see [`Process::handle`](super::Process::handle).
///
/// Clones are equal. A handle keeps nothing alive: when the process is gone,
/// requests fail.
#[derive(Clone)]
pub struct ProcessHandle {
    client: Arc<Client>,
    busyness: Arc<Busyness>,
    queue: Arc<Queue>,
}

impl ProcessHandle {
    pub(super) const fn new(
        client: Arc<Client>,
        busyness: Arc<Busyness>,
        queue: Arc<Queue>,
    ) -> Self {
        Self {
            client,
            busyness,
            queue,
        }
    }

    /// The process's id in the operating system.
    pub fn pid(&self) -> u32 {
        self.busyness.pid()
    }

    /// How many requests wait for any process of its pool.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Sends `request` as soon as nothing runs in the process, not even work
    /// for a client that has left, and gives the answer.
    ///
    /// It takes a place like every other request, until the response body has
    /// ended, and so a process that is to leave finishes it. The pool is not
    /// kept from sending other requests meanwhile: the layer says by its
    /// readiness that it should not. It is not sent to another process, not
    /// counted as served, and has no time-out but the caller's.
    ///
    /// Dropped while it waits, nothing is sent. Dropped later, the place is
    /// free when the process has answered: see [rule 9](crate#rules).
    ///
    /// # Errors
    ///
    /// If the process cannot be reached, or does not answer in HTTP.
    pub async fn send_alone(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<ResponseBody>, Error> {
        let permit = Busyness::acquire_idle(&self.busyness).await;
        let sent = self.client.send_within(None, &mut request, Some(permit));
        match sent.await {
            Ok((response, exchange)) => Ok(answer(response, exchange)),
            Err((error, permit)) => {
                if let Some(permit) = permit {
                    diagnose(&error, &permit).await;
                }
                Err(error)
            }
        }
    }
}

impl fmt::Debug for ProcessHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessHandle")
            .field("pid", &self.pid())
            .finish_non_exhaustive()
    }
}
