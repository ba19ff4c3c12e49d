use std::{
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{Request, header::AGE};
use http_body_util::{BodyExt, Empty};
use peregrine_core::CacheStatus;
use tokio::runtime::Builder;
use tower::{Layer, Service, service_fn};
use turbocache::{Clock, TurboCache};

use crate::{Verdict, case::Case};

struct MovedClock {
    start: Instant,
    by: Arc<Mutex<Duration>>,
}

impl Clock for MovedClock {
    fn wall(&self) -> SystemTime {
        Case::start() + *self.by.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        self.start + *self.by.lock().unwrap()
    }
}

/// What we do, in the standard mode, which has most in common with the other. With
/// the client's wishes, which the other always honours.
pub(crate) fn verdict(case: &Case) -> Verdict {
    let by = Arc::<Mutex<Duration>>::default();
    let clock = MovedClock {
        start: Instant::now(),
        by: Arc::clone(&by),
    };
    let responses = case.clone();
    let app = service_fn(move |_: Request<Empty<Bytes>>| {
        ready(Ok::<_, Infallible>(responses.response::<Empty<Bytes>>()))
    });
    let mut service = TurboCache::standard()
        .honour_request_directives(true)
        .clock(clock)
        .layer(app);

    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let first = service.call(case.first.request()).await.unwrap();
        first.into_body().collect().await.unwrap();
        *by.lock().unwrap() += Duration::from_secs(case.wait);
        let second = service.call(case.second.request()).await.unwrap();
        let status = second.extensions().get::<CacheStatus>().unwrap();
        let age = || second.headers()[AGE].to_str().unwrap().parse().unwrap();
        Verdict {
            reused: status.is_hit().then(age),
        }
    })
}
