//! The client's side of HTTP/1.1 as functions of arbitrary bytes that panic if it breaks
//! a promise.
//!
//! Only for `fuzz/`, and only with the feature `fuzzing`. The tests of this module drive
//! the same functions over the same corpus on stable, for a bounded time. Nothing here is
//! part of what the crate promises.
//!
//! ```
//! use peregrine_http1::fuzzing;
//!
//! fuzzing::answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
//! fuzzing::chunked(b"2;x=y\r\nok\r\n0\r\n\r\n");
//! ```

mod script;

use bytes::{Bytes, BytesMut};
use http::Method;

use self::script::{Script, Transcript};
use super::{MAX_FIELDS, chunked::Chunked};

/// A part of the protocol, as a function of bytes.
pub type Target = fn(&[u8]);

/// All of them, by the names of their corpora.
pub const TARGETS: [(&str, Target); 2] = [("answer", answer), ("chunked", chunked)];

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
