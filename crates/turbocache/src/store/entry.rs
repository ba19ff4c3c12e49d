use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{AGE, CACHE_STATUS, CONTENT_LENGTH, DATE},
    response,
};
use peregrine_core::hop_by_hop;

use crate::{
    key::Key,
    policy::{freshness::Freshness, storable::Storable},
};

/// A complete response, as it is kept and given out again.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) head: Head,
    /// The whole body in one piece, shared with every response made of it.
    pub(crate) body: Bytes,
}

/// The head of a response that may be given to more than one client.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    status: StatusCode,
    headers: HeaderMap,
    freshness: Freshness,
}

/// What an entry weighs beyond the bytes of its key, head and body: the entry
/// itself, and what moka keeps for each.
const WEIGHT_OF_ENTRY: usize = 512;
/// What a field weighs beyond its bytes: its place in the map.
const WEIGHT_OF_FIELD: usize = 128;

impl Entry {
    /// Bytes, as near as can be told.
    pub(super) fn weight(&self, key: &Key) -> u32 {
        let bytes = WEIGHT_OF_ENTRY + key.len() + self.head.weight() + self.body.len();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

impl Head {
    /// The head of `response` without what was for one connection only
    /// (RFC 9111 §3.1), and with the `Date` that it lacked.
    pub(crate) fn new(response: &response::Parts, storable: &Storable) -> Self {
        let mut headers = response.headers.clone();
        hop_by_hop::remove(&mut headers);
        if let Some(date) = storable.kept.date {
            headers.insert(DATE, http_date(date));
        }
        // These two are different in every response made of this head. Their
        // places are taken here, so that the clone need not grow.
        headers.insert(AGE, HeaderValue::from_static("0"));
        headers
            .entry(CACHE_STATUS)
            .or_insert(HeaderValue::from_static(""));
        Self {
            status: response.status,
            headers: compact(&headers),
            freshness: storable.kept.terms.freshness,
        }
    }

    /// The same with the length of the body that turned out to belong to it,
    /// which a `HEAD` is told, too. RFC 9110 §8.6: never in a 204.
    pub(crate) fn with_length(&self, length: u64) -> Self {
        let mut head = self.clone();
        if head.status != StatusCode::NO_CONTENT {
            head.headers
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        head
    }

    /// For how long it is still fresh, or `None` if it is stale.
    pub(crate) fn ttl(&self, now: Instant) -> Option<Duration> {
        self.freshness.ttl(now)
    }

    /// A response with this head at its age of `now` (RFC 9111 §4: "MUST
    /// generate an Age header field").
    pub(crate) fn respond<B>(&self, body: B, now: Instant) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let mut headers = self.headers.clone();
        headers.insert(AGE, HeaderValue::from(self.freshness.age(now).as_secs()));
        *response.headers_mut() = headers;
        response
    }

    fn weight(&self) -> usize {
        self.headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + WEIGHT_OF_FIELD)
            .sum()
    }
}

/// The form of RFC 9110 §5.6.7 for `time`.
pub(crate) fn http_date(time: SystemTime) -> HeaderValue {
    HeaderValue::try_from(httpdate::fmt_http_date(time)).expect("a date is plain ASCII")
}

/// The same fields, their values in one piece of memory of their own. As they
/// came, they are slices of a connection's read buffer, and one small value
/// would keep all of it.
fn compact(headers: &HeaderMap) -> HeaderMap {
    let mut block = BytesMut::with_capacity(headers.values().map(HeaderValue::len).sum());
    for value in headers.values() {
        block.extend_from_slice(value.as_bytes());
    }
    let mut block = block.freeze();
    // One more than there are: a map that is quite full grows before it looks
    // whether a field is to be replaced, and its clone would do so every time.
    let mut compacted = HeaderMap::with_capacity(headers.keys_len() + 1);
    for (name, value) in headers {
        let bytes = block.split_to(value.len());
        // It was a value before; if it is one that was made unchecked, let it be.
        let mut copy = HeaderValue::from_maybe_shared(bytes).unwrap_or_else(|_| value.clone());
        copy.set_sensitive(value.is_sensitive());
        compacted.append(name, copy);
    }
    compacted
}
