use std::time::{Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{AGE, CACHE_STATUS, CONTENT_LENGTH, CONTENT_RANGE, DATE, IF_RANGE, RANGE},
};
use peregrine_core::hop_by_hop;

use super::Labels;
use crate::{
    policy::{
        request::Asked,
        reuse::Terms,
        storable::Kept,
        validation::remove_preconditions,
        vary::{Selection, Vary},
    },
    range::{
        Span,
        answer::Representation as _,
        fragments::Fragments,
        validator::StrongValidator,
        verdict::{MAX_RANGES, Verdict, verdict},
    },
    tags,
};

/// A response, as it is kept and given out again.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) head: Head,
    pub(crate) content: Content,
}

/// What is stored of the content of a response.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// All of it in one piece, shared with every response made of it.
    Whole(Bytes),
    /// What has come of it in 206 (RFC 9111 §3.3). The head is that of the 200 that
    /// it would be.
    Parts(Fragments),
}

/// The head of a response that may be given to more than one client.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    status: StatusCode,
    headers: HeaderMap,
    terms: Terms,
    vary: Vary,
    selection: Selection,
    labels: Labels,
    /// When it came.
    received: SystemTime,
}

/// What was decided about the head of a response.
pub(crate) struct Decided<'a> {
    pub(crate) kept: &'a Kept,
    /// The fields of the request that it is the answer to.
    pub(crate) request: &'a HeaderMap,
    /// When it came.
    pub(crate) received: SystemTime,
}

/// What an entry weighs beyond the bytes of its head and body: itself, and its
/// place among the variants of its key.
const WEIGHT_OF_ENTRY: usize = 448;
/// What a field weighs beyond its bytes: its place in the map, and now and then a
/// name of its own.
const WEIGHT_OF_FIELD: usize = 128;
/// What a label weighs beyond its bytes, which are in the index, too.
const WEIGHT_OF_LABEL: usize = 192;

impl Entry {
    /// Bytes, as near as can be told.
    pub(super) fn weight(&self) -> usize {
        let content = match &self.content {
            Content::Whole(body) => body.len(),
            Content::Parts(parts) => usize::try_from(parts.stored()).unwrap_or(usize::MAX),
        };
        WEIGHT_OF_ENTRY + self.head.weight() + content
    }

    /// The same, to be validated at the next request.
    pub(super) fn soft_purged(&self) -> Self {
        let mut head = self.head.clone();
        head.terms = head.terms.soft_purged();
        Self {
            head,
            content: self.content.clone(),
        }
    }

    /// Whether nothing of it is missing.
    pub(crate) const fn is_whole(&self) -> bool {
        matches!(self.content, Content::Whole(_))
    }

    /// What has to be fetched before a request that says this can be answered. `None`
    /// if that is nothing (RFC 9111 §3.3).
    pub(crate) fn missing(&self, asked: Asked, request: &HeaderMap) -> Option<Span> {
        match &self.content {
            Content::Whole(_) => None,
            Content::Parts(parts) => {
                let verdict = self.range(asked, request, parts.length());
                parts.reuse(verdict).err()
            }
        }
    }

    /// Makes `request` one for what is `missing`, if it is still of this
    /// representation; without a strong validator there is no telling (RFC 9110
    /// §13.1.5), and nothing is changed.
    pub(crate) fn ask_for(&self, missing: Span, request: &mut HeaderMap) -> bool {
        let Content::Parts(parts) = &self.content else {
            return false;
        };
        let Some(validator) = StrongValidator::of(&self.head.headers) else {
            return false;
        };
        remove_preconditions(request);
        request.insert(RANGE, parts.ask_for(missing));
        request.insert(IF_RANGE, validator.if_range());
        true
    }

    /// What of its content a request that says this is to be given, if that has
    /// `length` bytes altogether.
    pub(crate) fn range(&self, asked: Asked, request: &HeaderMap, length: u64) -> Verdict {
        if asked.range && self.head.status == StatusCode::OK {
            verdict(request, &self.head.headers, length, MAX_RANGES)
        } else {
            Verdict::Whole
        }
    }
}

impl Head {
    /// The head of `response`, kept as it was `decided`, without what was for one
    /// connection only (RFC 9111 §3.1), and with the `Date` that it lacked.
    pub(crate) fn new(
        status: StatusCode,
        mut headers: HeaderMap,
        decided: &Decided<'_>,
        labels: Labels,
    ) -> Self {
        let Kept {
            terms,
            vary,
            without,
            date,
        } = decided.kept;
        let selection = vary.selection(decided.request, &headers);
        hop_by_hop::remove(&mut headers);
        tags::strip(&mut headers);
        for name in without {
            headers.remove(name);
        }
        if let Some(date) = date {
            headers.insert(DATE, http_date(*date));
        }
        // These two are different in every response made of this head. Their
        // places are taken here, so that the clone need not grow.
        headers.insert(AGE, HeaderValue::from_static("0"));
        headers
            .entry(CACHE_STATUS)
            .or_insert(HeaderValue::from_static(""));
        Self {
            status,
            headers,
            terms: *terms,
            vary: vary.clone(),
            selection,
            labels,
            received: decided.received,
        }
    }

    /// The same for a complete body of `length`, in memory of its own. The length
    /// is what a `HEAD` is told, too. RFC 9110 §8.6: never in a 204.
    pub(crate) fn complete(mut self, length: u64) -> Self {
        if self.status != StatusCode::NO_CONTENT {
            self.headers
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        self.headers = compact(&self.headers);
        self
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The same for content of which parts are missing: its length is told with each
    /// of them.
    pub(crate) fn partial(mut self) -> Self {
        for name in [CONTENT_LENGTH, CONTENT_RANGE] {
            self.headers.remove(name);
        }
        self.status = StatusCode::OK;
        self.headers = compact(&self.headers);
        self
    }

    /// As they are stored, with a place for `Age` and `Cache-Status`.
    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// As they came.
    pub(crate) fn received_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove(AGE);
        if headers[CACHE_STATUS].is_empty() {
            headers.remove(CACHE_STATUS);
        }
        headers
    }

    /// When it came.
    pub(crate) const fn received(&self) -> SystemTime {
        self.received
    }

    /// On which terms it may be reused.
    pub(crate) const fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(crate) const fn vary(&self) -> &Vary {
        &self.vary
    }

    pub(crate) const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The same for those who select `stored`, of which it is the update: RFC 9111
    /// §4.3.4 changes the fields of a response, and not the request that it came
    /// for. Who has validated it may accept fewer codings than that one.
    pub(crate) fn updating(mut self, stored: &Self) -> Self {
        if self.vary == stored.vary {
            self.selection = stored.selection.clone();
        }
        self
    }

    /// Whether a request with these fields selects it (RFC 9111 §4.1).
    pub(crate) fn matches(&self, request: &HeaderMap) -> bool {
        self.selection.matches(request)
    }

    /// A response with this head at its age of `now` (RFC 9111 §4: "MUST
    /// generate an Age header field").
    pub(crate) fn respond<B>(&self, body: B, now: Instant) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let mut headers = self.headers.clone();
        headers.insert(AGE, HeaderValue::from(self.terms.age(now).as_secs()));
        *response.headers_mut() = headers;
        response
    }

    fn weight(&self) -> usize {
        let fields = self.headers.iter().map(field).sum::<usize>();
        let labels = self.labels.iter();
        let labels = labels.map(|label| 2 * label.weight() + WEIGHT_OF_LABEL);
        fields + labels.sum::<usize>() + self.selection.weight()
    }
}

fn field((name, value): (&http::HeaderName, &HeaderValue)) -> usize {
    name.as_str().len() + value.len() + WEIGHT_OF_FIELD
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
    // Without what a map keeps in reserve.
    compacted.clone()
}
