use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_RANGE, DATE, IF_RANGE, RANGE},
};
use peregrine_core::hop_by_hop;

use super::{Fields, Labels, Shapes};
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
        answer::{OF_THE_CONTENT, Representation as _},
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
    fields: Fields,
    terms: Terms,
    vary: Vary,
    selection: Selection,
    labels: Labels,
    /// When it was asked for. It may have been made as early as then.
    requested: Instant,
    /// When it came.
    received: SystemTime,
}

/// What was decided about the head of a response.
pub(crate) struct Decided<'a> {
    pub(crate) kept: &'a Kept,
    /// The fields of the request that it is the answer to.
    pub(crate) request: &'a HeaderMap,
    /// When it was asked for.
    pub(crate) requested: Instant,
    /// When it came.
    pub(crate) received: SystemTime,
    pub(crate) shapes: &'a Shapes,
}

const A_SECOND: Duration = Duration::from_secs(1);

/// What an entry weighs beyond the bytes of its head and body: itself, and its
/// place among the variants of its key.
const WEIGHT_OF_ENTRY: usize = 496;
/// What content weighs beyond its bytes, as a part of them: allocators lose some of
/// their memory between pieces of all lengths.
const LOST_BESIDE_CONTENT: usize = 32;
/// What an answer weighs beyond its fields: what it says of itself, to programs.
const WEIGHT_OF_ANSWER: usize = 256;
/// What a label weighs beyond its bytes, which are in the index, too.
const WEIGHT_OF_LABEL: usize = 256;

impl Entry {
    /// Bytes, as near as can be told.
    pub(super) fn weight(&self) -> usize {
        let content = match &self.content {
            Content::Whole(body) => body.len(),
            Content::Parts(parts) => usize::try_from(parts.stored()).unwrap_or(usize::MAX),
        };
        WEIGHT_OF_ENTRY + self.head.weight() + content + content / LOST_BESIDE_CONTENT
    }

    /// The same, with no memory shared with this one.
    pub(super) fn copy(&self) -> Self {
        let mut head = self.head.clone();
        head.fields = self.head.fields.copy();
        let content = match &self.content {
            Content::Whole(body) => Content::Whole(Bytes::copy_from_slice(body)),
            // Of what is not whole, no hit is made without looking closer.
            Content::Parts(parts) => Content::Parts(parts.clone()),
        };
        Self { head, content }
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
                let fields = self.head.headers();
                let verdict = self.head.range(asked, request, &fields, parts.length());
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
        let fields = self.head.headers();
        let Some(validator) = StrongValidator::of(&fields) else {
            return false;
        };
        remove_preconditions(request);
        request.insert(RANGE, parts.ask_for(missing));
        request.insert(IF_RANGE, validator.if_range());
        true
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
        Self {
            status,
            fields: decided.shapes.fields(&headers),
            terms: *terms,
            vary: vary.clone(),
            selection,
            labels,
            requested: decided.requested,
            received: decided.received,
        }
    }

    /// The same for a complete body of `length`. The length is what a `HEAD` is told,
    /// too. RFC 9110 §8.6: never in a 204.
    pub(crate) fn complete(mut self, length: u64, shapes: &Shapes) -> Self {
        let length = HeaderValue::from(length);
        let says_so = self.fields.get(&CONTENT_LENGTH) == Some(&length);
        if self.status != StatusCode::NO_CONTENT && !says_so {
            let mut headers = self.headers();
            headers.insert(CONTENT_LENGTH, length);
            self.fields = shapes.fields(&headers);
        }
        self
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The same for content of which parts are missing: its length is told with each
    /// of them.
    pub(crate) fn partial(mut self, shapes: &Shapes) -> Self {
        let mut headers = self.headers();
        for name in [CONTENT_LENGTH, CONTENT_RANGE]
            .iter()
            .chain(&OF_THE_CONTENT)
        {
            headers.remove(name);
        }
        self.status = StatusCode::OK;
        self.fields = shapes.fields(&headers);
        self
    }

    /// The fields as they came, but for `Age`. A map of its own: not for the path of
    /// hits.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.fields.received()
    }

    /// When it was asked for.
    pub(crate) const fn requested(&self) -> Instant {
        self.requested
    }

    /// Whether it was made later than `other`, by more than can be a matter of clocks that
    /// tell seconds.
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        let made = |head: &Self| head.terms.freshness.generated();
        let apart = made(self)
            .zip(made(other))
            .and_then(|(this, other)| this.checked_duration_since(other));
        apart.is_some_and(|apart| apart >= A_SECOND)
    }

    /// When it came.
    pub(crate) const fn received(&self) -> SystemTime {
        self.received
    }

    /// What of its content a request that says this is to be given, if that has
    /// `length` bytes altogether. `fields` are its own.
    pub(crate) fn range(
        &self,
        asked: Asked,
        request: &HeaderMap,
        fields: &HeaderMap,
        length: u64,
    ) -> Verdict {
        // RFC 9110 §14.2: "GET is the only method for which range handling is defined".
        if asked.range && !asked.head && self.status == StatusCode::OK {
            verdict(request, fields, length, MAX_RANGES)
        } else {
            Verdict::Whole
        }
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

    /// The same for what is put together with parts that came with `others`: who purges
    /// one of them by its label purges all. It is as new as the newest of them. `None` if
    /// that are too many labels.
    pub(crate) fn beside(&self, others: &Self) -> Option<Self> {
        let mine = &self.labels;
        let theirs = others.labels.iter().filter(|label| !mine.contains(label));
        let labels: Labels = mine.iter().chain(theirs).cloned().collect();
        (labels.len() <= tags::MAX_TAGS).then(|| Self {
            labels,
            requested: self.requested.max(others.requested),
            ..self.clone()
        })
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
    /// generate an Age header field"), with an empty place for `Cache-Status`.
    pub(crate) fn respond<B>(&self, body: B, now: Instant) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.fields.at_age(self.terms.age(now).as_secs());
        response
    }

    /// What a response made of it weighs beyond its values, which are shared.
    pub(super) fn weight_of_answer(&self) -> usize {
        WEIGHT_OF_ANSWER + self.fields.weight_of_names()
    }

    fn weight(&self) -> usize {
        let labels = self.labels.iter();
        let labels = labels.map(|label| 2 * label.weight() + WEIGHT_OF_LABEL);
        self.fields.weight() + labels.sum::<usize>() + self.selection.weight()
    }
}

/// The form of RFC 9110 §5.6.7 for `time`.
pub(crate) fn http_date(time: SystemTime) -> HeaderValue {
    HeaderValue::try_from(httpdate::fmt_http_date(time)).expect("a date is plain ASCII")
}
