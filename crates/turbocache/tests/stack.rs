//! The cache where it is used: in an axum router, and in a stack of layers over
//! a service of one's own.

use std::{
    convert::Infallible,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{
        Request, Response, StatusCode,
        header::{CACHE_CONTROL, SET_COOKIE},
    },
    response::IntoResponse,
    routing::get,
};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Empty, Full};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use turbocache::TurboCache;

const MINUTE: (axum::http::HeaderName, &str) = (CACHE_CONTROL, "max-age=60");

fn ask(method: &str, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "forum.example")
        .body(Body::empty())
        .unwrap()
}

/// What the cache said, and the body.
async fn answer(app: &Router, request: Request<Body>) -> (String, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let said = response.headers()["cache-status"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (said, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_router_is_layered_as_it_is() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let app = Router::new()
        .route(
            "/page",
            get(move || {
                let call = counted.fetch_add(1, SeqCst);
                async move { ([MINUTE], format!("page {call}")) }
            })
            .post(|| async { "posted" }),
        )
        .route("/mine", get(|| async { "mine" }))
        .layer(TurboCache::conservative());

    let (said, body) = answer(&app, ask("GET", "/page")).await;
    assert!(said.starts_with("turbocache; fwd=uri-miss; stored; ttl="));
    assert_eq!(body, "page 0");
    let (said, body) = answer(&app, ask("GET", "/page")).await;
    assert!(said.starts_with("turbocache; hit; ttl="), "{said}");
    assert_eq!(body, "page 0");
    let (said, body) = answer(&app, ask("HEAD", "/page")).await;
    assert!(said.starts_with("turbocache; hit; ttl="), "{said}");
    assert_eq!(body, "");
    let (said, body) = answer(&app, ask("POST", "/page")).await;
    assert_eq!(
        (said.as_str(), body.as_str()),
        ("turbocache; fwd=method", "posted")
    );
    let (said, _) = answer(&app, ask("GET", "/mine")).await;
    assert_eq!(
        said,
        "turbocache; fwd=uri-miss; detail=no-explicit-freshness"
    );
    let (said, _) = answer(&app, ask("GET", "/none")).await;
    assert_eq!(
        said,
        "turbocache; fwd=uri-miss; detail=no-explicit-freshness"
    );
    assert_eq!(calls.load(SeqCst), 1);
}

#[tokio::test]
async fn a_streamed_page_is_stored_when_it_has_been_read() {
    let app = Router::new()
        .route(
            "/",
            get(|| async {
                let chunks = ["one ", "two ", "three"].map(Ok::<_, Infallible>);
                ([MINUTE], Body::from_stream(stream::iter(chunks)))
            }),
        )
        .layer(TurboCache::conservative());
    for expected in ["fwd=uri-miss; stored", "hit; ttl="] {
        let (said, body) = answer(&app, ask("GET", "/")).await;
        assert!(said.contains(expected), "{said}");
        assert_eq!(body, "one two three");
    }
}

/// One request on a connection of its own, as text.
async fn over_the_wire(address: SocketAddr, method: &'static str, path: &'static str) -> String {
    let exchange = move || {
        let mut connection = TcpStream::connect(address)?;
        let head = format!("{method} {path} HTTP/1.1\r\nhost: forum\r\nconnection: close\r\n\r\n");
        connection.write_all(head.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    tokio::task::spawn_blocking(exchange)
        .await
        .unwrap()
        .unwrap()
}

/// A server stops asking a body for more when it has what was promised, and asks
/// one without a promise for its end.
#[tokio::test]
async fn a_real_server_has_pages_stored_with_and_without_a_length() {
    let streamed = || async {
        let chunks = ["one ", "two"].map(Ok::<_, Infallible>);
        ([MINUTE], Body::from_stream(stream::iter(chunks)))
    };
    let app = Router::new()
        .route("/known", get(|| async { ([MINUTE], "one two") }))
        .route("/streamed", get(streamed))
        .route(
            "/empty",
            get(|| async { (StatusCode::NO_CONTENT, [MINUTE]) }),
        )
        .layer(TurboCache::conservative());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(axum::serve(listener, app).into_future());

    for path in ["/known", "/streamed", "/empty"] {
        let first = over_the_wire(address, "GET", path).await;
        assert!(
            first.contains("cache-status: turbocache; fwd=uri-miss; stored; ttl="),
            "{first}"
        );
        let second = over_the_wire(address, "GET", path).await;
        assert!(
            second.contains("cache-status: turbocache; hit; ttl="),
            "{second}"
        );
        assert_eq!(second.matches("date: ").count(), 1, "{second}");
        let head = over_the_wire(address, "HEAD", path).await;
        assert!(
            head.contains("cache-status: turbocache; hit; ttl="),
            "{head}"
        );
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        if path != "/empty" {
            assert!(second.contains("content-length: 7\r\n"), "{second}");
            assert!(second.ends_with("\r\n\r\none two"), "{second}");
            assert!(head.contains("content-length: 7\r\n"), "{head}");
        }
    }
    server.abort();
}

/// `nest` takes the prefix off before the inner router's layers see the target.
#[tokio::test]
async fn pages_under_different_prefixes_of_a_nested_router_are_kept_apart() {
    let whose = |Path(tenant): Path<String>| async { ([MINUTE], tenant) };
    let inner = Router::new()
        .route("/page", get(whose))
        .layer(TurboCache::conservative());
    let app = Router::new().nest("/{tenant}", inner);
    for _ in 0..2 {
        for tenant in ["one", "two"] {
            let (_, body) = answer(&app, ask("GET", &format!("/{tenant}/page"))).await;
            assert_eq!(body, tenant);
        }
    }
}

#[tokio::test]
async fn two_nested_routers_may_share_a_cache() {
    let cache = TurboCache::conservative();
    let page = |text: &'static str| {
        Router::new()
            .route("/page", get(move || async move { ([MINUTE], text) }))
            .layer(cache.clone())
    };
    let app = Router::new().nest("/a", page("a")).nest("/b", page("b"));
    for _ in 0..2 {
        for name in ["a", "b"] {
            let (_, body) = answer(&app, ask("GET", &format!("/{name}/page"))).await;
            assert_eq!(body, name);
        }
    }
    assert_eq!(cache.handle().stats().hits, 2);
}

#[tokio::test]
async fn a_page_that_sets_a_cookie_is_made_anew_for_everyone() {
    let calls = Arc::new(AtomicUsize::new(0));
    let app = Router::new()
        .route(
            "/login",
            get(move || {
                let session = format!("session={}", calls.fetch_add(1, SeqCst));
                async move { ([MINUTE, (SET_COOKIE, &session)], "in").into_response() }
            }),
        )
        .layer(TurboCache::conservative());
    for session in ["session=0", "session=1", "session=2"] {
        let response = app.clone().oneshot(ask("GET", "/login")).await.unwrap();
        assert_eq!(response.headers()["set-cookie"], session);
    }
}

#[tokio::test]
async fn a_stack_over_a_service_of_ones_own() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let cache = TurboCache::conservative().name("edge");
    let handle = cache.handle();
    let service = ServiceBuilder::new().layer(cache).service(service_fn(
        move |request: Request<Empty<Bytes>>| {
            counted.fetch_add(1, SeqCst);
            async move {
                Response::builder()
                    .status(StatusCode::NOT_FOUND)
                    .header("cache-control", "s-maxage=60, max-age=0")
                    .body(Full::<Bytes>::from(format!("no {}", request.uri().path())))
                    .map_err(|_| "no response")
            }
        },
    ));
    let mut answers = Vec::new();
    for path in ["/a", "/b", "/a"] {
        let request = Request::get(path)
            .header("host", "a")
            .body(Empty::new())
            .unwrap();
        // Always ready, as a service in front of everything else must be.
        let response = service
            .clone()
            .ready()
            .await
            .unwrap()
            .call(request)
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        answers.push(response.into_body().collect().await.unwrap().to_bytes());
    }
    assert_eq!(answers, ["no /a", "no /b", "no /a"]);
    assert_eq!(calls.load(SeqCst), 2);
    assert_eq!((handle.stats().hits, handle.stats().entries), (1, 2));
}
