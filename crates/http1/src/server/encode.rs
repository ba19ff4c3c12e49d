use http::{
    HeaderMap, HeaderName, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, DATE, TRAILER, TRANSFER_ENCODING},
    response::Parts,
};
use http_body::SizeHint;
use hyper::ext::ReasonPhrase;

use super::{
    date,
    ending::{Asked, Ending, Method, Unfit, ending},
};
use crate::{
    Malformed,
    encoder::{Encoder, Framing, Mismatch},
    fields::{Options, decimal, elements, field},
};

/// What was said in the head of an answer.
#[derive(Debug)]
pub(super) struct Said {
    /// How the body follows, if one does.
    pub(super) encoder: Option<Encoder>,
    /// Another request may follow.
    pub(super) persists: bool,
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
    let ending = ending(asked, head.status, noted.length, size)?;
    let mut encoder = None;
    match ending {
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
        && ending != Ending::Framed(Framing::Close);
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
    let mut digits = itoa::Buffer::new();
    field("content-length", digits.format(octets).as_bytes(), out);
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
