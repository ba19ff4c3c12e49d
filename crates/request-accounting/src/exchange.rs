use std::{sync::Arc, time::Duration};

use http::{Response, StatusCode};
use http_body::Body;
use peregrine_core::{CacheStatus, ServedBy, Upgraded};
use tracing::{Level, event_enabled};

use crate::{
    FinishedRequest, Observed,
    content::{Asked, Content},
    counters::{Finished, Shard},
    outcome::{CacheOutcome, End, StatusClass},
};

/// One request, from its call until its exchange is over: the guard that moves
/// from the service to its future to the response body.
///
/// Counted once: when somebody says how it has [ended](Self::end), or else on drop.
///
/// It is moved from place to place with each request, so it is small.
pub(crate) struct Exchange {
    /// That it is held is what makes the request one in flight: see [`Shard`]. Let go
    /// of when the request has been counted, and before anybody is told. Then the
    /// exchange is over.
    shard: Option<Arc<Shard>>,
    /// By [`Shard::now`].
    started: u64,
    sent: u64,
    /// What hardly any request has is not to make the others larger.
    rare: Option<Box<Rare>>,
    /// Known with the head of the response, as are the next two.
    content: Content,
    /// `None` before.
    status: Option<StatusCode>,
    cache: CacheOutcome,
    asked: Asked,
}

#[derive(Default)]
struct Rare {
    /// When the connection was upgraded to something that is no request, if it
    /// was: it may last for days, which is nobody's latency.
    upgraded: Option<u64>,
    /// Where it is said who has ended that.
    connection: Option<Upgraded>,
    /// Who wants to know how it ends, if somebody does.
    observed: Option<Box<dyn Observed>>,
    /// For those who are told of each request: the numbers need but a word of the
    /// one, and nothing of the other.
    cache_status: Option<CacheStatus>,
    process: Option<ServedBy>,
}

impl Rare {
    fn of(observed: Box<dyn Observed>) -> Self {
        Self {
            observed: Some(observed),
            ..Self::default()
        }
    }
}

impl Exchange {
    #[inline]
    pub(crate) fn start(
        shard: &Arc<Shard>,
        asked: Asked,
        observed: Option<Box<dyn Observed>>,
    ) -> Self {
        Self {
            started: shard.start(),
            shard: Some(Arc::clone(shard)),
            sent: 0,
            rare: observed.map(|observed| Box::new(Rare::of(observed))),
            content: Content::UNTIL_END,
            status: None,
            cache: CacheOutcome::None,
            asked,
        }
    }

    /// The inner service has answered. Gives what goes on with the body, and leaves
    /// one that is over.
    #[inline]
    pub(crate) fn answered<B: Body>(&mut self, response: &Response<B>) -> Self {
        let status = response.status();
        let cache_status = response.extensions().get::<CacheStatus>();
        let body = response.body();
        let exact = body.size_hint().exact();
        let mut this = Self {
            shard: self.shard.take(),
            started: self.started,
            sent: 0,
            rare: self.rare.take(),
            content: Content::announced(self.asked, status, response.headers(), exact),
            status: Some(status),
            cache: CacheOutcome::from(cache_status),
            asked: self.asked,
        };
        if status == StatusCode::SWITCHING_PROTOCOLS {
            let now = this.shard.as_ref().map(|shard| shard.now());
            let rare = this.rare.get_or_insert_default();
            rare.upgraded = now;
            rare.connection = response.extensions().get().cloned();
        }
        if this.rare.is_some() || event_enabled!(Level::DEBUG) {
            let rare = this.rare.get_or_insert_default();
            rare.cache_status = cache_status.copied();
            rare.process = response.extensions().get().copied();
        }
        // A server does not poll a body that says it has ended. One with content has not.
        if exact.is_none_or(|bytes| bytes == 0) && body.is_end_stream() {
            this.end(End::Complete);
        }
        this
    }

    /// So many bytes more of the response's content are on their way.
    pub(crate) const fn send(&mut self, bytes: u64) {
        self.sent += bytes;
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.shard.is_none()
    }

    /// Counts the request, and tells who wants to know. No effect once it is over.
    pub(crate) fn end(&mut self, end: End) {
        let Some(shard) = self.shard.take() else {
            return;
        };
        let now = shard.end(self.started);
        let upgraded = self.rare.as_ref().and_then(|rare| rare.upgraded);
        let elapsed = upgraded.unwrap_or(now).saturating_sub(self.started);
        shard.finished(Finished {
            end,
            response: self
                .status
                .map(|status| (StatusClass::from(status), self.cache)),
            bytes: self.sent,
            elapsed,
            now,
        });
        drop(shard);
        if self.rare.is_some() || event_enabled!(Level::DEBUG) {
            self.tell(end, Duration::from_nanos(elapsed));
        }
    }

    /// What it means to be dropped here and now.
    fn dropped(&self) -> End {
        let rare = self.rare.as_ref();
        if let Some(connection) = rare.and_then(|rare| rare.connection.as_ref()) {
            // Nobody has taken the connection of a client that did not wait for it.
            return connection.ended_by().map_or(End::Aborted, End::from);
        }
        // Of a response that has not come, nothing is complete.
        if self.content.is_complete(self.sent) {
            End::Complete
        } else {
            End::Aborted
        }
    }

    /// Tells whoever wants to know of each request.
    #[cold]
    fn tell(&mut self, end: End, elapsed: Duration) {
        let rare = self.rare.take();
        let pid = rare.as_ref().and_then(|rare| rare.process);
        let pid = pid.map(|process| process.pid);
        tracing::debug!(
            end = end.as_str(),
            status = self.status.map(|status| status.as_u16()),
            cache = self.status.map(|_| self.cache.as_str()),
            pid,
            bytes = self.sent,
            ?elapsed,
            "request finished"
        );
        let Some((rare, observed)) = rare.and_then(|mut rare| {
            let observed = rare.observed.take()?;
            Some((rare, observed))
        }) else {
            return;
        };
        observed.finish(&FinishedRequest {
            end,
            status: self.status,
            cache: (self.cache != CacheOutcome::None).then(|| self.cache.as_str()),
            cache_status: rare.cache_status,
            pid,
            bytes: self.sent,
            elapsed,
        });
    }
}

impl Drop for Exchange {
    #[inline]
    fn drop(&mut self) {
        if !self.is_over() {
            self.end(self.dropped());
        }
    }
}
