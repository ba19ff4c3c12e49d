use http::{
    Request,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use http_body::Body;

use super::MoreFields;
use crate::{
    encoder::{Framing, Mismatch},
    fields::{declared, field},
};

/// How to send the body of `request`, as far as is known now. `None` if there is none,
/// and nothing is said about it.
///
/// RFC 9112 §6.3: "A user agent that sends a request that contains a message body MUST
/// send either a valid Content-Length header field or use the chunked transfer coding."
pub(super) fn framing<B: Body>(request: &Request<B>) -> Result<Option<Framing>, Mismatch> {
    let exact = request.body().size_hint().exact();
    match (declared(request.headers())?, exact) {
        (Some(declared), Some(exact)) if declared != exact => Err(Mismatch),
        (None, _) if request.body().is_end_stream() => Ok(None),
        (Some(octets), _) | (None, Some(octets)) => Ok(Some(Framing::Length(octets))),
        (None, None) => Ok(Some(Framing::Chunked)),
    }
}

/// Writes the head of `request`, in origin form.
///
/// That nothing in it can end a line is seen to by the types: neither a [`Method`](http::Method) nor
/// a [`Uri`](http::Uri) nor a [`HeaderValue`](http::HeaderValue) has a control character.
pub(super) fn head<B>(request: &Request<B>, framing: Option<Framing>, out: &mut Vec<u8>) {
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
        // Whoever sends the body says where it ends.
        if !matches!(*name, CONTENT_LENGTH | TRANSFER_ENCODING) {
            field(name.as_str(), value.as_bytes(), out);
        }
    }
    if let Some(more) = request.extensions().get::<MoreFields>() {
        out.extend_from_slice(more.as_bytes());
    }
    match framing {
        // A request does not end with its connection: nobody could be answered.
        None | Some(Framing::Close) => {}
        Some(Framing::Length(octets)) => {
            field("content-length", octets.to_string().as_bytes(), out);
        }
        Some(Framing::Chunked) => field("transfer-encoding", b"chunked", out),
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests;
