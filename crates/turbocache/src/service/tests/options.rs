//! What is done differently only where that is asked for.

use http::StatusCode;

use super::*;

#[test]
fn the_key_is_told_only_if_asked_for() {
    let mut scene = Scene::with(TurboCache::conservative().key_in_cache_status(true));
    let answer = scene.through(get("/a?b=1"), fresh("page"));
    assert_eq!(
        answer.headers()["cache-status"],
        "turbocache; fwd=uri-miss; stored; ttl=60; key=\"http forum.example /a?b=1\""
    );
    text(answer);
    let answer = scene.answer(get("/a?b=1"));
    assert_eq!(
        answer.headers()["cache-status"],
        "turbocache; hit; ttl=60; key=\"http forum.example /a?b=1\""
    );
    // What would end the string is escaped.
    let answer = scene.through(get("/\\\"c"), fresh("page"));
    let said = answer.headers()["cache-status"].to_str().unwrap();
    let (_, key) = said.split_once("key=\"").unwrap();
    let mut escaped = false;
    for character in key.strip_suffix('"').unwrap().chars() {
        assert!(escaped || character != '"', "{said}");
        escaped = !escaped && character == '\\';
    }
    assert!(!escaped, "{said}");
}

#[test]
fn a_client_may_ask_for_a_younger_page_a_stale_one_or_none_if_that_is_honoured() {
    let cases = [
        ("no-cache", 10, Err("fwd=request; stored; ttl=60")),
        ("max-age=5", 10, Err("fwd=request; stored; ttl=60")),
        ("max-age=20", 10, Ok("hit; ttl=50")),
        ("max-stale=30", 70, Ok("hit; ttl=-10")),
        ("max-stale=5", 70, Err("fwd=stale; stored; ttl=60")),
        ("only-if-cached", 10, Ok("hit; ttl=50")),
    ];
    for (wish, after, expected) in cases {
        let mut scene = Scene::with(TurboCache::conservative().honour_request_directives(true));
        store(&mut scene, "/", fresh("page"));
        scene.clock.forward(after);
        let request = get_with("/", &[("cache-control", wish)]);
        let (answer, expected) = match expected {
            Ok(hit) => (scene.answer(request), hit),
            Err(miss) => (scene.through(request, fresh("page")), miss),
        };
        assert_eq!(status(&answer), expected, "{wish}");
    }
}

#[test]
fn what_is_to_come_from_the_cache_only_and_is_not_there_is_a_504() {
    let wish = ("cache-control", "only-if-cached");
    let mut scene = Scene::with(TurboCache::conservative().honour_request_directives(true));
    let answer = scene.answer(get_with("/", &[wish]));
    assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(status(&answer), "detail=only-if-cached");

    let mut scene = Scene::new();
    let answer = scene.through(get_with("/", &[wish]), fresh("page"));
    assert_eq!(answer.status(), 200, "by default it is not heard");
}

#[test]
fn a_standard_cache_guesses_and_gives_authorized_requests_what_is_for_everybody() {
    let modified = ("last-modified", "Fri, 28 Oct 1994 08:49:37 GMT");
    let mut scene = Scene::with(TurboCache::standard());
    assert_eq!(
        store(&mut scene, "/guessed", page(&[modified], "page")),
        "fwd=uri-miss; stored; ttl=77760"
    );
    let answer = scene.answer(get("/guessed"));
    assert_eq!(
        status(&answer),
        "hit; ttl=77760",
        "a tenth of nine days (RFC 9111 §4.2.2)"
    );

    let with_password = || get_with("/", &[("authorization", "Basic YTpi")]);
    let public = ("cache-control", "public, max-age=60");
    text(scene.through(with_password(), page(&[MINUTE], "mine")));
    text(scene.through(get("/"), page(&[public], "for all")));
    assert_eq!(text(scene.answer(with_password())), "for all");
}
