//! The response that a verdict makes of a stored representation: RFC 9110
//! §15.3.7, §14.6, §15.5.17.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    hash::{BuildHasher, RandomState},
};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CDN_CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE,
        CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES,
        LAST_MODIFIED,
    },
};

use super::{Span, field::ContentRange, verdict::Verdict};

/// Where the bytes of a representation are read from.
pub(crate) trait Representation {
    /// Of the whole, in bytes.
    fn length(&self) -> u64;

    /// Appends the bytes of `span`, which are there.
    fn read(&self, span: Span, pieces: &mut Pieces);
}

/// One that is complete.
impl Representation for Bytes {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, span: Span, pieces: &mut Pieces) {
        pieces.push(self.slice(span.within(0)));
    }
}

/// A body of slices, which are sent one after the other. None of them is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces(VecDeque<Bytes>);

impl Pieces {
    pub(super) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.0.push_back(piece);
        }
    }

    /// The next one to be sent.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        self.0.pop_front()
    }

    /// How many bytes are still to be sent.
    pub(crate) fn remaining(&self) -> u64 {
        self.0.iter().map(|piece| piece.len() as u64).sum()
    }
}

/// What divides the parts of a multipart body (RFC 2046 §5.1.1): 128 bits that
/// nobody knows beforehand, so no representation can be made to have them in it,
/// and none is searched for them.
#[derive(Clone, Debug)]
pub(crate) struct Boundary(String);

impl Boundary {
    /// A new one for each response.
    pub(crate) fn random() -> Self {
        // Keyed at random, and differently each time.
        let random = RandomState::new();
        let (one, other) = (random.hash_one(0_u8), random.hash_one(1_u8));
        Self(format!("{one:016x}{other:016x}"))
    }

    #[cfg(test)]
    pub(super) fn known(boundary: &str) -> Self {
        Self(boundary.to_owned())
    }
}

/// Digests of the content as it is sent, not of the representation (RFC 9530 §2);
/// what `Content-MD5` is of, nobody agreed on.
pub(crate) const OF_THE_CONTENT: [HeaderName; 2] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
];

/// What describes the representation or for how long it may be kept, and would be
/// untrue of a 416. What is about the site stays: without its CORS fields, for
/// instance, a script could not see the status.
const OF_THE_REPRESENTATION: [HeaderName; 14] = [
    CACHE_CONTROL,
    CDN_CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
    CONTENT_TYPE,
    ETAG,
    EXPIRES,
    LAST_MODIFIED,
    HeaderName::from_static("digest"),
    HeaderName::from_static("no-vary-search"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("surrogate-control"),
];

impl Verdict {
    /// Makes of the `headers` that a 200 with all of `representation` would have
    /// those that are due, and returns the status and the body. Only heads of
    /// parts are new memory; the rest are slices. A `boundary` is made if there are
    /// several.
    pub(crate) fn answer(
        &self,
        headers: &mut HeaderMap,
        representation: &impl Representation,
        boundary: impl FnOnce() -> Boundary,
    ) -> (StatusCode, Pieces) {
        let length = representation.length();
        let mut pieces = Pieces::default();
        let status = match self {
            Self::Whole => {
                if let Some(all) = Span::new(0, length) {
                    representation.read(all, &mut pieces);
                }
                StatusCode::OK
            }
            Self::Single(span) => {
                representation.read(*span, &mut pieces);
                let range = ContentRange {
                    span: *span,
                    length,
                };
                headers.insert(CONTENT_RANGE, range.field());
                StatusCode::PARTIAL_CONTENT
            }
            Self::Multipart(spans) => {
                let boundary = boundary();
                multipart(
                    spans,
                    headers.get(CONTENT_TYPE),
                    representation,
                    &boundary,
                    &mut pieces,
                );
                let kind = format!("multipart/byteranges; boundary={}", boundary.0);
                let kind = HeaderValue::try_from(kind).expect("hexadecimal digits");
                headers.insert(CONTENT_TYPE, kind);
                // RFC 9110 §15.3.7.2: "MUST NOT generate a Content-Range header
                // field in the header section of a multiple part response".
                headers.remove(CONTENT_RANGE);
                StatusCode::PARTIAL_CONTENT
            }
            Self::NotSatisfiable => {
                for name in &OF_THE_REPRESENTATION {
                    headers.remove(name);
                }
                headers.insert(CONTENT_RANGE, ContentRange::unsatisfied(length));
                // It is about one request, while any cache behind us would keep
                // it for the URI.
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                StatusCode::RANGE_NOT_SATISFIABLE
            }
        };
        if status != StatusCode::OK {
            for name in &OF_THE_CONTENT {
                headers.remove(name);
            }
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(pieces.remaining()));
        (status, pieces)
    }
}

/// RFC 9110 §14.6: each part has the type of the representation, if it has one,
/// and its own `Content-Range`.
fn multipart(
    spans: &[Span],
    kind: Option<&HeaderValue>,
    representation: &impl Representation,
    Boundary(boundary): &Boundary,
    pieces: &mut Pieces,
) {
    let length = representation.length();
    let mut head = BytesMut::new();
    for (number, span) in spans.iter().enumerate() {
        let delimiter = if number == 0 { "--" } else { "\r\n--" };
        head.extend_from_slice(delimiter.as_bytes());
        head.extend_from_slice(boundary.as_bytes());
        if let Some(kind) = kind {
            head.extend_from_slice(b"\r\nContent-Type: ");
            head.extend_from_slice(kind.as_bytes());
        }
        let span = *span;
        let range = ContentRange { span, length };
        write!(head, "\r\nContent-Range: {range}\r\n\r\n").expect("memory takes everything");
        pieces.push(head.split().freeze());
        representation.read(span, pieces);
    }
    write!(head, "\r\n--{boundary}--\r\n").expect("memory takes everything");
    pieces.push(head.freeze());
}

#[cfg(test)]
mod tests;
