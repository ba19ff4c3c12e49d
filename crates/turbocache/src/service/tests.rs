use std::task::Waker;

use http_body::SizeHint;
use http_body_util::BodyExt;

use super::*;
use crate::{TurboCache, test_support::*};

const MINUTE: (&str, &str) = ("cache-control", "max-age=60");

/// Has `text` stored for `path`, and says how that went.
fn store(scene: &mut Scene, path: &str, response: Response<AppBody>) -> String {
    let answer = scene.through(get(path), response);
    let said = status(&answer);
    text(answer);
    said
}

#[test]
fn a_fresh_response_is_given_again() {
    let mut scene = Scene::new();
    assert_eq!(
        store(&mut scene, "/", fresh("page")),
        "fwd=uri-miss; stored; ttl=60"
    );

    scene.clock.forward(13);
    let answer = scene.answer(get("/"));
    assert_eq!(status(&answer), "hit; ttl=47");
    assert_eq!(answer.headers()["age"], "13");
    assert_eq!(answer.headers()["content-length"], "4");
    assert_eq!(
        answer.headers()["date"],
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "as it was"
    );
    assert_eq!(answer.body().size_hint().exact(), Some(4));
    assert!(!answer.body().is_end_stream());
    assert_eq!(text(answer), "page");
}

#[test]
fn everything_of_the_head_is_given_again_but_what_was_for_one_connection() {
    let mut scene = Scene::new();
    let fields = [
        MINUTE,
        ("etag", "\"a\""),
        ("link", "<a>"),
        ("link", "<b>"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("cache-status", "inner; fwd=uri-miss"),
        ("age", "10"),
    ];
    let mut response = page(&fields, "gone");
    *response.status_mut() = http::StatusCode::NOT_FOUND;
    store(&mut scene, "/", response);

    let answer = scene.answer(get("/"));
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["etag"], "\"a\"");
    assert_eq!(answer.headers()["age"], "10", "once, and ours");
    assert_eq!(answer.headers().get_all("age").iter().count(), 1);
    let links: Vec<_> = answer.headers().get_all("link").iter().collect();
    assert_eq!(links, ["<a>", "<b>"]);
    for name in ["connection", "x-hop", "keep-alive"] {
        assert!(!answer.headers().contains_key(name), "{name}");
    }
    let said: Vec<_> = answer.headers().get_all("cache-status").iter().collect();
    assert_eq!(said, ["inner; fwd=uri-miss", "turbocache; hit; ttl=50"]);
}

/// RFC 9111 §4.2.3: a response is as old as the request for it, which was not sent yet.
#[test]
fn waiting_for_a_busy_service_makes_nothing_old() {
    let mut scene = Scene::new();
    scene.app.allow(0);
    let mut asking: Vec<_> = (0..2).map(|_| scene.ask(get("/"))).collect();
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    scene.clock.forward(6);
    scene.app.allow(2);
    assert!(asking[0].poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    scene.clock.forward(1);
    respond.send_response(page(&[("cache-control", "max-age=5")], "page"));
    let answer = ready(&mut asking[0]);
    assert_eq!(status(&answer), "fwd=uri-miss; stored; ttl=4");
    assert_eq!(text(answer), "page");
    assert_eq!(text(ready(&mut asking[1])), "page");
}

static LONG: [u8; 64 * 1024] = [b'x'; 64 * 1024];

#[test]
fn the_body_of_a_hit_is_not_copied() {
    let mut scene = Scene::new();
    store(&mut scene, "/", fresh(str::from_utf8(&LONG).unwrap()));
    let address = |answer: Answer| {
        let mut frame = Task::new(answer.into_body().collect());
        let Poll::Ready(body) = frame.poll() else {
            panic!()
        };
        body.unwrap().to_bytes().as_ptr()
    };
    let first = address(scene.answer(get("/")));
    for _ in 0..4 {
        assert_eq!(address(scene.answer(get("/"))), first);
    }
    // What is short, once for each thread.
    store(&mut scene, "/short", fresh("page"));
    let hits = [(); 7].map(|()| address(scene.answer(get("/short"))));
    assert_ne!(hits[0], hits[1]);
    assert!(hits[2..].iter().all(|hit| *hit == hits[1]));
}

#[test]
fn a_stale_response_is_a_miss_and_replaced() {
    let mut scene = Scene::new();
    store(&mut scene, "/", fresh("old"));
    scene.clock.forward(60);
    assert_eq!(
        store(&mut scene, "/", fresh("new")),
        "fwd=stale; stored; ttl=60"
    );
    assert_eq!(text(scene.answer(get("/"))), "new");
    assert_eq!(scene.handle.stats().entries, 1);
}

#[test]
fn a_stale_response_stays_a_miss_if_the_new_one_is_not_stored() {
    let mut scene = Scene::new();
    store(&mut scene, "/", fresh("old"));
    scene.clock.forward(60);
    for text in ["new", "newer"] {
        let said = store(
            &mut scene,
            "/",
            page(&[("cache-control", "no-store")], text),
        );
        assert_eq!(said, "fwd=stale; detail=no-store");
    }
}

#[test]
fn head_is_answered_from_a_stored_get() {
    let mut scene = Scene::new();
    let (mut sender, body) = scene.streamed();
    let answer = scene.through(get("/"), streaming(&[MINUTE], body));
    send(&mut sender, "page");
    drop(sender);
    assert_eq!(text(answer), "page");

    let answer = scene.answer(request("HEAD", "/", &[]));
    assert_eq!(status(&answer), "hit; ttl=60");
    assert_eq!(
        answer.headers()["content-length"],
        "4",
        "though its length came last"
    );
    assert!(answer.body().is_end_stream());
    assert_eq!(text(answer), "");
}

#[test]
fn a_head_that_is_not_stored_goes_through_and_stores_nothing() {
    let mut scene = Scene::new();
    for _ in 0..2 {
        let answer = scene.through(request("HEAD", "/", &[]), fresh(""));
        assert_eq!(status(&answer), "fwd=uri-miss; detail=head");
    }
    assert_eq!(
        store(&mut scene, "/", fresh("page")),
        "fwd=uri-miss; stored; ttl=60"
    );
}

#[test]
fn what_passes_is_neither_read_nor_stored() {
    let cases = [
        ("OPTIONS", &[][..], "fwd=method"),
        (
            "GET",
            &[("authorization", "Basic YTpi")][..],
            "fwd=bypass; detail=authorization",
        ),
        (
            "HEAD",
            &[("authorization", "Basic YTpi")][..],
            "fwd=bypass; detail=authorization",
        ),
        (
            "GET",
            &[("if-match", "\"a\"")][..],
            "fwd=bypass; detail=precondition",
        ),
        (
            "GET",
            &[("upgrade", "websocket")][..],
            "fwd=bypass; detail=upgrade",
        ),
        (
            "GET",
            &[("x-rewrite-url", "/b")][..],
            "fwd=bypass; detail=target-override",
        ),
        (
            "GET",
            &[("host", "b")][..],
            "fwd=bypass; detail=several-hosts",
        ),
    ];
    for (method, fields, expected) in cases {
        let mut scene = Scene::new();
        let answer = scene.through(request(method, "/", fields), fresh("mine"));
        assert_eq!(status(&answer), expected);
        assert_eq!(text(answer), "mine");
        assert_eq!(
            scene.handle.stats().entries,
            0,
            "{expected}: nothing is stored"
        );

        store(&mut scene, "/", fresh("ours"));
        let answer = scene.through(request(method, "/", fields), fresh("mine"));
        assert_eq!(status(&answer), expected);
        assert_eq!(text(answer), "mine", "{expected}: nothing is read");
        assert_eq!(
            text(scene.answer(get("/"))),
            "ours",
            "{expected}: nothing is replaced"
        );
        assert_eq!(scene.handle.stats().passes, 2);
    }
}

#[test]
fn what_is_not_stored_says_why() {
    let cases = [
        (&[][..], "no-explicit-freshness"),
        (&[("cache-control", "private, max-age=60")][..], "private"),
        (&[("cache-control", "no-store, max-age=60")][..], "no-store"),
        (&[("cache-control", "no-cache")][..], "no-cache"),
        (&[MINUTE, ("set-cookie", "session=1")][..], "set-cookie"),
        (&[MINUTE, ("vary", "*")][..], "vary"),
        (&[("cache-control", "max-age=0")][..], "stale-on-arrival"),
        (&[MINUTE, ("content-length", "5")][..], "content-length"),
    ];
    for (fields, reason) in cases {
        let mut scene = Scene::new();
        for _ in 0..2 {
            let said = store(&mut scene, "/", page(fields, "page"));
            assert_eq!(said, format!("fwd=uri-miss; detail={reason}"));
        }
        let stats = scene.handle.stats();
        assert_eq!(
            (stats.entries, stats.misses, stats.not_stored),
            (0, 2, 2),
            "{reason}"
        );
    }
}

#[test]
fn what_a_client_wishes_is_advice_only() {
    let mut scene = Scene::new();
    store(&mut scene, "/", fresh("page"));
    let fields = [
        ("cache-control", "no-cache"),
        ("cache-control", "max-age=0"),
        ("cache-control", "no-store"),
        ("cache-control", "nothing-to-see-here"),
        ("pragma", "no-cache"),
        ("if-none-match", "\"other\""),
        ("cookie", "session=1"),
    ];
    for field in fields {
        let answer = scene.answer(get_with("/", &[field]));
        assert_eq!(status(&answer), "hit; ttl=60", "{field:?}");
        assert_eq!(text(answer), "page");
    }
}

#[test]
fn nothing_is_stored_for_a_client_that_asks_so() {
    let mut scene = Scene::new();
    let ask = || get_with("/", &[("cache-control", "no-store")]);
    for _ in 0..2 {
        let answer = scene.through(ask(), fresh("page"));
        assert_eq!(status(&answer), "fwd=uri-miss; detail=request-no-store");
        text(answer);
    }
}

#[test]
fn a_full_response_to_a_conditional_request_is_stored_and_a_304_is_not() {
    let mut scene = Scene::new();
    let ask = || get_with("/", &[("if-none-match", "\"a\"")]);
    let mut not_modified = fresh("");
    *not_modified.status_mut() = http::StatusCode::NOT_MODIFIED;
    let answer = scene.through(ask(), not_modified);
    assert_eq!(status(&answer), "fwd=uri-miss; detail=status");
    assert_eq!(answer.status(), 304);

    let answer = scene.through(ask(), fresh("page"));
    assert_eq!(status(&answer), "fwd=uri-miss; stored; ttl=60");
    text(answer);
    assert_eq!(text(scene.answer(get("/"))), "page");
}

#[test]
fn a_body_of_a_mebibyte_is_stored_and_a_longer_one_passed_on() {
    let body = |length| {
        let text = "x".repeat(length);
        http_body_util::Full::from(text)
            .map_err(Into::into)
            .boxed_unsync()
    };
    let mut scene = Scene::new();
    let said = store(&mut scene, "/fits", streaming(&[MINUTE], body(1 << 20)));
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
    let answer = scene.through(get("/long"), streaming(&[MINUTE], body((1 << 20) + 1)));
    assert_eq!(status(&answer), "fwd=uri-miss; detail=too-large");
    assert_eq!(text(answer).len(), (1 << 20) + 1);

    assert_eq!(text(scene.answer(get("/fits"))).len(), 1 << 20);
    let answer = scene.through(get("/long"), fresh("short"));
    assert_eq!(
        status(&answer),
        "fwd=uri-miss; stored; ttl=60",
        "nothing was"
    );
}

#[test]
fn the_store_is_bounded_by_bytes() {
    let capacity = 100 * 1024;
    let mut scene = Scene::with(TurboCache::conservative().capacity_bytes(capacity));
    for page in 0..200 {
        let body = http_body_util::Full::from(vec![b'x'; 4096]);
        let body = body.map_err(Into::into).boxed_unsync();
        store(&mut scene, &format!("/{page}"), streaming(&[MINUTE], body));
    }
    let stats = scene.handle.stats();
    assert_eq!((stats.stored, stats.capacity_bytes), (200, capacity));
    assert!(stats.bytes <= capacity, "{stats:?}");
    assert!(stats.bytes > capacity * 9 / 10, "{stats:?}");
    // Each weighs its body, five fields, and less than a kibibyte beside these.
    assert!(stats.entries >= 18 && stats.entries <= 24, "{stats:?}");
}

#[test]
fn an_empty_response_is_stored_though_nobody_reads_its_body() {
    let mut scene = Scene::new();
    let mut response = page(&[MINUTE, ("location", "/b")], "");
    *response.status_mut() = http::StatusCode::MOVED_PERMANENTLY;
    drop(scene.through(get("/a"), response));
    let answer = scene.answer(get("/a"));
    assert_eq!(answer.status(), 301);
    assert_eq!(answer.headers()["location"], "/b");
    assert!(answer.body().is_end_stream());
}

#[test]
fn a_body_is_stored_when_its_last_promised_byte_has_come() {
    let mut scene = Scene::new();
    let (mut sender, body) = scene.streamed();
    let response = streaming(&[MINUTE, ("content-length", "4")], body);
    let mut reading = Reading::new(scene.through(get("/"), response));
    send(&mut sender, "page");
    assert_eq!(reading.next(), chunk("page"));
    // A server does not ask for more now, though the application has not said
    // that this was all.
    assert!(reading.body().is_end_stream());
    drop(reading);
    assert_eq!(text(scene.answer(get("/"))), "page");
}

#[test]
fn a_body_that_nobody_reads_to_its_end_is_not_stored() {
    let mut scene = Scene::new();
    let (mut sender, body) = scene.streamed();
    let mut reading = Reading::new(scene.through(get("/"), streaming(&[MINUTE], body)));
    send(&mut sender, "pa");
    assert_eq!(reading.next(), chunk("pa"));
    drop(reading);
    assert_eq!(scene.live(), 0);
    assert_eq!(
        store(&mut scene, "/", fresh("page")),
        "fwd=uri-miss; stored; ttl=60"
    );
}

#[test]
fn what_is_cleared_is_gone_and_what_was_on_its_way_is_not_stored() {
    let mut scene = Scene::new();
    store(&mut scene, "/a", fresh("a"));
    let mut asking = scene.ask(get("/b"));
    assert!(asking.poll().is_pending());
    scene.handle.clear();
    let (_, respond) = scene.app_asked().unwrap();
    respond.send_response(fresh("before"));
    assert_eq!(text(ready(&mut asking)), "before");

    assert_eq!(
        store(&mut scene, "/b", fresh("after")),
        "fwd=uri-miss; stored; ttl=60"
    );
    assert_eq!(
        store(&mut scene, "/a", fresh("after")),
        "fwd=uri-miss; stored; ttl=60"
    );
    assert_eq!(text(scene.answer(get("/b"))), "after");
}

#[test]
fn it_is_ready_and_gives_hits_while_the_inner_service_is_not() {
    let mut scene = Scene::new();
    store(&mut scene, "/", fresh("page"));
    scene.app.allow(0);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(scene.service.poll_ready(&mut cx).is_ready());
    assert_eq!(text(scene.answer(get("/"))), "page");

    let mut asking = scene.ask(get("/other"));
    assert!(asking.poll().is_pending());
    assert!(scene.app_asked().is_none(), "it waits for readiness");
    scene.app.allow(1);
    assert!(asking.is_woken());
    assert!(asking.poll().is_pending());
    scene.app_asked().unwrap().1.send_response(fresh("other"));
    assert_eq!(text(ready(&mut asking)), "other");
}

#[test]
fn an_error_of_the_inner_service_is_its_own() {
    let mut scene = Scene::new();
    for path in ["/", "/"] {
        let mut asking = scene.ask(get(path));
        assert!(asking.poll().is_pending());
        scene.app_asked().unwrap().1.send_error("down");
        let Poll::Ready(Err(error)) = asking.poll() else {
            panic!()
        };
        assert_eq!(error.to_string(), "down");
    }
    assert_eq!(scene.handle.stats().not_stored, 2);
}

#[test]
fn what_the_inner_service_puts_beside_its_response_reaches_the_one_who_asked() {
    let mut scene = Scene::new();
    let mut response = fresh("page");
    response.extensions_mut().insert(17_u8);
    let answer = scene.through(get("/"), response);
    assert_eq!(answer.extensions().get::<u8>(), Some(&17));
    text(answer);
    assert_eq!(scene.answer(get("/")).extensions().get::<u8>(), None);
}

#[test]
fn a_pass_leaves_the_body_as_it_is() {
    let mut scene = Scene::new();
    let answer = scene.through(request("POST", "/", &[]), page(&[], "page"));
    assert_eq!(
        answer.body().size_hint().exact(),
        SizeHint::with_exact(4).exact()
    );
    assert!(!answer.body().is_end_stream());
}

#[test]
fn what_is_said_of_a_pass_is_beside_whatever_else_there_is() {
    for (asked_with, answered_with) in [(false, false), (true, false), (false, true), (true, true)]
    {
        let mut scene = Scene::new();
        let mut asked = request("POST", "/", &[]);
        let mut response = page(&[], "page");
        if asked_with {
            asked.extensions_mut().insert('a');
        }
        if answered_with {
            response.extensions_mut().insert(17_u8);
        }
        let answer = scene.through(asked, response);
        assert_eq!(status(&answer), "fwd=method");
        let beside = answer.extensions().get::<u8>();
        assert_eq!(beside, answered_with.then_some(&17));
    }
}

#[test]
fn the_name_is_in_cache_status() {
    let mut scene = Scene::with(TurboCache::conservative().name("the forum"));
    let answer = scene.through(get("/"), fresh("page"));
    assert_eq!(
        answer.headers()["cache-status"],
        "\"the forum\"; fwd=uri-miss; stored; ttl=60"
    );
}

#[test]
fn each_request_is_counted_once() {
    let mut scene = Scene::new();
    store(&mut scene, "/", fresh("page"));
    scene.answer(get("/"));
    scene.answer(request("HEAD", "/", &[]));
    scene.through(request("POST", "/no", &[]), fresh("page"));
    scene.through(get("/no"), page(&[], "page"));
    scene.through(request("HEAD", "/no", &[]), page(&[], ""));
    let stats = scene.handle.stats();
    let counted = (stats.hits, stats.misses, stats.collapsed, stats.passes);
    assert_eq!(counted, (2, 3, 0, 1));
    assert_eq!((stats.stored, stats.not_stored, stats.entries), (1, 2, 1));
}

#[test]
fn clones_of_a_cache_share_what_is_stored() {
    let cache = TurboCache::conservative();
    let mut scene = Scene::with(cache);
    store(&mut scene, "/", fresh("page"));
    let mut other = scene.service.clone();
    let Poll::Ready(answer) = Task::new(other.call(get("/"))).poll() else {
        panic!()
    };
    assert_eq!(text(answer.unwrap()), "page");
}

mod ambiguity;
mod aside;
mod invalidation;
mod late;
mod log;
mod named_variants;
mod options;
mod overtaken;
mod parts;
mod ranges;
mod ready;

mod search_variances;
mod slow_store;
mod stale;
mod validation;
mod variants;
