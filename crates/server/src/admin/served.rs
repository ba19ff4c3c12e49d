use peregrine::{turbocache::TurboCacheHandle, upstream_pool::PoolHandle};

use super::{ApplicationRequests, Status};

/// What an admin server shows, and acts upon.
///
/// Asked anew for each request: applications may come and go.
pub(crate) trait Served: Clone + Send + Sync + 'static {
    /// The server as it is now. May block for some milliseconds.
    fn status(&self) -> Status;

    /// The requests that each application serves, in the order of
    /// [`status`](Self::status).
    fn requests(&self) -> Vec<ApplicationRequests>;

    /// Its applications, in the order of [`status`](Self::status).
    fn controls(&self) -> Vec<Controls>;
}

/// What an operator can get hold of in one application.
#[derive(Clone, Debug)]
pub(crate) struct Controls {
    /// As in its status.
    pub(crate) name: String,
    /// Its processes; absent in front of an upstream.
    pub(crate) pool: Option<PoolHandle>,
    /// Its cache; absent when that is off.
    pub(crate) cache: Option<TurboCacheHandle>,
}

/// A server that says and has always the same.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(super) struct Scripted {
    pub(super) status: Status,
    pub(super) requests: Vec<ApplicationRequests>,
    pub(super) controls: Vec<Controls>,
}

#[cfg(test)]
impl Scripted {
    pub(super) fn saying(status: Status) -> Self {
        Self {
            status,
            requests: Vec::new(),
            controls: Vec::new(),
        }
    }
}

#[cfg(test)]
impl Served for Scripted {
    fn status(&self) -> Status {
        self.status.clone()
    }

    fn requests(&self) -> Vec<ApplicationRequests> {
        self.requests.clone()
    }

    fn controls(&self) -> Vec<Controls> {
        self.controls.clone()
    }
}
