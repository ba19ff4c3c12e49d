use std::{error::Error, fmt};

use http::{
    HeaderName, Request,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use http_body::Body;

use super::framing::decimal;

/// How the body of a request is marked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none, and nothing is said about it.
    Without,
    Length(u64),
    Chunked,
}

/// A request whose fields and body disagree about the length of the body. Whoever
/// received it would wait for the rest, or take some of it for another request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mismatch;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request's Content-Length is not the length of its body")
    }
}

impl Error for Mismatch {}

impl Framing {
    /// How to send the body of `request`, as far as is known now.
    ///
    /// RFC 9112 §6.3: "A user agent that sends a request that contains a message body
    /// MUST send either a valid Content-Length header field or use the chunked transfer
    /// coding."
    pub(super) fn of<B: Body>(request: &Request<B>) -> Result<Self, Mismatch> {
        let exact = request.body().size_hint().exact();
        match (declared(request)?, exact) {
            (Some(declared), Some(exact)) if declared != exact => Err(Mismatch),
            (None, _) if request.body().is_end_stream() => Ok(Self::Without),
            (Some(octets), _) | (None, Some(octets)) => Ok(Self::Length(octets)),
            (None, None) => Ok(Self::Chunked),
        }
    }
}

/// What the fields say about the length of the body.
fn declared<B>(request: &Request<B>) -> Result<Option<u64>, Mismatch> {
    let mut declared = None;
    for line in request.headers().get_all(CONTENT_LENGTH) {
        let octets = decimal(line.as_bytes()).ok_or(Mismatch)?;
        if declared.is_some_and(|before| before != octets) {
            return Err(Mismatch);
        }
        declared = Some(octets);
    }
    Ok(declared)
}

/// Writes the head of `request`, in origin form.
///
/// That nothing in it can end a line is seen to by the types: neither a [`Method`](http::Method) nor
/// a [`Uri`](http::Uri) nor a [`HeaderValue`](http::HeaderValue) has a control character.
pub(super) fn head<B>(request: &Request<B>, framing: Framing, out: &mut Vec<u8>) {
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    out.extend_from_slice(request.method().as_str().as_bytes());
    // RFC 9112 §3.2.1: "If the target URI's path component is empty, the client MUST send
    // "/" as the path".
    let is_rooted = path.starts_with(['/', '*']);
    out.extend_from_slice(if is_rooted { b" " } else { b" /" });
    out.extend_from_slice(path.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in request.headers() {
        if !is_framing(name) {
            field(name.as_str(), value.as_bytes(), out);
        }
    }
    match framing {
        Framing::Without => {}
        Framing::Length(octets) => {
            field("content-length", octets.to_string().as_bytes(), out);
        }
        Framing::Chunked => field("transfer-encoding", b"chunked", out),
    }
    out.extend_from_slice(b"\r\n");
}

fn field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Whoever sends the body says where it ends.
fn is_framing(name: &HeaderName) -> bool {
    *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING
}

#[cfg(test)]
mod tests;
