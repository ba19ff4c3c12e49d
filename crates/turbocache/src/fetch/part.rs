//! Parts of responses, and how they come together: RFC 9111 §3.3 and §3.4.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bytes::Bytes;
use http::{
    Response, StatusCode,
    header::{CONTENT_RANGE, DATE},
    response,
};
use http_body::Body;

use super::{Candidate, Fetch, Fetched, Trip};
use crate::{
    CacheBody,
    cache::Inserted,
    key::search_variance::SearchVariance,
    policy::storable::NotStored,
    range::{field::ContentRange, fragments::Fragments, validator::StrongValidator},
    store::{Content, Entry, Head, Shapes, http_date},
};

/// Whether a response with this status is to the question for a part, which the
/// client did not ask. Any other one is as good for its own question.
pub(super) const fn is_about_ranges(status: StatusCode) -> bool {
    matches!(status.as_u16(), 206 | 304 | 416)
}

impl Fetch {
    /// There is an answer to the question for a part. It is for the client only in
    /// so far as it fits in with what is stored.
    pub(super) fn completed<B: Body>(
        self,
        response: &response::Parts,
        body: B,
        settled: Result<(), NotStored>,
        trip: Trip,
    ) -> Fetched<B> {
        let entry = self.miss.stored.as_ref();
        let entry = Arc::clone(entry.expect("it was asked for a part of this one"));
        let mut answer = response.headers.clone();
        // As of what is stored: RFC 9110 §6.6.1.
        let came = || http_date(trip.received.wall);
        answer.entry(DATE).or_insert_with(came);
        let part = ContentRange::of(&answer)
            .filter(|_| response.status == StatusCode::PARTIAL_CONTENT)
            .filter(|_| StrongValidator::is_shared(&entry.head.headers(), &answer));
        let Some(part) = part else {
            // Something else is stored than the application has by now.
            self.forget(&entry);
            self.refuse(NotStored::Partial);
            let mut response = Response::new(CacheBody::stored(Bytes::new()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            return Fetched::Refused(response, NotStored::Partial);
        };
        // RFC 9111 §3.4: "the cache MUST use the header fields provided in the new
        // response, aside from Content-Range, to replace all instances of the
        // corresponding header fields in the stored response."
        answer.remove(CONTENT_RANGE);
        let storable = settled
            .and_then(|()| self.storable(response, body.size_hint(), trip))
            .and_then(|(_, storable)| {
                let updated = self.freshen(&entry, answer, trip);
                let updated = updated.map_err(|(_, reason)| reason)?;
                Ok((updated, storable.length))
            });
        let transient = storable.is_err();
        let (head, length) = match storable {
            Ok((updated, length)) => (updated.head.clone(), length),
            Err(reason) => {
                self.forget(&entry);
                self.refuse(reason);
                (entry.head.clone(), None)
            }
        };
        let candidate = Box::new(Candidate {
            variance: SearchVariance::of(&response.headers),
            fetch: self,
            head,
            length,
            part: Some(part),
            transient,
            is_stored: AtomicBool::new(false),
        });
        Fetched::Completing(candidate, body)
    }
}

impl Candidate {
    /// Puts it together with what is stored of the same representation.
    pub(super) fn store_part(&self, part: ContentRange, body: &Bytes) -> Option<Arc<Entry>> {
        let miss = &self.fetch.miss;
        let (most, shapes) = (self.max_body(), &miss.cache.shapes);
        let known = miss.stored.as_ref().filter(|_| miss.completing);
        let with = |stored: Option<&Arc<Entry>>| {
            combined(stored, &self.head, part, body, most, shapes).map(Arc::new)
        };
        if self.transient {
            return with(known);
        }
        let inserted = self.fetch.insert_made(
            self.head.status(),
            self.variance.as_ref(),
            &mut |variants| with(known.or_else(|| variants.select(&miss.headers))),
        );
        match inserted {
            Inserted::Stored(entry) => {
                self.is_stored.store(true, Relaxed);
                Some(entry)
            }
            // What was purged meanwhile is not stored; but the application has just said
            // that it is still what there is, and somebody waits for it.
            _ => known.and_then(|_| with(known)),
        }
    }
}

/// What there is with one more part: with others of the same representation, if
/// both say that it is the same. `None` if it is of no use.
fn combined(
    stored: Option<&Arc<Entry>>,
    head: &Head,
    part: ContentRange,
    body: &Bytes,
    most: u64,
    shapes: &Shapes,
) -> Option<Entry> {
    let head = head.clone().partial(shapes);
    let together = match stored.map(|entry| (&entry.head, &entry.content)) {
        // A part of what is there altogether.
        Some((_, Content::Whole(_))) => return None,
        Some((others, Content::Parts(parts)))
            if StrongValidator::is_shared(&others.headers(), &head.headers()) =>
        {
            head.beside(others).map(|head| (head, parts.clone()))
        }
        _ => None,
    };
    let (head, mut parts) = together.unwrap_or_else(|| (head, Fragments::new(part.length)));
    parts.insert(part, body).ok()?;
    if parts.stored() > most {
        parts = Fragments::new(part.length);
        parts.insert(part, body).ok()?;
    }
    Some(match parts.complete() {
        // §3.4: from now on it is a complete 200.
        Some(whole) => Entry {
            head: head.complete(whole.len() as u64, shapes),
            content: Content::Whole(whole),
        },
        None => Entry {
            head,
            content: Content::Parts(parts),
        },
    })
}
