//! Both ends of HTTP/1.1 as functions of arbitrary bytes that panic if one breaks a
//! promise.
//!
//! Only for `fuzz/`, and only with the feature `fuzzing`. The tests of this module drive
//! the same functions over the same corpus on stable, for a bounded time. Nothing here is
//! part of what the crate promises.
//!
//! ```
//! use peregrine_http1::fuzzing;
//!
//! fuzzing::request(b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
//! fuzzing::answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
//! fuzzing::chunked(b"2;x=y\r\nok\r\n0\r\n\r\n");
//! ```

mod requests;
mod script;

use bytes::{Bytes, BytesMut};
use http::Method;

use self::{
    requests::{Client, Requests},
    script::{End, Script, Transcript},
};
use super::{MAX_FIELDS, chunked::Chunked};

/// A part of the protocol, as a function of bytes.
pub type Target = fn(&[u8]);

/// All of them, by the names of their corpora.
pub const TARGETS: [(&str, Target); 3] = [
    ("answer", answer),
    ("chunked", chunked),
    ("request", request),
];

/// What a server sends on a connection: it means the same however it is cut up, and who
/// says more than an answer is not asked again.
///
/// # Panics
///
/// If that does not hold.
pub fn answer(data: &[u8]) {
    for method in [Method::GET, Method::HEAD] {
        let whole = transcript(&method, data, data.len());
        for size in [1, 2, 7] {
            assert_eq!(
                transcript(&method, data, size),
                whole,
                "{method}, by {size}"
            );
        }
        assert!(whole.fields() <= MAX_FIELDS);
        if whole.is_reusable {
            let longer = [data, b"H"].concat();
            let longer = transcript(&method, &longer, longer.len());
            assert!(!longer.is_reusable);
            assert_eq!(longer.body, whole.body);
        }
    }
}

/// What becomes of `data`, of which so many bytes come at a time.
fn transcript(method: &Method, data: &[u8], size: usize) -> Transcript {
    let pieces = data.chunks(size.max(1)).map(Bytes::copy_from_slice);
    Script::new(pieces).transcript(method)
}

/// What a client sends on a connection: it means the same however it is cut up, each
/// request is answered, and behind what is refused nothing is understood.
///
/// # Panics
///
/// If that does not hold.
pub fn request(data: &[u8]) {
    let whole = requests(data, data.len());
    for size in [1, 2, 7] {
        assert_eq!(requests(data, size), whole, "by {size}");
    }
    assert_eq!(whole.answers, whole.all.len());
    for request in &whole.all {
        assert!(request.head.3.len() <= MAX_FIELDS);
        assert!(request.body.len() <= data.len());
    }
    let longer = [data, b"GET / HTTP/1.1\r\n\r\n"].concat();
    let longer = requests(&longer, longer.len());
    let last = whole.all.last().map_or(&End::Over, |last| &last.end);
    match (&whole.end, last) {
        (End::Malformed(_), _) | (_, End::Malformed(_)) => assert_eq!(longer, whole),
        // What has come to its end is not what it was by what comes behind.
        (End::Over | End::CutOff, End::Over) => assert!(longer.all.starts_with(&whole.all)),
        // What was missing has come.
        (_, End::CutOff) => {}
    }
}

/// What becomes of `data` as requests, of which so many bytes come at a time.
fn requests(data: &[u8], size: usize) -> Requests {
    let pieces = data.chunks(size.max(1)).map(Bytes::copy_from_slice);
    Client::new(pieces).requests()
}

/// A body in the chunked transfer coding: it means the same however it is cut up, nothing
/// is made up, and nothing behind it is touched.
///
/// # Panics
///
/// If that does not hold.
pub fn chunked(data: &[u8]) {
    let decode = |size: usize| {
        let mut chunked = Chunked::new();
        let mut bytes = BytesMut::new();
        let (mut body, mut trailers) = (Vec::new(), None);
        let mut pieces = data.chunks(size.max(1));
        let end = loop {
            match chunked.decode(&mut bytes) {
                Ok(Some(frame)) => match frame.into_data() {
                    Ok(piece) => {
                        assert!(!piece.is_empty());
                        body.extend_from_slice(&piece);
                    }
                    Err(frame) => trailers = frame.into_trailers().ok(),
                },
                Ok(None) if chunked.is_over() => break Ok(true),
                Ok(None) => match pieces.next() {
                    Some(piece) => bytes.extend_from_slice(piece),
                    None => break Ok(false),
                },
                Err(error) => break Err(error),
            }
        };
        let rest = bytes.len() + pieces.map(<[u8]>::len).sum::<usize>();
        (body, trailers, end, end.is_ok().then_some(rest))
    };
    let whole = decode(data.len());
    for size in [1, 2, 7] {
        assert_eq!(decode(size), whole, "by {size}");
    }
    assert!(whole.0.len() <= data.len());
    if let Some(rest) = whole.3 {
        assert!(whole.0.len() + rest <= data.len());
    }
}

#[cfg(test)]
mod tests;
