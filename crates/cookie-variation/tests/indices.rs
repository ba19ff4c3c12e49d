//! Whom the cache takes for a visitor, by `Cookie-Indices` alone, this layer takes
//! for one, too: it reads cookies as carefully as the most careless of servers
//! might.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::ready,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::body::Body;
use futures_util::FutureExt;
use http::{
    HeaderValue, Request, Response,
    header::{CACHE_CONTROL, COOKIE, HOST, VARY},
};
use peregrine_cookie_variation::CookieVariation;
use peregrine_core::Variant;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tower::{
    Layer, Service, ServiceExt, layer::util::Identity, service_fn, util::BoxCloneSyncService,
};
use turbocache::TurboCache;

const NAME: &str = "user_id";

/// The cache, and the layer beside it.
struct Both {
    cached: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>,
    layered: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>,
    /// How often the application was asked.
    asked: Arc<AtomicU32>,
    /// What the layer has found out.
    told: Arc<Mutex<Option<Variant>>>,
    /// Pages so far: each is another one.
    pages: u32,
}

impl Both {
    fn new() -> Self {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let app = service_fn(move |_: Request<Body>| {
            count.fetch_add(1, Ordering::Relaxed);
            let page = Response::builder()
                .header(CACHE_CONTROL, "public, max-age=60")
                .header(VARY, "Cookie")
                .header("cookie-indices", format!("\"{NAME}\""))
                .body(Body::empty());
            ready(Ok(page.unwrap()))
        });
        let told = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&told);
        let hears = service_fn(move |request: Request<Body>| {
            *tell.lock().unwrap() = request.extensions().get::<Variant>().cloned();
            ready(Ok(Response::new(Body::empty())))
        });
        let layer = CookieVariation::anonymous_unless([NAME]).around(Identity::new());
        let cached = TurboCache::conservative()
            .layer(app)
            .map_response(|page| page.map(Body::new));
        Self {
            cached: BoxCloneSyncService::new(cached),
            layered: BoxCloneSyncService::new(layer.layer(hears)),
            asked,
            told,
            pages: 0,
        }
    }

    /// Whether the page that is stored for visitors is given to who sends these.
    fn reads_the_visitors_page(&mut self, cookies: &[u8]) -> bool {
        self.pages += 1;
        let before = self.asked.load(Ordering::Relaxed);
        for cookies in [b"", cookies] {
            let answer = self.cached.call(request(self.pages, cookies));
            drop(answer.now_or_never().expect("nothing to wait for"));
        }
        self.asked.load(Ordering::Relaxed) == before + 1
    }

    /// Whether the layer takes who sends these for a visitor.
    fn takes_for_a_visitor(&mut self, cookies: &[u8]) -> bool {
        let answer = self.layered.call(request(0, cookies));
        drop(answer.now_or_never().expect("nothing to wait for"));
        let told = self.told.lock().unwrap().take();
        matches!(told, Some(Variant::Known(_)))
    }
}

fn request(page: u32, cookies: &[u8]) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = format!("/{page}").parse().unwrap();
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("forum.example"));
    if !cookies.is_empty() {
        headers.insert(COOKIE, HeaderValue::from_bytes(cookies).unwrap());
    }
    request
}

/// Pieces of which readers of cookies make different things.
fn cookies() -> impl Strategy<Value = Vec<u8>> {
    // Those that matter most are there several times.
    let piece = prop::sample::select(vec![
        "user_id",
        "user_id",
        "user_id",
        "User_ID",
        "user.id",
        "user[id]",
        "%75ser_id",
        "user%5Fid",
        "_ga",
        "=",
        "=",
        ";",
        ";",
        "; ",
        "; ",
        ",",
        " ",
        "\t",
        "\"",
        "'",
        "&",
        "%3B",
        "\\",
        "\u{e4}",
        "1",
    ]);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().into_bytes())
}

#[test]
fn who_reads_the_visitors_page_is_a_visitor() {
    let both = RefCell::new(Both::new());
    let readers = Cell::new(0);
    let config = Config {
        cases: 5000,
        failure_persistence: None,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&cookies(), |cookies| {
        let mut both = both.borrow_mut();
        let reads = both.reads_the_visitors_page(&cookies);
        readers.set(readers.get() + u32::from(reads));
        prop_assert!(!reads || both.takes_for_a_visitor(&cookies));
        Ok(())
    });
    checked.unwrap();
    // Or else nothing was looked at.
    assert!(readers.get() > 100, "{}", readers.get());
}

#[test]
fn both_know_a_visitor_when_they_see_one() {
    let mut both = Both::new();
    for (cookies, expected) in [
        ("", true),
        ("_ga=1; theme=dark", true),
        ("user_id=1", false),
        ("_ga=1; %75ser_id=1", false),
    ] {
        let cookies = cookies.as_bytes();
        assert_eq!(both.reads_the_visitors_page(cookies), expected);
        assert_eq!(both.takes_for_a_visitor(cookies), expected);
    }
}
