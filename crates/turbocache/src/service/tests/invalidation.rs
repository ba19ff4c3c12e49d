//! What is not to be given any more: RFC 9111 §4.4, and the handle.

use http::StatusCode;

use super::*;
use crate::Scope;

fn with_status(status: u16, fields: &[(&str, &str)]) -> Response<AppBody> {
    let mut response = page(fields, "");
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn url(url: &str) -> http::Uri {
    url.parse().unwrap()
}

#[test]
fn an_unsafe_request_that_is_not_refused_invalidates_its_target() {
    let cases = [
        ("POST", &[][..], 200, true),
        ("PUT", &[][..], 201, true),
        ("DELETE", &[][..], 204, true),
        ("PATCH", &[][..], 303, true),
        ("FROBNICATE", &[][..], 200, true),
        ("POST", &[][..], 400, false),
        ("POST", &[][..], 500, false),
        ("OPTIONS", &[][..], 200, false),
        (
            "GET",
            &[("x-http-method-override", "DELETE")][..],
            200,
            true,
        ),
        ("HEAD", &[("x-http-method", "merge")][..], 200, true),
        ("GET", &[("x-http-method-override", "GET")][..], 200, false),
        ("GET", &[("x-method-override", "options")][..], 200, false),
        (
            "GET",
            &[
                ("authorization", "Basic YTpi"),
                ("x-http-method-override", "DELETE"),
            ][..],
            200,
            true,
        ),
    ];
    for (method, fields, answered, expected) in cases {
        let mut scene = Scene::new();
        store(&mut scene, "/page?id=1", fresh("page"));
        store(&mut scene, "/page?id=2", fresh("other"));
        let unsafe_request = request(method, "/page?id=1", fields);
        scene.through(unsafe_request, with_status(answered, &[]));
        let mut asking = scene.ask(get("/page?id=1"));
        let is_asked = asking.poll().is_pending();
        assert_eq!(is_asked, expected, "{method} {fields:?} {answered}");
        drop((scene.app_asked(), asking));
        assert_eq!(text(scene.answer(get("/page?id=2"))), "other");
    }
}

/// Anybody can send one, and hardly an application goes by it.
#[test]
fn an_override_of_a_safe_method_removes_nothing() {
    let mut scene = Scene::new();
    let tagged = [MINUTE, ("etag", "\"a\"")];
    store(&mut scene, "/", page(&tagged, "page"));
    let override_it = get_with("/", &[("x-http-method-override", "DELETE")]);
    text(scene.through(override_it, page(&tagged, "page")));
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    let (asked, respond) = scene.app_asked().unwrap();
    assert_eq!(asked.headers()["if-none-match"], "\"a\"");
    respond.send_response(with_status(304, &tagged));
    assert_eq!(text(ready(&mut asking)), "page");
}

#[test]
fn which_methods_do_so_does_not_depend_on_what_the_cache_is_called() {
    for name in ["turbocache", "forum"] {
        let mut scene = Scene::with(TurboCache::conservative().name(name));
        text(scene.through(get("/page"), fresh("page")));
        for (method, left) in [("OPTIONS", 1), ("QUERY", 1), ("POST", 0)] {
            scene.through(request(method, "/page", &[]), with_status(200, &[]));
            assert_eq!(scene.handle.stats().entries, left, "{method} {name}");
        }
    }
}

#[test]
fn so_does_it_with_what_its_answer_refers_to_at_the_same_origin() {
    let cases = [
        ("location", "/topics/7", true),
        ("location", "../topics/7", true),
        ("location", "http://forum.example:80/topics/7#last", true),
        ("content-location", "/topics/7", true),
        ("location", "http://other.example/topics/7", false),
        ("location", "https://forum.example/topics/7", false),
        ("link", "</topics/7>", false),
    ];
    for (name, reference, expected) in cases {
        let mut scene = Scene::new();
        store(&mut scene, "/topics/7", fresh("page"));
        let answer = with_status(303, &[(name, reference)]);
        scene.through(request("POST", "/posts/new", &[]), answer);
        let left = scene.handle.stats().entries;
        assert_eq!(left, u64::from(!expected), "{name}: {reference}");
    }
}

#[test]
fn a_fetch_that_an_invalidation_overtakes_is_not_stored_and_not_joined() {
    let mut scene = Scene::new();
    let mut before = scene.ask(get("/"));
    assert!(before.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();

    scene.through(request("POST", "/", &[]), with_status(200, &[]));
    let mut after = scene.ask(get("/"));
    assert!(after.poll().is_pending());
    let (_, respond_anew) = scene.app_asked().expect("it does not wait for the old one");

    respond.send_response(fresh("before"));
    assert_eq!(text(ready(&mut before)), "before");
    assert_eq!(scene.handle.stats().entries, 0);
    respond_anew.send_response(fresh("after"));
    assert_eq!(text(ready(&mut after)), "after");
    assert_eq!(text(scene.answer(get("/"))), "after");
    assert_eq!((scene.flights(), scene.live()), (0, 0));
}

#[test]
fn those_who_wait_for_it_already_still_get_it() {
    for fields in [&[MINUTE, ("content-length", "4")][..], &[MINUTE][..]] {
        let mut scene = Scene::new();
        let mut asking: Vec<_> = (0..3).map(|_| scene.ask(get("/"))).collect();
        for asking in &mut asking {
            assert!(asking.poll().is_pending());
        }
        let (_, respond) = scene.app_asked().unwrap();
        let (mut sender, body) = scene.streamed();
        respond.send_response(streaming(fields, body));
        let leader = ready(&mut asking[0]);
        let early = asking[1].poll();
        scene.handle.purge(&Scope::everything());
        send(&mut sender, "page");
        drop(sender);
        assert_eq!(text(leader), "page");
        match early {
            Poll::Ready(answer) => assert_eq!(text(answer.unwrap()), "page"),
            Poll::Pending => assert_eq!(text(ready(&mut asking[1])), "page"),
        }
        assert_eq!(text(ready(&mut asking[2])), "page");
        assert!(scene.app_asked().is_none());
        assert_eq!(scene.handle.stats().entries, 0);
    }
}

#[test]
fn a_form_of_whose_answer_nobody_has_heard_makes_its_target_stale() {
    let leaves: [fn(&mut Scene, Asking); 2] = [
        |_, form| drop(form),
        |scene, mut form| {
            scene
                .app_asked()
                .unwrap()
                .1
                .send_error("the connection broke");
            assert!(matches!(form.poll(), Poll::Ready(Err(_))));
        },
    ];
    let long = format!("/{}?id=1", "long".repeat(100));
    for leaves in leaves {
        for path in ["/form", &long] {
            let mut scene = Scene::new();
            store(&mut scene, path, page(&[MINUTE, ("etag", "\"a\"")], "old"));
            let mut form = scene.ask(request("POST", path, &[]));
            assert!(form.poll().is_pending());
            leaves(&mut scene, form);
            while scene.app_asked().is_some() {}
            let mut asking = scene.ask(get(path));
            assert!(asking.poll().is_pending(), "it may have changed");
            let (asked, respond) = scene.app_asked().unwrap();
            assert_eq!(asked.headers()["if-none-match"], "\"a\"");
            respond.send_response(with_status(304, &[MINUTE]));
            assert_eq!(text(ready(&mut asking)), "old", "it has not");
        }
    }
}

#[test]
fn a_form_that_was_never_sent_changes_nothing() {
    let long = format!("/{}?id=1", "long".repeat(100));
    for path in ["/form", &long] {
        let mut scene = Scene::new();
        store(&mut scene, path, fresh("page"));
        scene.app.allow(0);
        let mut form = scene.ask(request("POST", path, &[]));
        assert!(form.poll().is_pending());
        drop(form);
        assert_eq!(text(scene.answer(get(path))), "page", "its client has left");

        let mut form = scene.ask(request("POST", path, &[]));
        assert!(form.poll().is_pending());
        scene.app.send_error("closed");
        assert!(matches!(form.poll(), Poll::Ready(Err(_))));
        drop(form);
        assert_eq!(text(scene.answer(get(path))), "page", "nobody is there");

        scene.app.send_error("closed");
        let mut form = scene.ask(request("POST", path, &[]));
        assert!(matches!(form.poll(), Poll::Ready(Err(_))));
        assert_eq!(
            text(scene.answer(get(path))),
            "page",
            "nor was from the start"
        );
    }
}

#[test]
fn a_form_that_was_sent_when_the_service_was_ready_may_have_changed_something() {
    let mut scene = Scene::new();
    store(&mut scene, "/form", fresh("page"));
    scene.app.allow(0);
    let mut form = scene.ask(request("POST", "/form", &[]));
    assert!(form.poll().is_pending());
    scene.app.allow(1);
    assert!(form.poll().is_pending());
    drop(form);
    assert!(scene.ask(get("/form")).poll().is_pending());
}

/// As soon as somebody hears that nobody has heard.
#[test]
fn what_failed_is_asked_about_as_soon_as_that_is_known() {
    let mut scene = Scene::new();
    store(&mut scene, "/", fresh("page"));
    let mut form = scene.ask(request("POST", "/", &[]));
    assert!(form.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    respond.send_error("broken");
    assert!(matches!(form.poll(), Poll::Ready(Err(_))));
    // Which is still there.
    assert!(scene.ask(get("/")).poll().is_pending());
    drop(form);
}

#[test]
fn a_form_that_was_answered_and_is_dropped_later_changes_nothing_more() {
    let mut scene = Scene::new();
    let mut form = scene.ask(request("POST", "/", &[]));
    assert!(form.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    respond.send_response(with_status(200, &[]));
    ready(&mut form);
    store(&mut scene, "/", fresh("new"));
    drop(form);
    assert_eq!(text(scene.answer(get("/"))), "new");
}

#[test]
fn what_was_stored_while_a_form_was_on_its_way_is_invalid_with_its_answer() {
    let long = format!("/{}?id=1", "long".repeat(100));
    let answers = [(200, &[][..], 1), (303, &[("location", "/topics/7")], 0)];
    for path in ["/form", &long] {
        for (answered, fields, left) in answers {
            let mut scene = Scene::new();
            let mut form = scene.ask(request("POST", path, &[]));
            assert!(form.poll().is_pending());
            let (_, respond) = scene.app_asked().unwrap();
            store(&mut scene, path, fresh("page"));
            store(&mut scene, "/topics/7", fresh("topic"));

            respond.send_response(with_status(answered, fields));
            assert_eq!(ready(&mut form).status(), answered);
            assert_eq!(scene.handle.stats().entries, left, "{path} {answered}");
        }
    }
}

#[test]
fn what_is_asked_for_after_an_invalidation_is_still_fetched_once() {
    let mut scene = Scene::new();
    let mut before = scene.ask(get("/"));
    assert!(before.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    scene.handle.purge(&Scope::everything());
    respond.send_response(fresh("before"));
    assert_eq!(text(ready(&mut before)), "before");

    let mut after: Vec<_> = (0..3).map(|_| scene.ask(get("/"))).collect();
    for asking in &mut after {
        assert!(asking.poll().is_pending());
    }
    let (_, respond) = scene.app_asked().unwrap();
    assert!(scene.app_asked().is_none(), "it was one to share");
    respond.send_response(fresh("after"));
    for asking in &mut after {
        assert_eq!(text(ready(asking)), "after");
    }
}

/// Whether a page is stored whose fetch takes as long as `meanwhile`.
fn is_stored_after(path: &str, meanwhile: impl FnOnce(&mut Scene)) -> bool {
    let mut scene = Scene::new();
    let mut asking = scene.ask(get(path));
    assert!(asking.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    meanwhile(&mut scene);
    respond.send_response(fresh("page"));
    assert_eq!(text(ready(&mut asking)), "page");
    scene.handle.stats().entries == 1
}

#[test]
fn an_invalidation_of_something_else_is_no_reason_not_to_store() {
    // One target in some thousand counts as another one, which one is random.
    for others in [["/b", "/c", "/d"], ["/a?b", "/a?c", "/a?d"]] {
        assert!(others.iter().any(|other| is_stored_after("/a", |scene| {
            scene.through(request("POST", other, &[]), with_status(200, &[]));
        })));
    }
}

/// Anybody can send them, and leave.
#[test]
fn however_many_forms_are_left_a_fetch_of_something_else_is_stored() {
    let mut scene = Scene::new();
    store(&mut scene, "/form", fresh("page"));
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    for _ in 0..2000 {
        let mut form = scene.ask(request("POST", "/form", &[]));
        assert!(form.poll().is_pending());
        drop(form);
        while scene.app_asked().is_some() {}
    }
    respond.send_response(fresh("slow"));
    assert_eq!(text(ready(&mut asking)), "slow");
    assert_eq!(text(scene.answer(get("/"))), "slow");
}

#[test]
fn however_many_forms_are_sent_elsewhere_a_fetch_that_they_overtake_is_stored() {
    // More than the journal remembers; but nothing was ever stored there.
    assert!((0..3).any(|number| is_stored_after("/a", |scene| {
        for _ in 0..1100 {
            let form = request("POST", &format!("/form/{number}"), &[]);
            scene.through(form, with_status(200, &[]));
        }
    })));
}

#[test]
fn what_an_answer_refers_to_is_overtaken_although_it_was_never_stored() {
    for (name, reference) in [("location", "/a?b"), ("content-location", "a?b")] {
        assert!(!is_stored_after("/a?b", |scene| {
            let answer = with_status(303, &[(name, reference)]);
            scene.through(request("POST", "/form", &[]), answer);
        }));
    }
}

#[test]
fn what_is_for_many_queries_is_overtaken_by_what_changes_one_of_them() {
    let mut scene = Scene::new();
    let mut asking = scene.ask(get("/a?b"));
    assert!(asking.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    scene.through(request("POST", "/a?c", &[]), with_status(200, &[]));
    respond.send_response(page(&[MINUTE, ("no-vary-search", "params")], "page"));
    assert_eq!(text(ready(&mut asking)), "page");
    assert_eq!(scene.handle.stats().entries, 0);
}

#[test]
fn groups_are_invalidated_within_their_origin() {
    let groups = ("cache-groups", "\"news\", \"front\"");
    let mut scene = Scene::new();
    store(&mut scene, "/a", page(&[MINUTE, groups], "a"));
    store(
        &mut scene,
        "/b",
        page(&[MINUTE, ("cache-groups", "\"news\"")], "b"),
    );
    store(&mut scene, "/c", fresh("c"));
    let elsewhere = get_with("http://other.example/a", &[("host", "")]);
    let elsewhere = {
        let mut request = elsewhere;
        request.headers_mut().remove("host");
        request
    };
    text(scene.through(elsewhere, page(&[MINUTE, groups], "elsewhere")));

    let answer = with_status(200, &[("cache-group-invalidation", "\"news\"")]);
    scene.through(request("POST", "/publish", &[]), answer);
    assert_eq!(scene.handle.stats().entries, 2);
    assert_eq!(text(scene.answer(get("/c"))), "c");
}

#[test]
fn tags_are_for_the_cache_alone() {
    let mut scene = Scene::new();
    let fields = [
        MINUTE,
        ("surrogate-key", "topic-7 all"),
        ("cache-tag", "front"),
    ];
    let answer = scene.through(get("/a"), page(&fields, "a"));
    assert!(!answer.headers().contains_key("surrogate-key"));
    assert!(!answer.headers().contains_key("cache-tag"));
    text(answer);
    store(
        &mut scene,
        "/b",
        page(&[MINUTE, ("surrogate-key", "all")], "b"),
    );
    let answer = scene.answer(get("/a"));
    assert!(!answer.headers().contains_key("surrogate-key"));
    let answer = scene.through(request("POST", "/", &[]), page(&fields, ""));
    assert!(!answer.headers().contains_key("surrogate-key"));

    assert_eq!(scene.handle.purge(&Scope::tag("front")), 1);
    assert_eq!(text(scene.answer(get("/b"))), "b");
    assert_eq!(scene.handle.purge(&Scope::tag("all")), 1);
    assert_eq!(scene.handle.stats().entries, 0);
    assert_eq!(scene.handle.purge(&Scope::tag("all")), 0);
}

#[test]
fn only_the_variants_with_a_tag_are_purged_by_it() {
    let mut scene = Scene::new();
    for (language, tag) in [("de", "deutsch"), ("fr", "french")] {
        let fields = [MINUTE, ("vary", "accept-language"), ("cache-tag", tag)];
        let request = get_with("/", &[("accept-language", language)]);
        text(scene.through(request, page(&fields, "page")));
    }
    assert_eq!(scene.handle.purge(&Scope::tag("deutsch")), 1);
    let answer = scene.answer(get_with("/", &[("accept-language", "fr")]));
    assert_eq!(status(&answer), "hit; ttl=60");
}

#[test]
fn pages_are_purged_by_their_url() {
    let cases = [
        ("http://forum.example/a?b=1", 1),
        ("http://FORUM.example:80/a?b=1", 1),
        ("/a?b=1", 1),
        ("/a", 0),
        ("/a?b=2", 0),
        ("https://forum.example/a?b=1", 0),
        ("http://other.example/a?b=1", 0),
    ];
    for (name, expected) in cases {
        let mut scene = Scene::new();
        store(&mut scene, "/a?b=1", fresh("page"));
        assert_eq!(
            scene.handle.purge(&Scope::url(&url(name))),
            expected,
            "{name}"
        );
        assert_eq!(scene.handle.stats().entries, 1 - expected, "{name}");
    }
}

#[test]
fn what_has_more_to_its_key_is_found_by_its_url() {
    let mut scene = Scene::new();
    let request = get_with("/a", &[("x-forwarded-host", "www.forum.example")]);
    text(scene.through(request, fresh("page")));
    store(&mut scene, "/a", fresh("page"));
    let scope = Scope::url(&url("http://forum.example/a"));
    assert_eq!(scene.handle.purge(&scope), 2);
    assert_eq!(scene.handle.stats().entries, 0);
}

#[test]
fn pages_are_purged_by_the_beginning_of_their_url() {
    let cases = [
        ("http://forum.example/a/", 2),
        ("http://forum.example/a", 3),
        ("/a/", 2),
        ("http://forum.example/", 4),
        ("http://other.example/", 0),
    ];
    for (prefix, expected) in cases {
        let mut scene = Scene::new();
        for path in ["/a/1", "/a/2?x", "/ab", "/b"] {
            store(&mut scene, path, fresh("page"));
        }
        assert_eq!(
            scene.handle.purge(&Scope::prefix(&url(prefix))),
            expected,
            "{prefix}"
        );
    }
}

#[tokio::test]
async fn what_is_purged_softly_is_given_while_it_is_validated() {
    let mut scene = Scene::new();
    let fields = [MINUTE, ("etag", "\"a\"")];
    store(&mut scene, "/", page(&fields, "old"));
    assert_eq!(scene.handle.purge_softly(&Scope::everything()), 1);
    let answer = scene.answer(get("/"));
    assert_eq!(status(&answer), "hit; ttl=0");
    assert_eq!(text(answer), "old");
    run_background().await;
    let (request, respond) = scene.app_asked().unwrap();
    assert_eq!(request.headers()["if-none-match"], "\"a\"");
    respond.send_response(page(&fields, "new"));
    run_background().await;
    assert_eq!(text(scene.answer(get("/"))), "new");
}

#[tokio::test]
async fn what_was_purged_softly_while_it_was_validated_is_validated_again() {
    let mut scene = Scene::new();
    let fields = [("cache-control", "max-age=60, stale-while-revalidate=60")];
    store(&mut scene, "/", page(&fields, "old"));
    scene.clock.forward(65);
    assert_eq!(text(scene.answer(get("/"))), "old");
    run_background().await;
    let (_, respond) = scene.app_asked().unwrap();
    assert_eq!(scene.handle.purge_softly(&Scope::everything()), 1);
    respond.send_response(page(&fields, "from before"));
    run_background().await;

    assert_eq!(text(scene.answer(get("/"))), "old");
    run_background().await;
    let (_, respond) = scene.app_asked().expect("nothing newer has come of it");
    respond.send_response(page(&fields, "new"));
    run_background().await;
    assert_eq!(text(scene.answer(get("/"))), "new");
}
