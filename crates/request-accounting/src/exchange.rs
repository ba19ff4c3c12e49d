use std::{sync::Arc, time::Duration};

use http::{Response, StatusCode};
use http_body::Body;
use peregrine_core::{CacheStatus, ServedBy};

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
pub(crate) struct Exchange {
    shard: Arc<Shard>,
    /// By [`Shard::now`].
    started: u64,
    asked: Asked,
    head: Option<Head>,
    sent: u64,
    /// `None` as long as only the drop would tell.
    end: Option<End>,
    /// What hardly any request has is not to make the others larger: they are moved
    /// from place to place.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// When the connection was upgraded to something that is no request, if it
    /// was: it may last for days, which is nobody's latency.
    upgraded: Option<u64>,
    /// Who wants to know how it ends, if somebody does.
    observed: Option<Box<dyn Observed>>,
    /// For whom observes: the others need but a word of it.
    cache_status: Option<CacheStatus>,
}

/// What is remembered of a response head.
#[derive(Clone, Copy)]
struct Head {
    status: StatusCode,
    cache: CacheOutcome,
    process: Option<ServedBy>,
    content: Content,
}

impl Exchange {
    pub(crate) fn start(
        shard: &Arc<Shard>,
        asked: Asked,
        observed: Option<Box<dyn Observed>>,
    ) -> Self {
        Self {
            shard: Arc::clone(shard),
            started: shard.start(),
            asked,
            head: None,
            sent: 0,
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
    pub(crate) fn respond<B: Body>(&mut self, response: &Response<B>) {
        let status = response.status();
        let extensions = response.extensions();
        if status == StatusCode::SWITCHING_PROTOCOLS {
            self.rare.get_or_insert_default().upgraded = Some(self.shard.now());
        }
        if let Some(rare) = &mut self.rare {
            rare.cache_status = extensions.get().copied();
        }
        self.head = Some(Head {
            status,
            cache: CacheOutcome::from(extensions.get::<CacheStatus>()),
            process: extensions.get::<ServedBy>().copied(),
            content: Content::announced(
                self.asked,
                status,
                response.headers(),
                response.body().size_hint().exact(),
            ),
        });
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

    /// Tells who observes, if somebody does.
    fn tell(&self, rare: Rare, end: End, elapsed: Duration) {
        let Some(observed) = rare.observed else {
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
            pid: self.head.and_then(|head| head.process).map(|it| it.pid),
            bytes: self.sent,
            elapsed,
        });
    }

    /// What it means to be dropped here and now.
    fn dropped(&self) -> End {
        match self.head {
            Some(head) if head.content.is_complete(self.sent) => End::Complete,
            _ => End::Aborted,
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let end = self.end.unwrap_or_else(|| self.dropped());
        let now = self.shard.now();
        let rare = self.rare.take();
        let upgraded = rare.as_ref().and_then(|rare| rare.upgraded);
        let answered = upgraded.unwrap_or(now);
        let elapsed = answered.saturating_sub(self.started);
        self.shard.finished(Finished {
            end,
            response: self
                .head
                .map(|head| (StatusClass::from(head.status), head.cache)),
            bytes: self.sent,
            elapsed,
            now,
        });
        tracing::debug!(
            end = end.as_str(),
            status = self.head.map(|head| head.status.as_u16()),
            cache = self.head.map(|head| head.cache.as_str()),
            pid = self.head.and_then(|head| head.process).map(|it| it.pid),
            bytes = self.sent,
            elapsed = ?Duration::from_nanos(elapsed),
            "request finished"
        );
        if let Some(rare) = rare {
            self.tell(*rare, end, Duration::from_nanos(elapsed));
        }
    }
}
