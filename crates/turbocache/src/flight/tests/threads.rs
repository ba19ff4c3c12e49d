//! Many threads at once: the races that polling one by one cannot show.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, poll_immediate},
    stream,
};
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use tower::{Layer, ServiceExt, service_fn};

use super::*;

const ROUNDS: usize = 300;
const CLIENTS: usize = 12;
const CHUNKS: usize = 5;

/// A page in several chunks, with a pause before each.
async fn page_in_pieces(
    request: Request<Empty<Bytes>>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    tokio::task::yield_now().await;
    let chunks = stream::iter(0..CHUNKS).then(|_| async {
        tokio::task::yield_now().await;
        Ok(http_body::Frame::data(Bytes::from_static(b"piece ")))
    });
    let mut response = Response::new(StreamBody::new(chunks).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert("cache-control", HeaderValue::from_static("max-age=60"));
    if request.uri().path().starts_with("/known") {
        headers.insert("content-length", HeaderValue::from(CHUNKS * "piece ".len()));
    }
    Ok(response)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_page_is_fetched_once() {
    assert_eq!(fetches(false).await, ROUNDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_for_ever_though_others_leave() {
    // Who leaves while nobody else is there yet takes the flight along.
    assert!(fetches(true).await >= ROUNDS);
}

/// How often the application was called while every client, in each round, asked
/// for the same page; and perhaps some left at once, and some amid the body.
async fn fetches(some_leave: bool) -> usize {
    let fetched = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetched);
    let service = TurboCache::conservative().layer(service_fn(move |request| {
        counted.fetch_add(1, SeqCst);
        page_in_pieces(request)
    }));
    let rounds = async {
        for round in 0..ROUNDS {
            let path = match round % 2 {
                0 => format!("/known/{round}"),
                _ => format!("/unknown/{round}"),
            };
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let mut call = Box::pin(service.clone().oneshot(get(&path)));
                    tokio::spawn(async move {
                        if some_leave && client % 4 == 1 {
                            let _ = poll_immediate(&mut call).await;
                            return;
                        }
                        let mut body = call.await.unwrap().into_body();
                        if some_leave && client % 4 == 2 {
                            body.frame().await.unwrap().unwrap();
                            return;
                        }
                        let body = body.collect().await.unwrap().to_bytes();
                        assert_eq!(body, "piece ".repeat(CHUNKS));
                    })
                })
                .collect();
            for client in clients {
                client.await.unwrap();
            }
        }
    };
    // Not a matter of speed: this is how waiting for ever shows.
    tokio::time::timeout(Duration::from_secs(120), rounds)
        .await
        .expect("somebody waits for ever");
    assert_eq!(service.flights(), 0);
    fetched.load(SeqCst)
}

/// One fetch for each time that the page has become stale: not one for each who
/// finds it so, nor one more for who looked while it was not there yet, and asks
/// when it has come.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stale_page_is_fetched_once_in_the_background() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetched);
    let clock = Arc::new(MovedClock::new());
    let cache = TurboCache::conservative().clock(Arc::clone(&clock));
    let service = cache.layer(service_fn(move |request| {
        counted.fetch_add(1, SeqCst);
        async {
            let mut response = page_in_pieces(request).await?;
            let terms = HeaderValue::from_static("max-age=60, stale-while-revalidate=60");
            response.headers_mut().insert("cache-control", terms);
            Ok::<_, Infallible>(response)
        }
    }));
    let ask = |path: &'static str| {
        let call = service.clone().oneshot(get(path));
        async move {
            let body = call.await.unwrap().into_body();
            let body = body.collect().await.unwrap().to_bytes();
            assert_eq!(body, "piece ".repeat(CHUNKS));
        }
    };
    let rounds = async {
        for path in ["/known", "/unknown"] {
            ask(path).await;
            for round in 1..=ROUNDS {
                clock.forward(65);
                let before = fetched.load(SeqCst);
                let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(ask(path))).collect();
                for client in clients {
                    client.await.unwrap();
                }
                while fetched.load(SeqCst) == before || service.flights() > 0 {
                    tokio::task::yield_now().await;
                }
                assert_eq!(fetched.load(SeqCst), before + 1, "{path}, round {round}");
            }
        }
    };
    // Not a matter of speed: this is how waiting for ever shows.
    tokio::time::timeout(Duration::from_secs(120), rounds)
        .await
        .expect("nobody fetches it, or for ever");
    let stats = cache.handle().stats();
    assert_eq!(stats.background, 2 * ROUNDS as u64);
    assert_eq!(stats.misses, 2);
}

/// An application behind a cache, with which one can talk from any thread: each form
/// that it takes changes all of its pages, which say how many there have been.
fn forms() -> (
    TurboCache,
    impl Fn(Method, &str) -> BoxFuture<'static, usize> + Clone + Send + 'static,
) {
    let version = Arc::new(AtomicUsize::new(0));
    let cache = TurboCache::conservative();
    let service = cache.layer(service_fn(move |request: Request<Empty<Bytes>>| {
        let current = Arc::clone(&version);
        async move {
            if request.method() == Method::POST {
                current.fetch_add(1, SeqCst);
                tokio::task::yield_now().await;
            }
            let rendered = current.load(SeqCst);
            tokio::task::yield_now().await;
            let mut response = Response::new(Full::from(rendered.to_string()));
            let headers = response.headers_mut();
            headers.insert("cache-control", HeaderValue::from_static("max-age=60"));
            Ok::<_, Infallible>(response)
        }
    }));
    let ask = move |method: Method, path: &str| {
        let mut request = get(path);
        *request.method_mut() = method;
        let call = service.clone().oneshot(request);
        async move {
            let body = call.await.unwrap().into_body();
            let body = body.collect().await.unwrap().to_bytes();
            str::from_utf8(&body).unwrap().parse::<usize>().unwrap()
        }
        .boxed()
    };
    (cache, ask)
}

/// Whoever learns that a form was taken finds nothing older, though others fetched
/// the page meanwhile, and though nothing was ever stored for it before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_form_overtakes_is_not_found_after_it() {
    let (cache, ask) = forms();
    for round in 0..10 * ROUNDS {
        // Each page is new to the cache.
        let path = format!("/{round}?of={ROUNDS}");
        let readers: Vec<_> = (0..4)
            .map(|_| tokio::spawn(ask(Method::GET, &path)))
            .collect();
        let (form, after) = (ask(Method::POST, &path), ask(Method::GET, &path));
        let form = tokio::spawn(async {
            let taken = form.await;
            (taken, after.await)
        });
        let (taken, found) = form.await.unwrap();
        assert!(found >= taken, "{found} after {taken}");
        for reader in readers {
            reader.await.unwrap();
        }
        assert!(ask(Method::GET, &path).await >= taken);
    }
    assert!(cache.handle().stats().stored > 0);
}

/// The same where each thread has the page near at hand, since it is asked for all the
/// time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_thread_has_anything_older_near_at_hand() {
    let (cache, ask) = forms();
    let taken = Arc::new(AtomicUsize::new(0));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (ask, taken) = (ask.clone(), Arc::clone(&taken));
            tokio::spawn(async move {
                while taken.load(SeqCst) < 5 * ROUNDS {
                    let before = taken.load(SeqCst);
                    let found = ask(Method::GET, "/").await;
                    assert!(found >= before, "{found} after {before}");
                }
            })
        })
        .collect();
    for _ in 0..5 * ROUNDS {
        let form = ask(Method::POST, "/").await;
        taken.store(form, SeqCst);
        // Long enough for some to have it near at hand.
        for _ in 0..8 {
            assert!(ask(Method::GET, "/").await >= form);
            tokio::task::yield_now().await;
        }
    }
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(cache.handle().stats().hits > 0);
}
