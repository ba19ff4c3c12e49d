//! What a client is given of a response: RFC 9110 §13.2.2, RFC 9111 §4.3.2.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Response, StatusCode, response};
use http_body::Body;
use peregrine_core::{CacheStatus, ForwardReason};
use tokio::runtime::Handle;
use tower::BoxError;
use tracing::trace;

use crate::{
    CacheBody,
    cache::Cache,
    fetch::Reused,
    flight::Reader,
    key::Key,
    policy::{
        request::Asked,
        storable::NotStored,
        validation::{self, Verdict},
    },
    range::answer::{Boundary, Representation},
    store::{Content, Entry, Head},
};

/// Whoever asked, with what decides about what of a response it gets.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) key: &'a Key,
    pub(crate) asked: Asked,
    pub(crate) headers: &'a HeaderMap,
}

impl Client<'_> {
    /// An answer from memory. The `extensions` are those of the request: the place in
    /// which they were takes the word of the hit, instead of a new one.
    pub(crate) fn hit<B>(
        self,
        entry: &Entry,
        status: CacheStatus,
        now: Instant,
        mut extensions: Extensions,
    ) -> Response<CacheBody<B>> {
        trace!(%status, "hit");
        self.cache.counters.hits.add_one();
        let mut response = self.stored(entry, now);
        extensions.clear();
        *response.extensions_mut() = extensions;
        self.say(response, status)
    }

    /// RFC 9111 §5.2.1.7: with `only-if-cached`, "the cache SHOULD […] respond
    /// with a 504 (Gateway Timeout) status code" to what it cannot answer.
    pub(crate) fn not_cached<B>(self) -> Response<CacheBody<B>> {
        self.cache.counters.misses.add_one();
        let mut response = Response::new(CacheBody::stored(Bytes::new()));
        *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
        self.say(response, CacheStatus::unanswered("only-if-cached"))
    }

    /// A complete response.
    pub(crate) fn stored<B>(self, entry: &Entry, now: Instant) -> Response<CacheBody<B>> {
        let head = &entry.head;
        let response = head.respond((), now);
        match self.verdict(head.status(), response.headers(), head.received()) {
            Verdict::Proceed => match &entry.content {
                _ if self.asked.head => response.map(|()| CacheBody::stored(Bytes::new())),
                Content::Whole(body) if !self.asked.range => {
                    response.map(|()| CacheBody::stored(body.clone()))
                }
                Content::Whole(body) => self.in_range(entry, body, response),
                Content::Parts(parts) => self.in_range(entry, parts, response),
            },
            Verdict::NotModified => not_modified(response),
        }
    }

    /// A response whose body is still coming.
    pub(crate) fn shared<B>(
        self,
        head: &Head,
        reader: Reader<B>,
        now: Instant,
    ) -> Response<CacheBody<B>> {
        let response = head.respond((), now);
        match self.verdict(head.status(), response.headers(), head.received()) {
            Verdict::Proceed => response.map(|()| CacheBody::shared(reader)),
            // It reads nothing; others may.
            Verdict::NotModified => not_modified(response),
        }
    }

    pub(crate) fn say<B>(self, mut response: Response<B>, status: CacheStatus) -> Response<B> {
        self.cache.say(&mut response, status, Some(self.key));
        response
    }

    /// RFC 9110 §13.2.2: after the preconditions.
    fn in_range<B>(
        self,
        entry: &Entry,
        content: &impl Representation,
        response: Response<()>,
    ) -> Response<CacheBody<B>> {
        let (mut parts, ()) = response.into_parts();
        let length = content.length();
        let range = (entry.head).range(self.asked, self.headers, &parts.headers, length);
        let (status, pieces) = range.answer(&mut parts.headers, content, Boundary::random);
        // All of it, with whatever status it has.
        if status != StatusCode::OK {
            parts.status = status;
        }
        Response::from_parts(parts, CacheBody::pieces(pieces))
    }

    fn verdict(self, status: StatusCode, headers: &HeaderMap, received: SystemTime) -> Verdict {
        if self.asked.conditional {
            validation::evaluate(self.headers, status, headers, received)
        } else {
            Verdict::Proceed
        }
    }
}

/// A client whose own request went forward, and what it takes to answer it when
/// the answer comes.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) cache: Arc<Cache>,
    pub(crate) key: Key,
    pub(crate) asked: Asked,
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) why: ForwardReason,
    /// Its preconditions were kept back.
    pub(crate) validating: bool,
}

impl Asker {
    pub(crate) fn client(&self) -> Client<'_> {
        Client {
            cache: &self.cache,
            key: &self.key,
            asked: self.asked,
            headers: &self.headers,
        }
    }

    /// Its own response, which is stored when its body is complete.
    pub(crate) fn led<B>(&self, parts: response::Parts, reader: Reader<B>) -> Response<CacheBody<B>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut status = CacheStatus::forward(self.why).stored();
        if let Some(head) = reader.head() {
            status = head.terms().say(status, self.cache.instant());
        }
        match self.verdict(&parts) {
            Verdict::Proceed => {
                let response = Response::from_parts(parts, CacheBody::shared(reader));
                self.client().say(response, status)
            }
            Verdict::NotModified => {
                let answered = parts.status;
                // It is stored for others although this client does not need it.
                // Without a runtime there must be another one to read it.
                if let Ok(runtime) = Handle::try_current() {
                    runtime.spawn(reader.finish());
                }
                let response = not_modified(Response::from_parts(parts, ()));
                self.client().say(response, status.answered(answered))
            }
        }
    }

    /// Its own response, and nobody else's.
    pub(crate) fn refused<B>(
        &self,
        response: Response<CacheBody<B>>,
        reason: NotStored,
    ) -> Response<CacheBody<B>> {
        let status = CacheStatus::forward(self.why).because(reason.as_str());
        let (parts, body) = response.into_parts();
        let response = match self.verdict(&parts) {
            Verdict::Proceed => Response::from_parts(parts, body),
            Verdict::NotModified => not_modified(Response::from_parts(parts, ())),
        };
        self.client().say(response, status)
    }

    /// What is stored, now that the part is there that was missing. If it did not
    /// come, or is not of what is stored, there is nothing to give.
    pub(crate) fn completed<B>(
        &self,
        entry: Option<&Entry>,
        is_stored: bool,
        now: Instant,
    ) -> Response<CacheBody<B>> {
        let status = CacheStatus::forward(self.why);
        let is_enough = |entry: &&Entry| entry.missing(self.asked, &self.headers).is_none();
        let (response, status) = if let Some(entry) = entry.filter(is_enough) {
            let status = if is_stored {
                entry.head.terms().say(status.stored(), now)
            } else {
                status
            };
            (self.client().stored(entry, now), status)
        } else {
            let mut response = Response::new(CacheBody::stored(Bytes::new()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            (response, status.because(NotStored::Incomplete.as_str()))
        };
        self.client()
            .say(response, status.answered(StatusCode::PARTIAL_CONTENT))
    }

    /// What is stored, after all.
    pub(crate) fn reused<B>(&self, reused: &Reused, now: Instant) -> Response<CacheBody<B>> {
        self.give(reused, reused.status(self.why, true, now), now)
    }

    /// What is stored, as another one has found out.
    pub(crate) fn collapsed<B>(&self, reused: &Reused, now: Instant) -> Response<CacheBody<B>> {
        self.cache.counters.collapsed.add_one();
        self.give(reused, reused.status(self.why, false, now), now)
    }

    fn give<B>(
        &self,
        reused: &Reused,
        status: CacheStatus,
        now: Instant,
    ) -> Response<CacheBody<B>> {
        if reused.is_stale() {
            self.cache.counters.stale_if_error.add_one();
        }
        let response = self.client().stored(&reused.entry, now);
        self.client().say(response, status)
    }

    /// What its preconditions make of a response that the inner service gave
    /// without having seen them.
    fn verdict(&self, parts: &response::Parts) -> Verdict {
        if self.validating {
            let received = self.cache.now().wall;
            self.client()
                .verdict(parts.status, &parts.headers, received)
        } else {
            Verdict::Proceed
        }
    }
}

/// A 304 instead of `response`.
pub(crate) fn not_modified<T, B>(response: Response<T>) -> Response<CacheBody<B>> {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    validation::make_not_modified(&mut parts.headers);
    Response::from_parts(parts, CacheBody::stored(Bytes::new()))
}
