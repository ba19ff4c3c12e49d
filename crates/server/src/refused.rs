//! Requests that are refused before any application hears of them.
//!
//! They are in no application's numbers, so they are counted here, by the reason,
//! and each is a line in the access log: whoever asks why a site cannot be reached
//! looks there first.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use http::{Method, StatusCode};
use peregrine::request_accounting::{End, RequestHead};

use crate::access_log::AccessLogHandle;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its host is no application's.
    UnknownHost,
    /// Its path is none of its host's applications'.
    UnknownPath,
    /// It names no host, several, or one that is none.
    BadHost,
    /// It is no HTTP/1.1.
    Malformed,
    /// Its head is larger than may be.
    LargeHead,
    /// Its head did not come to its end in time.
    SlowHead,
}

/// How many requests were refused, and where each is logged. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Refusals(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    counts: [AtomicU64; Refusal::ALL.len()],
    log: Option<AccessLogHandle>,
}

impl Refusal {
    pub(crate) const ALL: [Self; 6] = [
        Self::UnknownHost,
        Self::UnknownPath,
        Self::BadHost,
        Self::Malformed,
        Self::LargeHead,
        Self::SlowHead,
    ];

    /// What its client is told.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            // RFC 9110 §15.5.20: "the request was directed at a server that is unable
            // or unwilling to produce an authoritative response for the target URI."
            Self::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::BadHost | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::LargeHead => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            // Nobody listens, so it is not sent; nginx logs the same.
            Self::SlowHead => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// How it ends for its client.
    const fn end(self) -> End {
        match self {
            Self::SlowHead => End::Aborted,
            _ => End::Complete,
        }
    }
}

impl Refusals {
    /// None so far. Each is a line in `log`.
    pub(crate) fn new(log: Option<AccessLogHandle>) -> Self {
        Self(Arc::new(Shared {
            counts: Default::default(),
            log,
        }))
    }

    /// This request is refused, with a page of so many bytes.
    pub(crate) fn refuse(&self, why: Refusal, request: RequestHead<'_>, page: usize) {
        self.count(why);
        if let Some(log) = &self.0.log {
            // RFC 9110 §9.3.2: "the server MUST NOT send content in the response."
            let sent = if *request.method == Method::HEAD {
                0
            } else {
                page
            };
            log.refused(request, why.status(), sent as u64);
        }
    }

    /// A client is refused that has said what is no request.
    pub(crate) fn refuse_client(&self, why: Refusal, peer: SocketAddr) {
        self.count(why);
        if let Some(log) = &self.0.log {
            log.refused_client(peer, why.status(), why.end());
        }
    }

    fn count(&self, why: Refusal) {
        self.0.counts[why as usize].fetch_add(1, Relaxed);
    }

    /// How many were refused for this reason.
    pub(crate) fn of(&self, why: Refusal) -> u64 {
        self.0.counts[why as usize].load(Relaxed)
    }
}
