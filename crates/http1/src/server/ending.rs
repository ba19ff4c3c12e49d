use std::{error::Error, fmt};

use http::{StatusCode, Version};
use http_body::SizeHint;

use crate::{
    Failure,
    encoder::{Framing, Mismatch},
};

/// What an answer goes by, of the request and of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) version: Version,
    pub(super) method: Method,
    /// Another request may follow.
    pub(super) persists: bool,
    pub(super) takes_trailers: bool,
    /// Nothing of the request is still to come.
    pub(super) is_whole: bool,
}

/// Of methods, those whose answers end in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Head,
    Connect,
    Other,
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With its head.
    None,
    /// With its head, which says how long the body would be.
    Said(u64),
    /// With a body.
    Framed(Framing),
}

/// Why an answer cannot be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    Length(Mismatch),
    /// Whoever got it would go on waiting, and take the answer to the next request for
    /// the one to this.
    Interim,
}

impl From<Mismatch> for Unfit {
    fn from(mismatch: Mismatch) -> Self {
        Self::Length(mismatch)
    }
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        Self::Body(unfit.into())
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(mismatch) => mismatch.fmt(f),
            Self::Interim => f.write_str("its status is that of an interim answer"),
        }
    }
}

impl Error for Unfit {}

impl From<&http::Method> for Method {
    fn from(method: &http::Method) -> Self {
        match *method {
            http::Method::HEAD => Self::Head,
            http::Method::CONNECT => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// RFC 9112 §6.3 and RFC 9110 §8.6, with the words of whom the answer is for.
pub(super) fn ending(
    asked: Asked,
    status: StatusCode,
    declared: Result<Option<u64>, Mismatch>,
    size: &SizeHint,
) -> Result<Ending, Unfit> {
    let exact = size.exact();
    // RFC 9110 §15.2: the 1xx are interim, all but the one that ends HTTP. "A server MUST
    // NOT send a 1xx response to an HTTP/1.0 client." §7.8: the client cannot "change the
    // protocol it is sending in the middle of a message", so what it still has to send of
    // its request would be taken for something else.
    let may_switch = asked.is_whole && asked.version == Version::HTTP_11;
    if status.is_informational() && !(may_switch && status == StatusCode::SWITCHING_PROTOCOLS) {
        return Err(Unfit::Interim);
    }
    // §8.6: "A server MUST NOT send a Content-Length header field in any response with a
    // status code of 1xx (Informational) or 204 (No Content)", nor "in any 2xx
    // (Successful) response to a CONNECT request".
    if status.is_informational()
        || status == StatusCode::NO_CONTENT
        || asked.method == Method::Connect && status.is_success()
    {
        return Ok(Ending::None);
    }
    // "A server MAY send a Content-Length header field in a 304 (Not Modified) response to
    // a conditional GET request", and in one to HEAD, of the answer to the same GET. Nothing
    // goes by it, so one that says nothing is left out.
    if status == StatusCode::NOT_MODIFIED {
        return Ok(declared.ok().flatten().map_or(Ending::None, Ending::Said));
    }
    if asked.method == Method::Head {
        let exact = exact.filter(|octets| *octets > 0);
        let known = declared.map_or(None, |declared| declared.or(exact));
        return Ok(known.map_or(Ending::None, Ending::Said));
    }
    Ok(Ending::Framed(match (declared?, exact) {
        (Some(declared), Some(exact)) if declared != exact => return Err(Mismatch.into()),
        (Some(octets), _) | (None, Some(octets)) => Framing::Length(octets),
        (None, None) if asked.version == Version::HTTP_10 => Framing::Close,
        (None, None) => Framing::Chunked,
    }))
}
