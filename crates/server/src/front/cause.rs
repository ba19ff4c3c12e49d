use std::{error::Error as _, io, net::SocketAddr};

use peregrine_http1::{Failure, Malformed};
use tracing::{debug, info};

use crate::refused::{Refusal, Refusals};

/// Why a connection ended other than by finishing its requests.
#[derive(Debug)]
pub(super) enum Cause {
    Idle,
    SlowHead,
    Malformed(Malformed),
    BrokenAnswer(Failure),
    NotTaken,
    ClientLeft,
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Malformed(malformed) => Self::Malformed(malformed),
            Failure::Body(_) => Self::BrokenAnswer(failure),
            Failure::Closed(error) if error.kind() == io::ErrorKind::TimedOut => Self::NotTaken,
            Failure::Closed(_) => Self::ClientLeft,
        }
    }
}

impl Cause {
    /// Says so, at the level at which it matters, and tells `refusals` if what came was
    /// no request.
    pub(super) fn explain(&self, peer: SocketAddr, refusals: &Refusals) {
        let reason = self.as_str();
        if let Some(refusal) = self.refusal() {
            refusals.refuse_client(refusal, peer);
        }
        match self {
            Self::Idle | Self::ClientLeft => debug!(%peer, reason, "connection closed"),
            Self::NotTaken => info!(%peer, reason, "connection closed"),
            Self::SlowHead => info!(%peer, reason, "bad request"),
            Self::Malformed(error) => info!(%peer, reason, %error, "bad request"),
            Self::BrokenAnswer(error) => {
                let error = error.source();
                info!(%peer, reason, error, "connection closed");
            }
        }
    }

    /// Whether the client has been told.
    pub(super) const fn is_answered(&self) -> bool {
        matches!(self, Self::Malformed(_))
    }

    /// What it is to a client that wanted to be answered.
    fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::SlowHead => Some(Refusal::SlowHead),
            Self::Malformed(malformed) if malformed.is_too_large() => Some(Refusal::LargeHead),
            Self::Malformed(_) => Some(Refusal::Malformed),
            Self::Idle | Self::BrokenAnswer(_) | Self::NotTaken | Self::ClientLeft => None,
        }
    }

    const fn as_str(&self) -> &'static str {
        match self {
            Self::Idle => "the client sent no further request in time",
            Self::SlowHead => "the client did not finish its request head in time",
            Self::Malformed(malformed) if malformed.is_too_large() => {
                "the client sent too large a request head"
            }
            Self::Malformed(_) => "the client sent something that is not HTTP/1.1",
            Self::BrokenAnswer(_) => "the answer broke off and was cut short for the client, too",
            Self::NotTaken => "the client took nothing of its answer in time",
            Self::ClientLeft => "the client left",
        }
    }
}
