use std::net::SocketAddr;

use tracing::{debug, info};

use super::heard::Heard;
use crate::refused::{Refusal, Refusals};

/// Says why a connection ended early, at the level at which it matters, and tells
/// `refusals` if that was no request.
pub(super) fn explain(peer: SocketAddr, error: &hyper::Error, heard: &Heard, refusals: &Refusals) {
    let cause = Cause::of(error, heard.something());
    let reason = cause.as_str();
    if let Some(refusal) = cause.refusal() {
        refusals.refuse_client(refusal, peer);
    }
    match cause {
        Cause::Idle | Cause::ClientLeft => debug!(%peer, reason, "connection closed"),
        Cause::MalformedHead | Cause::LargeHead | Cause::SlowHead => {
            info!(%peer, reason, %error, "bad request");
        }
        Cause::BrokenAnswer => info!(%peer, reason, %error, "connection closed"),
    }
}

/// Says that a connection ended on which nobody had spoken for long.
pub(super) fn explain_silence(peer: SocketAddr) {
    debug!(%peer, reason = Cause::Idle.as_str(), "connection closed");
}

/// Why a connection ended other than by finishing its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Idle,
    SlowHead,
    MalformedHead,
    LargeHead,
    BrokenAnswer,
    ClientLeft,
}

impl Cause {
    fn of(error: &hyper::Error, heard: bool) -> Self {
        match () {
            () if error.is_timeout() && heard => Self::SlowHead,
            () if error.is_timeout() => Self::Idle,
            () if error.is_parse_too_large() => Self::LargeHead,
            () if error.is_parse() => Self::MalformedHead,
            () if error.is_user() => Self::BrokenAnswer,
            () => Self::ClientLeft,
        }
    }

    /// What it is to a client that wanted to be answered.
    const fn refusal(self) -> Option<Refusal> {
        match self {
            Self::SlowHead => Some(Refusal::SlowHead),
            Self::MalformedHead => Some(Refusal::Malformed),
            Self::LargeHead => Some(Refusal::LargeHead),
            Self::Idle | Self::BrokenAnswer | Self::ClientLeft => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "the client sent no further request in time",
            Self::SlowHead => "the client did not finish its request head in time",
            Self::MalformedHead => "the client sent something that is not HTTP/1.1",
            Self::LargeHead => "the client sent too large a request head",
            Self::BrokenAnswer => "the answer broke off and was cut short for the client, too",
            Self::ClientLeft => "the client left",
        }
    }
}
