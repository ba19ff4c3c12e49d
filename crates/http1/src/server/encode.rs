use std::{error::Error, fmt};

use http::{
    HeaderMap, HeaderName, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, DATE, TRAILER, TRANSFER_ENCODING},
    response::Parts,
};
use http_body::SizeHint;
use hyper::ext::ReasonPhrase;

use super::date;
use crate::{
    Failure, Malformed,
    encoder::{Encoder, Framing, Mismatch},
    fields::{Options, decimal, elements, field},
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

/// What was said in the head of an answer.
#[derive(Debug)]
pub(super) struct Said {
    /// How the body follows, if one does.
    pub(super) encoder: Option<Encoder>,
    /// Another request may follow.
    pub(super) persists: bool,
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

/// Writes the head of an answer whose body is of this size.
///
/// If that fails, what has been written is of no use.
pub(super) fn head(
    head: &Parts,
    size: &SizeHint,
    asked: Asked,
    out: &mut Vec<u8>,
) -> Result<Said, Unfit> {
    start_line(head, asked.version, out);
    let mut noted = Noted {
        length: Ok(None),
        connection: Options::default(),
        date: false,
        announces: false,
    };
    for (name, value) in &head.headers {
        match *name {
            // Whoever sends the body says where it ends, and what follows it.
            TRANSFER_ENCODING => continue,
            CONTENT_LENGTH => {
                noted.length(value.as_bytes());
                continue;
            }
            TRAILER => {
                noted.announces = true;
                continue;
            }
            CONNECTION => noted.connection.note(value),
            DATE => noted.date = true,
            _ => {}
        }
        field(name.as_str(), value.as_bytes(), out);
    }
    let framing = framing(asked, head.status, noted.length, size)?;
    let mut encoder = None;
    match framing {
        Ending::None => {}
        Ending::Said(octets) => length(octets, out),
        Ending::Framed(framing) => {
            let encoder = encoder.insert(Encoder::new(framing));
            match framing {
                Framing::Length(octets) => length(octets, out),
                Framing::Chunked => {
                    field("transfer-encoding", b"chunked", out);
                    if noted.announces {
                        let names = trailers(&head.headers, out);
                        encoder.announce(if asked.takes_trailers {
                            names
                        } else {
                            Vec::new()
                        });
                    }
                }
                Framing::Close => {}
            }
        }
    }
    // RFC 9112 §6.3: a 2xx to CONNECT "implies that the connection will become a tunnel".
    // Nobody is at its other end, and what is sent into it are not requests.
    let is_tunnel = asked.method == Method::Connect && head.status.is_success();
    let persists = asked.persists
        && !noted.connection.close
        && !is_tunnel
        && framing != Ending::Framed(Framing::Close);
    connection(head.status, asked.version, persists, &noted, out);
    if !noted.date {
        date::now(|now| field("date", now, out));
    }
    out.extend_from_slice(b"\r\n");
    Ok(Said { encoder, persists })
}

/// Writes the answer to what is not a request.
pub(super) fn refusal(malformed: Malformed, out: &mut Vec<u8>) {
    let mut response = http::Response::new(());
    *response.status_mut() = malformed.status();
    let (parts, ()) = response.into_parts();
    let asked = Asked {
        version: Version::HTTP_11,
        method: Method::Other,
        persists: false,
        takes_trailers: false,
        is_whole: true,
    };
    // There is nothing in it that could contradict itself.
    let _ = head(&parts, &SizeHint::with_exact(0), asked, out);
}

/// What the fields of an answer say about the message itself.
#[derive(Debug)]
struct Noted {
    length: Result<Option<u64>, Mismatch>,
    connection: Options,
    date: bool,
    announces: bool,
}

impl Noted {
    fn length(&mut self, value: &[u8]) {
        self.length = match (decimal(value), self.length) {
            (Some(octets), Ok(before)) if before.is_none_or(|before| before == octets) => {
                Ok(Some(octets))
            }
            _ => Err(Mismatch),
        };
    }
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// With its head.
    None,
    /// With its head, which says how long the body would be.
    Said(u64),
    /// With a body.
    Framed(Framing),
}

/// RFC 9112 §6.3 and RFC 9110 §8.6, with the words of whom the answer is for.
fn framing(
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

fn start_line(head: &Parts, version: Version, out: &mut Vec<u8>) {
    let reason = head.extensions.get::<ReasonPhrase>();
    if head.status == StatusCode::OK && version == Version::HTTP_11 && reason.is_none() {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(match version {
        Version::HTTP_10 => b"HTTP/1.0 ",
        _ => b"HTTP/1.1 ",
    });
    out.extend_from_slice(head.status.as_str().as_bytes());
    out.push(b' ');
    let usual = head.status.canonical_reason().unwrap_or_default();
    out.extend_from_slice(reason.map_or(usual.as_bytes(), ReasonPhrase::as_bytes));
    out.extend_from_slice(b"\r\n");
}

fn length(octets: u64, out: &mut Vec<u8>) {
    // The formatter of the standard library costs more than all other fields together.
    let mut digits = [0; 20];
    let mut begin = digits.len();
    let mut rest = octets;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10).to_le_bytes()[0];
        rest /= 10;
        begin -= 1;
        if rest == 0 {
            break;
        }
    }
    field("content-length", &digits[begin..], out);
}

/// Writes which fields follow the body, and returns their names.
fn trailers(headers: &HeaderMap, out: &mut Vec<u8>) -> Vec<HeaderName> {
    let mut names = Vec::new();
    for line in headers.get_all(TRAILER) {
        field(TRAILER.as_str(), line.as_bytes(), out);
        names.extend(elements(line).filter_map(|name| HeaderName::from_bytes(name).ok()));
    }
    names.retain(|name| !is_for_the_head(name));
    names
}

/// RFC 9110 §6.5.1: nothing that frames, routes, or says what the content is.
fn is_for_the_head(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "authorization"
            | "cache-control"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "content-range"
            | "content-type"
            | "host"
            | "set-cookie"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Says what becomes of the connection, where nobody has said it and it does not go
/// without saying (RFC 9112 §9.3).
fn connection(
    status: StatusCode,
    version: Version,
    persists: bool,
    noted: &Noted,
    out: &mut Vec<u8>,
) {
    let is_old = version == Version::HTTP_10;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        // Its `Connection` says what it has switched to.
    } else if persists && is_old && !noted.connection.keep_alive {
        field("connection", b"keep-alive", out);
    } else if !persists && (!is_old || noted.connection.keep_alive) && !noted.connection.close {
        field("connection", b"close", out);
    }
}

#[cfg(test)]
mod tests;
