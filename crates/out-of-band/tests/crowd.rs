//! Many callers on many threads, and services that rest all the time.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use peregrine_out_of_band::{OutOfBand, OutOfBandLayer, RestGroup};
use tokio::task::{JoinSet, yield_now};
use tower::{Layer, Service, ServiceExt, service_fn};

/// Counts those that are inside, and must be nobody when the work runs.
#[derive(Clone, Default)]
struct Inside(Arc<AtomicUsize>);

impl Inside {
    fn enter(&self) -> Self {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.clone()
    }

    fn leave(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_runs_while_the_work_does_and_no_two_rest_together() {
    const SERVICES: usize = 3;
    const CALLERS: usize = 4;
    const CALLS: usize = 300;

    let group = RestGroup::new();
    let resting = Arc::new(AtomicUsize::new(0));
    let broken = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    let mut handles = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..SERVICES {
        let inside = Inside::default();
        let work = {
            let (inside, resting) = (inside.clone(), Arc::clone(&resting));
            let broken = Arc::clone(&broken);
            move || {
                let (inside, resting) = (inside.clone(), Arc::clone(&resting));
                let broken = Arc::clone(&broken);
                async move {
                    let others = resting.fetch_add(1, Ordering::SeqCst);
                    for _ in 0..3 {
                        let running = inside.0.load(Ordering::SeqCst);
                        broken.fetch_add(others + running, Ordering::SeqCst);
                        yield_now().await;
                    }
                    resting.fetch_sub(1, Ordering::SeqCst);
                }
            }
        };
        let inner = service_fn(move |_: Request<()>| {
            let entered = inside.enter();
            async move {
                yield_now().await;
                entered.leave();
                let asks = Response::builder().header("!~Request-OOB-Work", "true");
                Ok::<_, Infallible>(asks.body(Full::<Bytes>::from("page")).unwrap())
            }
        });
        let service = OutOfBandLayer::new(work).group(group.clone()).layer(inner);
        handles.push(service.handle());
        for _ in 0..CALLERS {
            let mut service = service.clone();
            callers.spawn(async move {
                for _ in 0..CALLS {
                    call(&mut service).await;
                }
            });
        }
        kept.push(service);
    }
    // Each of them comes to an end: no wake-up is lost.
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    // Each has had its turn, or has it yet: on a busy machine the callers of one
    // may be done while another one rests.
    for (handle, mut service) in handles.into_iter().zip(kept) {
        while handle.rests().finished < 2 {
            call(&mut service).await;
        }
    }
    assert_eq!(broken.load(Ordering::SeqCst), 0);
}

async fn call<S>(service: &mut OutOfBand<S>)
where
    S: Service<Request<()>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let response = service.ready().await.unwrap().call(Request::new(()));
    response.await.unwrap().into_body().collect().await.unwrap();
}
