//! Plays a script, and has each answer judged.

use std::{ops::AddAssign, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use tokio::runtime::{Builder, Runtime};
use tower::{BoxError, Layer, ServiceExt, service_fn, util::BoxCloneService};
use turbocache::{CacheBody, TurboCache};

use crate::{
    clock::MovedClock,
    judge::{Case, Provenance},
    log::Log,
    origin::{Body, Origin},
    script::{Ask, Step},
};

/// The cache that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Conservative,
    /// With [`GRACE`].
    Standard,
}

/// For how long a page that says nothing about it may be given instead of an
/// error.
pub(crate) const GRACE: Duration = Duration::from_secs(25);

/// For how long a broken connection is bridged, in both.
pub(crate) const DISCONNECTED: Duration = Duration::from_secs(10);

impl Mode {
    fn cache(self) -> TurboCache {
        match self {
            Self::Conservative => TurboCache::conservative().grace(Duration::ZERO),
            Self::Standard => TurboCache::standard().grace(GRACE),
        }
    }
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) answers: usize,
    pub(crate) reused: usize,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.answers += other.answers;
        self.reused += other.reused;
    }
}

pub(crate) struct World {
    runtime: Runtime,
    clock: MovedClock,
    log: Log,
    origin: Origin,
    cache: BoxCloneService<Request<Empty<Bytes>>, Response<String>, BoxError>,
}

impl World {
    fn new(mode: Mode) -> Self {
        let clock = MovedClock::new();
        let log = Log::default();
        let origin = Origin::new(clock.clone(), log.clone());
        let inner = origin.clone();
        let inner = service_fn(move |request: Request<Empty<Bytes>>| {
            let answer = inner.answer(&request);
            async move { answer }
        });
        let cache = mode.cache().clock(clock.clone()).layer(inner);
        let cache = cache.and_then(|response: Response<CacheBody<Body>>| async {
            let (head, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(Response::from_parts(head, String::from_utf8(body.into())?))
        });
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            clock,
            log,
            origin,
            cache: BoxCloneService::new(cache),
        }
    }

    /// What was seen, or which rule was broken, and how.
    pub(crate) fn play(mode: Mode, script: &[Step]) -> Result<Seen, String> {
        let world = Self::new(mode);
        let mut seen = Seen::default();
        for (number, step) in script.iter().enumerate() {
            match step {
                Step::Wait(seconds) => world.clock.forward(*seconds),
                Step::Ask(ask, reply) => {
                    world.origin.act(number, ask.path, reply.clone());
                    let Some(answer) = world.ask(ask) else {
                        continue;
                    };
                    let case = Case {
                        mode,
                        ask,
                        answer: &answer,
                        log: &world.log.all(),
                        step: number,
                        now: world.clock.now(),
                    };
                    let from = case
                        .judge()
                        .map_err(|rule| format!("step {number}: {rule}\n{case}"))?;
                    seen.answers += 1;
                    seen.reused += usize::from(from == Provenance::Memory);
                }
            }
        }
        Ok(seen)
    }

    /// None if the origin has failed, and the client with it.
    fn ask(&self, ask: &Ask) -> Option<Response<String>> {
        let mut request = Request::builder()
            .method(ask.method)
            .uri(ask.path)
            .header("host", "forum.example");
        for (name, value) in &ask.fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::new()).unwrap();
        self.runtime.block_on(async {
            let answer = self.cache.clone().oneshot(request).await;
            // What the cache does in the background belongs to this step.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            answer.ok()
        })
    }
}
