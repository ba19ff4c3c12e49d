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
    assert_eq!(said, "fwd=uri-miss; stored");
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
