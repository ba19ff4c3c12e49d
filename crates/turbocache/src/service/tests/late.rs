//! Answers that come after those to later requests, and requests that are polled late.

use http::StatusCode;

use super::*;

const OLD: [(&str, &str); 2] = [MINUTE, ("etag", "\"a\"")];
const NEW: [(&str, &str); 2] = [MINUTE, ("etag", "\"b\"")];

fn not_modified(fields: &[(&str, &str)]) -> Response<AppBody> {
    let mut response = page(fields, "");
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

/// It may have been made before what has changed since.
#[test]
fn a_page_does_not_take_the_place_of_one_that_was_asked_for_later() {
    let mut scene = Scene::new();
    let mut slow = scene.ask(get("/"));
    assert!(slow.poll().is_pending());
    let (_, late) = scene.app_asked().unwrap();
    scene.clock.forward(11);
    assert_eq!(text(scene.through(get("/"), fresh("new"))), "new");
    late.send_response(fresh("old"));
    assert_eq!(text(ready(&mut slow)), "old");
    assert_eq!(text(scene.answer(get("/"))), "new");
    assert_eq!(scene.handle.stats().stored, 1);
}

/// Nor is what it says of an older one: RFC 9111 §4.3.4 has what is stored updated.
#[test]
fn a_304_is_about_nothing_that_is_not_stored_any_more() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&OLD, "old"));
    scene.clock.forward(65);
    let mut slow: Vec<_> = (0..3).map(|_| scene.ask(get("/"))).collect();
    for asking in &mut slow {
        assert!(asking.poll().is_pending());
    }
    let (_, late) = scene.app_asked().unwrap();
    scene.clock.forward(11);
    assert_eq!(text(scene.through(get("/"), page(&NEW, "new"))), "new");
    late.send_response(not_modified(&OLD));
    // All of them, by the one answer.
    for asking in &mut slow {
        assert_eq!(text(ready(asking)), "new");
    }
    assert!(scene.app_asked().is_none());
    assert_eq!(text(scene.answer(get("/"))), "new");
}

#[test]
fn a_304_is_for_who_asked_if_what_came_later_is_stale_already() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&OLD, "old"));
    scene.clock.forward(65);
    let mut slow = scene.ask(get("/"));
    assert!(slow.poll().is_pending());
    let (_, late) = scene.app_asked().unwrap();
    scene.clock.forward(11);
    let brief = [("cache-control", "max-age=5"), NEW[1]];
    assert_eq!(text(scene.through(get("/"), page(&brief, "new"))), "new");
    scene.clock.forward(6);
    late.send_response(not_modified(&OLD));
    let answer = ready(&mut slow);
    assert_eq!(
        status(&answer),
        "fwd=stale; fwd-status=304; detail=superseded"
    );
    assert_eq!(text(answer), "old");
    assert!(scene.ask(get("/")).poll().is_pending());
}

#[test]
fn the_head_of_a_page_is_not_that_of_one_that_was_asked_for_later() {
    let mut scene = Scene::new();
    let old = [OLD[0], OLD[1], ("content-length", "3")];
    store(&mut scene, "/", page(&old, "old"));
    scene.clock.forward(65);
    let mut slow = scene.ask(request("HEAD", "/", &[]));
    assert!(slow.poll().is_pending());
    let (_, late) = scene.app_asked().unwrap();
    scene.clock.forward(1);
    assert_eq!(text(scene.through(get("/"), page(&NEW, "new"))), "new");
    late.send_response(page(&old, ""));
    ready(&mut slow);
    assert_eq!(text(scene.answer(get("/"))), "new");
}

#[test]
fn who_is_polled_late_is_given_nothing_that_is_stale_by_then() {
    let mut scene = Scene::new();
    let mut early = scene.ask(get("/"));
    store(
        &mut scene,
        "/",
        page(&[("cache-control", "max-age=5")], "old"),
    );
    scene.clock.forward(60);
    assert!(early.poll().is_pending());
}

#[test]
fn who_is_polled_late_is_joined_from_then_on() {
    let mut scene = Scene::new();
    let mut early = scene.ask(get("/"));
    scene.clock.forward(20);
    assert!(early.poll().is_pending());
    assert!(scene.ask(get("/")).poll().is_pending());
    assert!(scene.app_asked().is_some());
    assert!(scene.app_asked().is_none());
}
