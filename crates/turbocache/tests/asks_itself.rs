//! An application that asks itself, through the cache that is in front of it.

use std::{
    convert::Infallible,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{
        HeaderName,
        header::{ACCEPT, CACHE_CONTROL, VARY},
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture, stream};
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};
use tower::{Layer, Service, ServiceExt, service_fn, util::BoxCloneSyncService};
use turbocache::TurboCache;

type App = BoxCloneSyncService<Request, Response, Infallible>;

const FIELDS: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "max-age=60"), (VARY, "accept")];

fn ask(path: &str, accept: &str) -> Request {
    let request = Request::get(path).header("host", "forum.example");
    request.header(ACCEPT, accept).body(Body::empty()).unwrap()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 1024).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// What a client gets that has so much patience.
async fn client(app: &App, path: &str, milliseconds: u64) -> Option<String> {
    let page = async { text(app.clone().oneshot(ask(path, "text/html")).await.unwrap()).await };
    timeout(Duration::from_millis(milliseconds), page)
        .await
        .ok()
}

/// Everybody's, unless it is stuck.
async fn patient_client(app: &App, path: &str) -> Option<String> {
    client(app, path, 10_000).await
}

/// An application that answers in JSON by itself, and makes a `page` of what it is given: to
/// ask itself, and the path.
fn app<P>(finish_abandoned: bool, page: P) -> (App, Arc<OnceLock<App>>)
where
    P: Fn(App, String) -> BoxFuture<'static, Body> + Clone + Send + Sync + 'static,
{
    let itself = Arc::<OnceLock<App>>::default();
    let known = Arc::clone(&itself);
    let inner = service_fn(move |request: Request| {
        let (itself, page) = (Arc::clone(&known), page.clone());
        async move {
            let body = if request.headers()[ACCEPT] == "application/json" {
                Body::from("{}")
            } else {
                let itself = itself.get().unwrap().clone();
                page(itself, request.uri().path().to_owned()).await
            };
            Ok::<_, Infallible>((FIELDS, body).into_response())
        }
        .boxed()
    });
    let cache = TurboCache::conservative().finish_abandoned(finish_abandoned);
    let cached = cache.layer(inner).map_response(IntoResponse::into_response);
    (BoxCloneSyncService::new(cached), itself)
}

async fn page_of(itself: App, path: &str) -> String {
    let json = itself.oneshot(ask(path, "application/json")).await.unwrap();
    format!("page of {}", text(json).await)
}

#[tokio::test]
async fn it_does_not_wait_for_itself() {
    let in_the_call =
        |itself, path: String| async move { Body::from(page_of(itself, &path).await) }.boxed();
    let in_the_body = |itself, path: String| {
        let page = async move { Ok::<_, Infallible>(Bytes::from(page_of(itself, &path).await)) };
        std::future::ready(Body::from_stream(stream::once(page))).boxed()
    };
    let apps = [app(false, in_the_call), app(false, in_the_body)];
    for (app, itself) in apps {
        assert!(itself.set(app.clone()).is_ok());
        let page = patient_client(&app, "/page").await;
        assert_eq!(page.as_deref(), Some("page of {}"));
    }
}

/// As through `tower::buffer`: a worker calls the service, and who asks polls the call.
#[tokio::test]
async fn nor_does_it_if_the_call_is_made_elsewhere() {
    let (app, itself) = app(false, |itself, path| {
        async move { Body::from(page_of(itself, &path).await) }.boxed()
    });
    let (sender, mut requests) = mpsc::unbounded_channel();
    let mut worker = app.clone();
    tokio::spawn(async move {
        while let Some((request, reply)) = requests.recv().await {
            let reply: oneshot::Sender<_> = reply;
            let _ = reply.send(worker.ready().await.unwrap().call(request));
        }
    });
    let buffered = service_fn(move |request: Request| {
        let (reply, call) = oneshot::channel();
        assert!(sender.send((request, reply)).is_ok());
        async move { call.await.unwrap().await }
    });
    assert!(itself.set(BoxCloneSyncService::new(buffered)).is_ok());
    let page = patient_client(&app, "/page").await;
    assert_eq!(page.as_deref(), Some("page of {}"));
}

/// Each of two pages is made of the JSON of the other one, which needs nothing else.
#[tokio::test]
async fn two_pages_that_are_made_of_each_other_do_not_wait_for_each_other() {
    for finish_abandoned in [false, true] {
        let (app, itself) = app(finish_abandoned, |itself, path: String| {
            async move {
                sleep(Duration::from_millis(20)).await;
                let other = if path == "/a" { "/b" } else { "/a" };
                Body::from(page_of(itself, other).await)
            }
            .boxed()
        });
        assert!(itself.set(app.clone()).is_ok());
        let both = tokio::join!(patient_client(&app, "/a"), patient_client(&app, "/b"));
        for page in [both.0, both.1] {
            assert_eq!(page.as_deref(), Some("page of {}"));
        }
    }
}

/// Where it is asked in another task, it waits; but not for those who have left.
#[tokio::test]
async fn nobody_waits_for_one_that_has_waited_for_itself() {
    for finish_abandoned in [false, true] {
        let pages = Arc::<AtomicU32>::default();
        let count = Arc::clone(&pages);
        let (app, itself) = app(finish_abandoned, move |itself, path| {
            count.fetch_add(1, SeqCst);
            let page = tokio::spawn(async move { page_of(itself, &path).await });
            async move { Body::from(page.await.unwrap()) }.boxed()
        });
        assert!(itself.set(app.clone()).is_ok());
        assert_eq!(
            client(&app, "/page", 100).await,
            None,
            "it waits for itself"
        );
        client(&app, "/page", 100).await;
        assert_eq!(pages.load(SeqCst), 2);
    }
}
