use std::{sync::Arc, time::Duration};

use http::{StatusCode, response::Parts};
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
/// Counted once, on drop, wherever that happens. Who knows better than "it was
/// dropped" says so before with [`complete`](Self::complete) or [`fail`](Self::fail).
///
/// It is moved from place to place with each request, so it is small.
pub(crate) struct Exchange {
    /// That it is held is what makes the request one in flight: see [`Shard`]. Let go
    /// of when the request has been counted, and before anybody is told.
    shard: Option<Arc<Shard>>,
    /// By [`Shard::now`].
    started: u64,
    sent: u64,
    head: Option<Head>,
    asked: Asked,
    /// `None` as long as only the drop would tell.
    end: Option<End>,
    /// What hardly any request has is not to make the others larger.
    rare: Option<Box<Rare>>,
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

/// What is remembered of a response head.
#[derive(Clone, Copy)]
struct Head {
    content: Content,
    status: StatusCode,
    cache: CacheOutcome,
}

impl Exchange {
    pub(crate) fn start(
        shard: &Arc<Shard>,
        asked: Asked,
        observed: Option<Box<dyn Observed>>,
    ) -> Self {
        Self {
            shard: Some(Arc::clone(shard)),
            started: shard.start(),
            sent: 0,
            head: None,
            asked,
            end: None,
            rare: observed.map(|observed| {
                Box::new(Rare {
                    observed: Some(observed),
                    ..Rare::default()
                })
            }),
        }
    }

    /// The inner service has answered.
    pub(crate) fn respond(&mut self, head: &Parts, body: &impl Body) {
        let status = head.status;
        let cache_status = head.extensions.get::<CacheStatus>();
        self.head = Some(Head {
            content: Content::announced(
                self.asked,
                status,
                &head.headers,
                body.size_hint().exact(),
            ),
            status,
            cache: CacheOutcome::from(cache_status),
        });
        if status == StatusCode::SWITCHING_PROTOCOLS {
            let now = self.shard.as_ref().map(|shard| shard.now());
            let rare = self.rare.get_or_insert_default();
            rare.upgraded = now;
            rare.connection = head.extensions.get().cloned();
        }
        if self.rare.is_some() || event_enabled!(Level::DEBUG) {
            let rare = self.rare.get_or_insert_default();
            rare.cache_status = cache_status.copied();
            rare.process = head.extensions.get().copied();
        }
    }

    /// So many bytes more of the response's content are on their way.
    pub(crate) const fn send(&mut self, bytes: u64) {
        self.sent += bytes;
    }

    /// The response has ended.
    pub(crate) const fn complete(&mut self) {
        self.end = Some(End::Complete);
    }

    /// The inner service or the response body gave an error.
    pub(crate) const fn fail(&mut self) {
        self.end = Some(End::Failed);
    }

    /// What it means to be dropped here and now.
    fn dropped(&self) -> End {
        let rare = self.rare.as_ref();
        if let Some(connection) = rare.and_then(|rare| rare.connection.as_ref()) {
            // Nobody has taken the connection of a client that did not wait for it.
            return connection.ended_by().map_or(End::Aborted, End::from);
        }
        match self.head {
            Some(head) if head.content.is_complete(self.sent) => End::Complete,
            _ => End::Aborted,
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
            status = self.head.map(|head| head.status.as_u16()),
            cache = self.head.map(|head| head.cache.as_str()),
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
        let cache = self.head.map(|head| head.cache);
        observed.finish(&FinishedRequest {
            end,
            status: self.head.map(|head| head.status),
            cache: cache
                .filter(|cache| *cache != CacheOutcome::None)
                .map(CacheOutcome::as_str),
            cache_status: rare.cache_status,
            pid,
            bytes: self.sent,
            elapsed,
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let Some(shard) = self.shard.take() else {
            return;
        };
        let end = self.end.unwrap_or_else(|| self.dropped());
        let now = shard.now();
        let upgraded = self.rare.as_ref().and_then(|rare| rare.upgraded);
        let elapsed = upgraded.unwrap_or(now).saturating_sub(self.started);
        shard.finished(Finished {
            end,
            response: self
                .head
                .map(|head| (StatusClass::from(head.status), head.cache)),
            bytes: self.sent,
            elapsed,
            now,
        });
        drop(shard);
        if self.rare.is_some() || event_enabled!(Level::DEBUG) {
            self.tell(end, Duration::from_nanos(elapsed));
        }
    }
}
