//! Queries that make no difference: `No-Vary-Search`.

use super::*;
use crate::Scope;

const NO_VARY: (&str, &str) = ("no-vary-search", "params=(\"utm_source\"), key-order");

#[test]
fn queries_that_make_no_difference_share_what_is_stored() {
    let mut scene = Scene::new();
    let said = store(
        &mut scene,
        "/?a=1&b=2&utm_source=x",
        page(&[MINUTE, NO_VARY], "page"),
    );
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
    for query in ["a=1&b=2&utm_source=x", "b=2&a=1", "utm_source=y&a=1&b=2"] {
        let answer = scene.answer(get(&format!("/?{query}")));
        assert_eq!(status(&answer), "hit; ttl=60", "{query}");
        assert_eq!(text(answer), "page");
    }
    let mut asking = scene.ask(get("/?a=1&b=3"));
    assert!(asking.poll().is_pending());
    assert_eq!(scene.handle.stats().entries, 1);
    let url = "http://forum.example/?b=2&a=1".parse().unwrap();
    assert_eq!(scene.handle.purge(&Scope::url(&url)), 1);
}

#[test]
fn they_are_purged_by_any_target_that_may_share_them() {
    let cases: [(fn(&http::Uri) -> Scope, &str, u64); 9] = [
        (Scope::url, "http://forum.example/page?b=2&a=1", 1),
        (Scope::url, "/page?b=2&a=1", 1),
        (Scope::url, "/page", 1),
        (Scope::url, "/other?b=2&a=1", 0),
        (Scope::prefix, "http://forum.example/page?b=2", 1),
        (Scope::prefix, "/page?b=2", 1),
        (Scope::prefix, "/pa", 1),
        (Scope::prefix, "/page/", 0),
        (Scope::prefix, "http://other.example/page?b=2", 0),
    ];
    for (scope, url, expected) in cases {
        let mut scene = Scene::new();
        store(
            &mut scene,
            "/page?a=1&b=2",
            page(&[MINUTE, NO_VARY], "page"),
        );
        let scope = scope(&url.parse().unwrap());
        assert_eq!(scene.handle.purge(&scope), expected, "{scope:?}");
    }
}

#[test]
fn they_are_fetched_once_as_soon_as_that_is_known_of_their_path() {
    let mut scene = Scene::new();
    store(&mut scene, "/?a=0", page(&[MINUTE, NO_VARY], "other"));
    let mut asking: Vec<_> = ["/?a=1&utm_source=x", "/?a=1&utm_source=y"]
        .map(|path| scene.ask(get(path)))
        .into();
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    let (_, respond) = scene.app_asked().unwrap();
    assert!(scene.app_asked().is_none());
    respond.send_response(page(&[MINUTE, NO_VARY], "page"));
    for asking in &mut asking {
        assert_eq!(text(ready(asking)), "page");
    }
}

#[test]
fn who_waits_for_a_response_that_is_for_another_query_after_all_goes_on_alone() {
    let mut scene = Scene::new();
    store(&mut scene, "/?a=0", page(&[MINUTE, NO_VARY], "other"));
    let mut asking: Vec<_> = ["/?a=1&utm_source=x", "/?a=1&utm_source=y"]
        .map(|path| scene.ask(get(path)))
        .into();
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    let (_, respond) = scene.app_asked().unwrap();
    respond.send_response(fresh("x"));
    assert_eq!(text(ready(&mut asking[0])), "x");
    assert!(asking[1].poll().is_pending());
    let (request, respond) = scene.app_asked().unwrap();
    assert_eq!(request.uri(), "/?a=1&utm_source=y");
    respond.send_response(fresh("y"));
    assert_eq!(text(ready(&mut asking[1])), "y");
    assert_eq!(text(scene.answer(get("/?a=1&utm_source=x"))), "x");
}

const UTM: (&str, &str) = ("no-vary-search", "params=(\"utm\")");

fn for_any_utm(text: &'static str) -> Response<AppBody> {
    page(&[MINUTE, UTM], text)
}

#[test]
fn a_response_that_does_not_say_so_is_for_its_own_target_only() {
    let mut scene = Scene::new();
    store(&mut scene, "/p?utm=x", for_any_utm("page"));
    let mut missing = page(&[MINUTE], "no page");
    *missing.status_mut() = http::StatusCode::NOT_FOUND;
    store(&mut scene, "/p?a=1&utm=x", missing);
    let said = store(&mut scene, "/p?a=1&utm=y", for_any_utm("page a"));
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
    assert_eq!(text(scene.answer(get("/p?a=1&utm=x"))), "no page");
    assert_eq!(text(scene.answer(get("/p?a=1&utm=z"))), "page a");
}

#[test]
fn a_redirect_that_says_so_is_found_again() {
    let redirect = || {
        let mut redirect = page(&[MINUTE, UTM, ("location", "/login")], "");
        *redirect.status_mut() = http::StatusCode::SEE_OTHER;
        redirect
    };
    let mut scene = Scene::new();
    store(&mut scene, "/p?utm=x", redirect());
    assert_eq!(status(&scene.answer(get("/p?utm=x"))), "hit; ttl=60");
    // It alone does not tell what the path's queries mean.
    let said = store(&mut scene, "/p?utm=y", redirect());
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");

    let mut scene = Scene::new();
    store(&mut scene, "/p?a=1", for_any_utm("page"));
    store(&mut scene, "/p?utm=x", redirect());
    for path in ["/p?utm=x", "/p?utm=y", "/p"] {
        let answer = scene.answer(get(path));
        assert_eq!(answer.status(), http::StatusCode::SEE_OTHER, "{path}");
        assert_eq!(status(&answer), "hit; ttl=60", "{path}");
    }
}

#[test]
fn what_was_stored_for_the_target_alone_is_replaced() {
    let mut scene = Scene::new();
    store(&mut scene, "/p?utm=x", fresh("old"));
    scene.clock.forward(60);
    let said = store(&mut scene, "/p?utm=x", for_any_utm("new"));
    assert_eq!(said, "fwd=stale; stored; ttl=60");
    for path in ["/p?utm=x", "/p?utm=y"] {
        assert_eq!(text(scene.answer(get(path))), "new");
    }
    assert_eq!(scene.handle.stats().entries, 1);
}

#[test]
fn a_post_to_any_of_its_targets_invalidates_it() {
    for path in ["/p?a=1&utm=x", "/p?a=1&utm=y", "/p?utm=z&a=1"] {
        let mut scene = Scene::new();
        store(&mut scene, "/p?a=1&utm=x", for_any_utm("old"));
        scene.through(request("POST", path, &[]), page(&[], ""));
        let said = store(&mut scene, "/p?a=1&utm=x", for_any_utm("new"));
        assert_eq!(said, "fwd=uri-miss; stored; ttl=60", "{path}");
    }
}

#[test]
fn what_a_304_says_of_queries_counts_from_then_on() {
    let mut scene = Scene::new();
    let tagged = page(&[MINUTE, UTM, ("etag", "\"a\"")], "page");
    store(&mut scene, "/p?utm=x", tagged);
    scene.clock.forward(60);
    let fields = [
        MINUTE,
        ("no-vary-search", "params=(\"ref\")"),
        ("etag", "\"a\""),
    ];
    let mut not_modified = page(&fields, "");
    *not_modified.status_mut() = http::StatusCode::NOT_MODIFIED;
    let answer = scene.through(get("/p?utm=y"), not_modified);
    assert_eq!(text(answer), "page");
    assert_eq!(text(scene.answer(get("/p?ref=1&utm=y"))), "page");
    let said = store(&mut scene, "/p?utm=z", for_any_utm("another"));
    assert!(said.starts_with("fwd=uri-miss"), "{said}");
}
