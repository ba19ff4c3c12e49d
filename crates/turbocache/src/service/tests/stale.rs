//! Stale responses: RFC 5861, RFC 9111 §4.2.4.

use std::time::Duration;

use http::StatusCode;

use super::*;
use crate::Scope;

const REVALIDATE: (&str, &str) = ("cache-control", "max-age=60, stale-while-revalidate=30");
const IF_ERROR: (&str, &str) = ("cache-control", "max-age=60, stale-if-error=30");

fn failure(status: u16) -> Response<AppBody> {
    let mut response = page(&[], "down");
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

#[tokio::test]
async fn a_stale_response_is_given_while_it_is_validated_in_the_background() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[REVALIDATE], "old"));
    scene.clock.forward(65);
    for _ in 0..3 {
        let answer = scene.answer(get_with("/", &[("if-none-match", "\"theirs\"")]));
        assert_eq!(status(&answer), "hit; ttl=-5");
        assert_eq!(answer.headers()["age"], "65");
        assert_eq!(text(answer), "old");
    }
    run_background().await;
    let (request, respond) = scene.app_asked().expect("one goes on");
    assert!(!request.headers().contains_key("if-none-match"));
    assert!(scene.app_asked().is_none(), "and never two");
    respond.send_response(page(&[REVALIDATE], "new"));
    run_background().await;
    let answer = scene.answer(get("/"));
    assert_eq!(status(&answer), "hit; ttl=60");
    assert_eq!(text(answer), "new");
    let stats = scene.handle.stats();
    assert_eq!((stats.hits, stats.stale_hits), (4, 3));
    assert_eq!((stats.misses, stats.background), (1, 1));
    assert_eq!((scene.flights(), scene.live()), (0, 0));
}

#[tokio::test]
async fn a_head_is_answered_so_too_and_has_the_page_fetched() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[REVALIDATE], "old"));
    scene.clock.forward(65);
    let answer = scene.answer(request("HEAD", "/", &[]));
    assert_eq!(status(&answer), "hit; ttl=-5");
    run_background().await;
    let (request, respond) = scene.app_asked().unwrap();
    assert_eq!(request.method(), "GET");
    respond.send_response(page(&[REVALIDATE], "new"));
    run_background().await;
    assert_eq!(text(scene.answer(get("/"))), "new");
}

#[tokio::test]
async fn one_who_comes_too_late_for_the_stale_response_waits_for_the_one_in_the_background() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[REVALIDATE], "old"));
    scene.clock.forward(85);
    scene.answer(get("/"));
    scene.clock.forward(6);
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    run_background().await;
    let (_, respond) = scene.app_asked().unwrap();
    assert!(scene.app_asked().is_none());
    respond.send_response(page(&[REVALIDATE], "new"));
    run_background().await;
    assert_eq!(text(ready(&mut asking)), "new");
}

#[tokio::test]
async fn what_fails_in_the_background_is_not_tried_at_each_request() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[REVALIDATE], "old"));
    scene.clock.forward(61);
    for expected in [true, false] {
        assert_eq!(text(scene.answer(get("/"))), "old");
        run_background().await;
        let asked = scene.app_asked();
        assert_eq!(asked.is_some(), expected);
        if let Some((_, respond)) = asked {
            respond.send_error("down");
            run_background().await;
        }
    }
    scene.clock.forward(2);
    assert_eq!(text(scene.answer(get("/"))), "old");
    run_background().await;
    assert!(scene.app_asked().is_some(), "but after a while");
}

#[tokio::test]
async fn nobody_keeps_a_page_stale_by_being_the_first_to_ask_for_it() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[REVALIDATE], "old"));
    scene.clock.forward(61);
    scene.answer(get_with("/", &[("accept", "%%%")]));
    run_background().await;
    let (_, respond) = scene.app_asked().unwrap();
    respond.send_response(failure(400));
    run_background().await;
    scene.clock.forward(2);
    assert_eq!(text(scene.answer(get("/"))), "old");
    run_background().await;
    let (sent, respond) = scene.app_asked().expect("another one has his turn");
    assert!(!sent.headers().contains_key("accept"));
    respond.send_response(page(&[REVALIDATE], "new"));
    run_background().await;
    assert_eq!(text(scene.answer(get("/"))), "new");
}

#[test]
fn without_a_runtime_it_is_validated_in_the_foreground() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[REVALIDATE], "old"));
    scene.clock.forward(65);
    assert_eq!(
        store(&mut scene, "/", page(&[REVALIDATE], "new")),
        "fwd=stale; stored; ttl=60"
    );
}

#[test]
fn a_stale_response_stands_in_for_an_error_where_it_may() {
    let fails = [Some(500), Some(502), Some(503), Some(504), None];
    for fail in fails {
        let mut scene = Scene::new();
        store(&mut scene, "/", page(&[IF_ERROR], "page"));
        scene.clock.forward(67);
        let mut asking: Vec<_> = (0..3).map(|_| scene.ask(get("/"))).collect();
        for asking in &mut asking {
            assert!(asking.poll().is_pending());
        }
        let (_, respond) = scene.app_asked().unwrap();
        assert!(scene.app_asked().is_none());
        match fail {
            Some(status) => respond.send_response(failure(status)),
            None => respond.send_error("down"),
        }
        let fwd_status = fail.map_or(String::new(), |status| format!("; fwd-status={status}"));
        for (at, asking) in asking.iter_mut().enumerate() {
            let answer = ready(asking);
            let collapsed = if at == 0 { "" } else { "; collapsed" };
            assert_eq!(
                status(&answer),
                format!("fwd=stale{fwd_status}{collapsed}; ttl=-7; detail=stale-if-error")
            );
            assert_eq!(answer.status(), 200);
            assert_eq!(text(answer), "page");
        }
        assert_eq!(scene.handle.stats().stale_if_error, 3);
        assert_eq!((scene.flights(), scene.live()), (0, 0));
    }
}

#[test]
fn what_was_purged_meanwhile_stands_in_for_nothing() {
    let purges: [(&dyn Fn(&mut Scene), &str); 3] = [
        (
            &|scene| assert_eq!(scene.handle.purge(&Scope::tag("one")), 1),
            "down",
        ),
        (
            &|scene| assert_eq!(scene.handle.purge_softly(&Scope::tag("one")), 1),
            "page",
        ),
        (
            &|scene| {
                scene.through(request("POST", "/", &[]), page(&[], ""));
            },
            "down",
        ),
    ];
    for (purge, expected) in purges {
        let mut scene = Scene::new();
        store(
            &mut scene,
            "/",
            page(&[IF_ERROR, ("cache-tag", "one")], "page"),
        );
        scene.clock.forward(65);
        let mut asking = scene.ask(get("/"));
        assert!(asking.poll().is_pending());
        let (_, respond) = scene.app_asked().unwrap();
        purge(&mut scene);
        respond.send_response(failure(503));
        assert_eq!(text(ready(&mut asking)), expected);
    }
}

#[test]
fn what_has_come_after_a_purge_stands_in_for_an_error() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[IF_ERROR], "old"));
    scene.clock.forward(65);
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    scene.handle.purge(&Scope::everything());
    store(&mut scene, "/", page(&[IF_ERROR], "new"));
    respond.send_response(failure(503));
    assert_eq!(text(ready(&mut asking)), "new");
}

#[test]
fn an_error_is_passed_on_where_nothing_may_stand_in_for_it() {
    let cases = [
        ("nothing is said", MINUTE, 60, 500),
        ("it has been stale for too long", IF_ERROR, 90, 500),
        (
            "it must be validated",
            (
                "cache-control",
                "max-age=60, stale-if-error=30, must-revalidate",
            ),
            60,
            500,
        ),
        ("it is no such error", IF_ERROR, 60, 404),
    ];
    for (name, field, after, failed) in cases {
        let mut scene = Scene::new();
        store(&mut scene, "/", page(&[field], "page"));
        scene.clock.forward(after);
        let answer = scene.through(get("/"), failure(failed));
        assert_eq!(answer.status(), failed, "{name}");
        assert_eq!(text(answer), "down", "{name}");
    }
}

#[test]
fn a_grace_is_for_what_says_nothing_about_errors() {
    let grace = Duration::from_secs(30);
    for (after, expected) in [(61, 200), (95, 503)] {
        let mut scene = Scene::with(TurboCache::conservative().grace(grace));
        store(&mut scene, "/", page(&[MINUTE], "page"));
        scene.clock.forward(after);
        let answer = scene.through(get("/"), failure(503));
        assert_eq!(answer.status(), expected);
    }
}

#[tokio::test]
async fn a_purge_of_something_else_makes_no_second_fetch_in_the_background() {
    let mut scene = Scene::new();
    let fields = [
        ("cache-control", "max-age=60, stale-while-revalidate=600"),
        ("cache-tag", "mine"),
    ];
    store(&mut scene, "/", page(&fields, "old"));
    scene.clock.forward(65);
    for _ in 0..3 {
        assert_eq!(text(scene.answer(get("/"))), "old");
        scene.handle.purge(&Scope::tag("other"));
    }
    run_background().await;
    assert_eq!(scene.handle.stats().background, 1);
}

#[tokio::test]
async fn what_is_too_long_is_not_read_on_in_the_background() {
    let mut scene = Scene::with(TurboCache::conservative().max_entry_bytes(8));
    let fields = [("cache-control", "max-age=60, stale-while-revalidate=600")];
    store(&mut scene, "/", page(&fields, "old"));
    scene.clock.forward(65);
    assert_eq!(text(scene.answer(get("/"))), "old");
    run_background().await;
    let (_, respond) = scene.app_asked().unwrap();
    let (mut sender, body) = scene.streamed();
    respond.send_response(streaming(&fields, body));
    run_background().await;
    send(&mut sender, "too long for an entry");
    run_background().await;
    assert_eq!(scene.live(), 0);
}

#[tokio::test]
async fn what_panics_in_the_background_is_not_tried_for_each_request() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[REVALIDATE], "old"));
    scene.clock.forward(65);
    for _ in 0..5 {
        *scene.in_call.lock().unwrap() = Some(Box::new(|_| panic!("as it happens")));
        let Poll::Ready(Ok(answer)) = scene.ask(get("/")).poll() else {
            panic!("there is something to give");
        };
        assert_eq!(text(answer), "old");
        run_background().await;
        while scene.app_asked().is_some() {}
    }
    assert_eq!(scene.handle.stats().background, 1);
}

#[tokio::test]
async fn what_hangs_in_the_background_holds_nobody_up() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[REVALIDATE], "old"));
    scene.clock.forward(61);
    assert_eq!(text(scene.answer(get("/"))), "old");
    run_background().await;
    let _hangs = scene.app_asked().unwrap();
    // It is never two, as long as there is something to give.
    scene.clock.forward(25);
    assert_eq!(text(scene.answer(get("/"))), "old");
    run_background().await;
    assert!(scene.app_asked().is_none());

    scene.clock.forward(10);
    assert_eq!(
        store(&mut scene, "/", fresh("new")),
        "fwd=stale; stored; ttl=60"
    );
}

/// Who comes for all of it takes the place of the one that hangs, and leaves: what goes on
/// in the background still does.
#[tokio::test]
async fn it_is_never_two_in_the_background_whoever_comes_in_between() {
    let mut scene = Scene::with(TurboCache::conservative().honour_request_directives(true));
    let stale = ("cache-control", "max-age=5, stale-while-revalidate=600");
    store(&mut scene, "/", page(&[stale], "old"));
    scene.clock.forward(10);
    let mut in_background = Vec::new();
    for _ in 0..3 {
        assert_eq!(text(ready(&mut scene.ask(get("/")))), "old");
        run_background().await;
        in_background.extend(scene.app_asked());
        scene.clock.forward(11);
        let mut insists = scene.ask(get_with("/", &[("cache-control", "no-cache")]));
        assert!(insists.poll().is_pending());
        assert!(scene.app_asked().is_some());
    }
    assert_eq!(in_background.len(), 1);
    // One that comes to its end makes room for the next one.
    let (_, respond) = in_background.pop().unwrap();
    respond.send_response(page(&[stale], "new"));
    run_background().await;
    assert_eq!(text(scene.answer(get("/"))), "new");
    scene.clock.forward(10);
    assert_eq!(text(ready(&mut scene.ask(get("/")))), "new");
    run_background().await;
    assert!(scene.app_asked().is_some());
}
