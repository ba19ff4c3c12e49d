//! Where nothing can be stored, the cache steps aside, and never in the way.

use super::*;

const PRIVATE: (&str, &str) = ("cache-control", "private");

/// A cache that leaves the route of `/t/…` alone.
fn aside() -> Scene {
    let mut scene = Scene::new();
    store(&mut scene, "/t/page", fresh("page"));
    for _ in 0..200 {
        let said = store(&mut scene, "/t/1", page(&[PRIVATE], ""));
        assert_eq!(said, "fwd=uri-miss; detail=private");
    }
    scene
}

#[test]
fn a_route_without_anything_to_store_is_left_alone_for_a_while() {
    let mut scene = aside();
    let passes = scene.handle.stats().passes;
    for path in ["/t/2", "/t/2", "/t/3"] {
        let said = store(&mut scene, path, page(&[PRIVATE], ""));
        assert_eq!(said, "fwd=bypass; detail=stepped-aside");
    }
    assert_eq!(scene.handle.stats().passes, passes + 3);
    let said = store(&mut scene, "/u/2", page(&[PRIVATE], ""));
    assert_eq!(said, "fwd=uri-miss; detail=private");

    scene.clock.forward(10);
    let said = store(&mut scene, "/t/2", page(&[PRIVATE], ""));
    assert_eq!(said, "fwd=uri-miss; detail=private");
}

#[test]
fn what_is_stored_is_given_all_the_same() {
    let mut scene = aside();
    assert_eq!(status(&scene.answer(get("/t/page"))), "hit; ttl=60");
    assert_eq!(
        store(&mut scene, "/t/2", page(&[PRIVATE], "")),
        "fwd=bypass; detail=stepped-aside"
    );
}

#[test]
fn whatever_may_make_it_invalid_is_not_left_alone() {
    let mut scene = aside();
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
        let answer = scene.through(request(method, "/t/2", &[]), page(&[PRIVATE], ""));
        assert_eq!(status(&answer), "fwd=method", "{method}");
    }
    let fields = [("x-http-method-override", "DELETE")];
    let answer = scene.through(get_with("/t/2", &fields), page(&[PRIVATE], ""));
    assert_eq!(status(&answer), "fwd=bypass; detail=method-override");
    let answer = scene.through(request("HEAD", "/t/2", &[]), page(&[PRIVATE], ""));
    assert_eq!(status(&answer), "fwd=bypass; detail=stepped-aside");

    scene.through(request("DELETE", "/t/page", &[]), page(&[PRIVATE], ""));
    let answer = scene.through(get("/t/page"), page(&[PRIVATE], ""));
    assert_eq!(status(&answer), "fwd=uri-miss; detail=private");
}

#[test]
fn the_first_response_to_store_ends_it() {
    let mut scene = aside();
    let said = store(&mut scene, "/t/2", fresh("page"));
    assert_eq!(said, "fwd=bypass; detail=stepped-aside");
    let said = store(&mut scene, "/t/2", fresh("page"));
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
    scene.answer(get("/t/2"));
}

#[test]
fn what_one_client_asks_for_in_its_own_way_tells_nothing() {
    let mut scene = aside();
    let mut not_modified = page(&[MINUTE], "");
    *not_modified.status_mut() = http::StatusCode::NOT_MODIFIED;
    let request = get_with("/t/2", &[("if-none-match", "\"a\"")]);
    let answer = scene.through(request, not_modified);
    assert_eq!(status(&answer), "fwd=bypass; detail=stepped-aside");
    // Still not known, so the next one goes through the cache.
    let said = store(&mut scene, "/t/2", fresh("page"));
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
}

#[test]
fn failures_are_no_reason_to_step_aside() {
    let mut scene = Scene::new();
    for _ in 0..300 {
        let mut failure = page(&[], "");
        *failure.status_mut() = http::StatusCode::BAD_GATEWAY;
        let said = store(&mut scene, "/t/1", failure);
        assert!(said.starts_with("fwd=uri-miss"), "{said}");
    }
}

#[test]
fn what_changes_something_invalidates_it_all_the_same() {
    let mut scene = aside();
    let answer = scene.through(request("POST", "/t/page", &[]), page(&[], ""));
    assert_eq!(status(&answer), "fwd=method");
    assert_eq!(
        store(&mut scene, "/t/page", fresh("new")),
        "fwd=uri-miss; stored; ttl=60"
    );
}

#[test]
fn tags_are_not_for_clients_here_either() {
    let mut scene = aside();
    let response = page(&[PRIVATE, ("surrogate-key", "a")], "");
    let answer = scene.through(get("/t/2"), response);
    assert!(!answer.headers().contains_key("surrogate-key"));
}

#[test]
fn an_api_with_passwords_is_left_alone_until_there_is_something_for_everybody() {
    let mut scene = Scene::with(TurboCache::standard());
    let public = ("cache-control", "public, max-age=60");
    store(&mut scene, "/t/page", page(&[public], "page"));
    let ask = |scene: &mut Scene, path: &str| {
        let request = get_with(path, &[("authorization", "Basic eA==")]);
        status(&scene.through(request, fresh("his")))
    };
    for _ in 0..200 {
        let said = ask(&mut scene, "/t/1");
        assert_eq!(said, "fwd=uri-miss; detail=authorization");
    }
    assert_eq!(ask(&mut scene, "/t/1"), "fwd=bypass; detail=stepped-aside");
    let request = get_with("/t/page", &[("authorization", "Basic eA==")]);
    assert_eq!(text(scene.answer(request)), "page");

    let said = store(&mut scene, "/t/2", fresh("everybody's"));
    assert_eq!(said, "fwd=bypass; detail=stepped-aside");
    let said = ask(&mut scene, "/t/1");
    assert_eq!(said, "fwd=uri-miss; detail=authorization");
}

#[test]
fn one_response_a_second_tells_for_its_path_whether_there_is_something_to_store() {
    let mut scene = aside();
    let passes = "fwd=bypass; detail=stepped-aside";
    assert_eq!(store(&mut scene, "/t/2", page(&[PRIVATE], "")), passes);
    assert_eq!(store(&mut scene, "/t/2", fresh("unseen")), passes);
    scene.clock.forward(1);
    assert_eq!(store(&mut scene, "/t/2", fresh("seen")), passes);
    let said = store(&mut scene, "/t/2", fresh("page"));
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
}

#[test]
fn what_is_stored_for_visitors_does_not_wait_for_those_who_are_known() {
    let mut scene = aside();
    let passes = "fwd=bypass; detail=stepped-aside";
    let known = |scene: &mut Scene| {
        let request = get_with("/t/2", &[("cookie", "user=1")]);
        status(&scene.through(request, page(&[PRIVATE], "")))
    };
    assert_eq!(known(&mut scene), passes);
    assert_eq!(known(&mut scene), passes);
    assert_eq!(store(&mut scene, "/t/2", fresh("page")), passes);
    let said = store(&mut scene, "/t/2", fresh("page"));
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
}
