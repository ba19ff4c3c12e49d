//! All that the origin was asked and has answered.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method};

/// One exchange between the cache and the origin.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// Its number, which its response carries in `X-Serial`.
    pub(crate) serial: usize,
    /// The step that it belongs to.
    pub(crate) step: usize,
    /// When, in seconds.
    pub(crate) at: u64,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// What the cache sent.
    pub(crate) request: HeaderMap,
    /// None if the origin failed.
    pub(crate) answer: Option<Answer>,
}

/// What the origin answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    /// The representation that it sent, a part of it, or says is still good.
    pub(crate) page: String,
}

/// The log, shared between the origin and those who judge.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Exchange>>>);

impl Log {
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn push(&self, exchange: Exchange) {
        self.0.lock().unwrap().push(exchange);
    }

    pub(crate) fn all(&self) -> Vec<Exchange> {
        self.0.lock().unwrap().clone()
    }
}
