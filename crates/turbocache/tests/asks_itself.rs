//! An application that asks itself, through the cache that is in front of it.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::header::{ACCEPT, CACHE_CONTROL, VARY},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture, stream};
use tower::{Layer, Service, ServiceExt, util::BoxCloneSyncService};
use turbocache::TurboCache;

const FIELDS: [(axum::http::HeaderName, &str); 2] =
    [(CACHE_CONTROL, "max-age=60"), (VARY, "accept")];

/// Makes its page of what it answers itself to whom wants JSON.
#[derive(Clone)]
struct App {
    cached: Arc<OnceLock<BoxCloneSyncService<Request, Response, Infallible>>>,
    /// Asks only when its own body is asked for.
    in_its_body: bool,
}

fn ask(accept: Option<&str>) -> Request {
    let mut request = Request::get("/page").header("host", "forum.example");
    if let Some(accept) = accept {
        request = request.header(ACCEPT, accept);
    }
    request.body(Body::empty()).unwrap()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 1024).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

impl Service<Request> for App {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let cached = self.cached.get().unwrap().clone();
        let in_its_body = self.in_its_body;
        async move {
            if request.headers().contains_key(ACCEPT) {
                return Ok((FIELDS, "{}").into_response());
            }
            let page = async move {
                let json = cached.oneshot(ask(Some("application/json")));
                format!("page of {}", text(json.await.unwrap()).await)
            };
            Ok(if in_its_body {
                let page = page.map(|page| Ok::<_, Infallible>(Bytes::from(page)));
                (FIELDS, Body::from_stream(stream::once(page))).into_response()
            } else {
                (FIELDS, page.await).into_response()
            })
        }
        .boxed()
    }
}

#[tokio::test]
async fn it_does_not_wait_for_itself() {
    for in_its_body in [false, true] {
        let app = App {
            cached: Arc::default(),
            in_its_body,
        };
        let cached = TurboCache::conservative().layer(app.clone());
        let cached = cached.map_response(IntoResponse::into_response);
        let itself = BoxCloneSyncService::new(cached.clone());
        assert!(app.cached.set(itself).is_ok());
        let page = async { text(cached.oneshot(ask(None)).await.unwrap()).await };
        let page = tokio::time::timeout(Duration::from_secs(10), page).await;
        let page = page.unwrap_or_else(|_| panic!("it waits for itself: {in_its_body}"));
        assert_eq!(page, "page of {}");
    }
}
