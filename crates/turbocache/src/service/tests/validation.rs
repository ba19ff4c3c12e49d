//! Asking whether a stored response is still good, and clients that ask the same:
//! RFC 9111 §4.3.

use http::StatusCode;

use super::*;
use crate::Scope;

const TAG: (&str, &str) = ("etag", "\"a\"");

fn tagged(text: &'static str) -> Response<AppBody> {
    page(&[MINUTE, TAG], text)
}

fn not_modified(fields: &[(&str, &str)]) -> Response<AppBody> {
    let mut response = page(fields, "");
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

/// A page that has been stored, and is stale.
fn stale(response: Response<AppBody>) -> Scene {
    let mut scene = Scene::new();
    store(&mut scene, "/", response);
    scene.clock.forward(60);
    scene
}

#[test]
fn a_stale_response_is_validated_by_its_tag_and_its_date() {
    let date = ("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT");
    let mut scene = stale(page(&[MINUTE, TAG, date], "page"));
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    let (request, respond) = scene.app_asked().unwrap();
    assert_eq!(request.headers()["if-none-match"], TAG.1);
    assert_eq!(request.headers()["if-modified-since"], date.1);
    respond.send_response(not_modified(&[MINUTE, TAG, ("x-new", "1")]));

    let answer = ready(&mut asking);
    assert_eq!(status(&answer), "fwd=stale; fwd-status=304; stored; ttl=60");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-new"], "1");
    assert_eq!(answer.headers()["content-length"], "4");
    assert_eq!(text(answer), "page");

    let answer = scene.answer(get("/"));
    assert_eq!(status(&answer), "hit; ttl=60");
    assert_eq!(answer.headers()["age"], "0");
    assert_eq!(answer.headers()["x-new"], "1");
    assert_eq!(text(answer), "page");
    let stats = scene.handle.stats();
    assert_eq!((stats.validated, stats.entries), (1, 1));
}

#[test]
fn a_new_response_replaces_the_one_that_was_not_good_any_more() {
    let mut scene = stale(tagged("old"));
    let said = store(&mut scene, "/", page(&[MINUTE, ("etag", "\"b\"")], "new"));
    assert_eq!(said, "fwd=stale; stored; ttl=60");
    assert_eq!(text(scene.answer(get("/"))), "new");
}

#[test]
fn those_who_wait_for_a_validation_all_get_what_is_stored() {
    let mut scene = stale(tagged("page"));
    let mut asking: Vec<_> = (0..10).map(|_| scene.ask(get("/"))).collect();
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    let (_, respond) = scene.app_asked().unwrap();
    assert!(scene.app_asked().is_none());
    respond.send_response(not_modified(&[MINUTE, TAG]));
    for (at, asking) in asking.iter_mut().enumerate() {
        let answer = ready(asking);
        let last = if at == 0 {
            "stored; ttl=60"
        } else {
            "collapsed"
        };
        assert_eq!(
            status(&answer),
            format!("fwd=stale; fwd-status=304; {last}")
        );
        assert_eq!(text(answer), "page");
    }
    let stats = scene.handle.stats();
    assert_eq!((stats.misses, stats.collapsed), (2, 9));
    assert_eq!((scene.flights(), scene.live()), (0, 0));
}

#[test]
fn the_preconditions_of_a_client_are_kept_apart_from_those_of_the_cache() {
    let cases = [
        ("it has what is stored", "\"a\"", 304),
        ("it has something else", "\"other\"", 200),
    ];
    for (name, theirs, expected) in cases {
        let mut scene = stale(tagged("page"));
        let mut asking = scene.ask(get_with("/", &[("if-none-match", theirs)]));
        assert!(asking.poll().is_pending());
        let (request, respond) = scene.app_asked().unwrap();
        let sent: Vec<_> = request.headers().get_all("if-none-match").iter().collect();
        assert_eq!(sent, ["\"a\""], "{name}");
        respond.send_response(not_modified(&[MINUTE]));
        let answer = ready(&mut asking);
        assert_eq!(answer.status(), expected, "{name}");
        let body = if expected == 200 { "page" } else { "" };
        assert_eq!(text(answer), body, "{name}");
        assert_eq!(text(scene.answer(get("/"))), "page", "{name}");
    }
}

#[tokio::test]
async fn what_a_client_turns_out_to_have_already_is_stored_for_the_others() {
    let mut scene = stale(tagged("old"));
    let mut asking = scene.ask(get_with("/", &[("if-none-match", "\"b\"")]));
    assert!(asking.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    respond.send_response(page(&[MINUTE, ("etag", "\"b\"")], "new"));
    let answer = ready(&mut asking);
    assert_eq!(status(&answer), "fwd=stale; fwd-status=200; stored; ttl=60");
    assert_eq!(answer.status(), 304);
    assert_eq!(text(answer), "");
    // The task that reads the rest.
    tokio::task::yield_now().await;
    assert_eq!(text(scene.answer(get("/"))), "new");
}

#[test]
fn a_client_that_has_what_is_stored_is_told_so() {
    let date = ("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT");
    let cases = [
        ("its tag", ("if-none-match", "\"x\", W/\"a\""), 304),
        ("any", ("if-none-match", "*"), 304),
        ("another tag", ("if-none-match", "\"b\""), 200),
        ("its date", ("if-modified-since", date.1), 304),
        (
            "an older date",
            ("if-modified-since", "Fri, 04 Nov 1994 08:49:37 GMT"),
            200,
        ),
    ];
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[MINUTE, TAG, date], "page"));
    for (name, field, expected) in cases {
        let answer = scene.answer(get_with("/", &[field]));
        assert_eq!(status(&answer), "hit; ttl=60", "{name}");
        assert_eq!(answer.status(), expected, "{name}");
        assert_eq!(answer.headers()["etag"], TAG.1, "{name}");
        if expected == 304 {
            assert!(!answer.headers().contains_key("content-length"), "{name}");
            assert!(answer.body().is_end_stream(), "{name}");
        }
    }
}

#[test]
fn what_must_be_validated_each_time_is_shared_with_nobody() {
    let fields = [("cache-control", "no-cache"), TAG];
    let mut scene = Scene::new();
    assert_eq!(
        store(&mut scene, "/", page(&fields, "page")),
        "fwd=uri-miss; stored; ttl=0"
    );
    let mut asking: Vec<_> = (0..2).map(|_| scene.ask(get("/"))).collect();
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
        let (request, respond) = scene.app_asked().expect("each asks by itself");
        assert_eq!(request.headers()["if-none-match"], TAG.1);
        respond.send_response(not_modified(&fields));
        let answer = ready(asking);
        assert_eq!(status(&answer), "fwd=stale; fwd-status=304; stored; ttl=0");
        assert_eq!(text(answer), "page");
    }
}

#[test]
fn what_a_304_says_not_to_store_is_given_once_more_and_forgotten() {
    let mut scene = stale(tagged("page"));
    let answer = scene.through(
        get("/"),
        not_modified(&[("cache-control", "no-store"), TAG]),
    );
    assert_eq!(status(&answer), "fwd=stale; detail=no-store");
    assert_eq!(answer.status(), 200);
    assert_eq!(text(answer), "page");
    assert_eq!(scene.handle.stats().entries, 0);
}

#[test]
fn after_a_304_about_something_else_the_application_is_asked_for_what_it_has() {
    let mut scene = stale(tagged("page"));
    let answer = scene.through(get("/"), not_modified(&[MINUTE, ("etag", "\"b\"")]));
    assert_eq!(
        status(&answer),
        "fwd=stale; fwd-status=304; detail=validator"
    );
    assert_eq!(answer.headers()["etag"], TAG.1);
    assert_eq!(text(answer), "page");

    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    let (sent, respond) = scene.app_asked().unwrap();
    assert!(!sent.headers().contains_key("if-none-match"));
    respond.send_response(tagged("new"));
    let answer = ready(&mut asking);
    assert_eq!(status(&answer), "fwd=uri-miss; stored; ttl=60");
    assert_eq!(text(answer), "new");
}

#[test]
fn a_304_that_an_invalidation_has_overtaken_does_not_bring_back_what_was_removed() {
    let mut scene = stale(tagged("page"));
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    scene.handle.clear();
    let (_, respond) = scene.app_asked().unwrap();
    respond.send_response(not_modified(&[MINUTE, TAG]));
    let answer = ready(&mut asking);
    assert_eq!(status(&answer), "fwd=stale; fwd-status=304; detail=cleared");
    assert_eq!(text(answer), "page");
    assert_eq!(scene.handle.stats().entries, 0);
}

#[test]
fn a_head_that_wants_nothing_stored_takes_nothing_away() {
    let mut scene = stale(page(
        &[("cache-control", "max-age=60, stale-if-error=60"), TAG],
        "page",
    ));
    let head = request("HEAD", "/", &[("cache-control", "no-store")]);
    let answer = scene.through(head, page(&[MINUTE, ("etag", "\"b\"")], ""));
    assert_eq!(status(&answer), "fwd=stale; detail=head");
    assert_eq!(scene.handle.stats().entries, 1);
}

#[test]
fn a_head_freshens_a_stored_get_if_it_is_still_the_same() {
    let mut scene = stale(tagged("page"));
    let head = || request("HEAD", "/", &[]);
    let answer = scene.through(head(), page(&[MINUTE, TAG, ("x-new", "1")], ""));
    assert_eq!(status(&answer), "fwd=stale; detail=head");
    let answer = scene.answer(get("/"));
    assert_eq!(status(&answer), "hit; ttl=60");
    assert_eq!(answer.headers()["x-new"], "1");
    assert_eq!(text(answer), "page");

    scene.clock.forward(60);
    scene.through(head(), page(&[MINUTE, ("etag", "\"b\"")], ""));
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending(), "it has changed");
}

#[tokio::test]
async fn what_is_too_long_is_not_read_on_for_a_client_that_has_it() {
    let mut scene = Scene::with(TurboCache::conservative().max_entry_bytes(8));
    store(&mut scene, "/", page(&[MINUTE, TAG], "old"));
    scene.clock.forward(60);
    let newer = [MINUTE, ("etag", "\"b\"")];
    let (mut sender, body) = scene.streamed();
    let asked = get_with("/", &[("if-none-match", "\"b\"")]);
    let answer = scene.through(asked, streaming(&newer, body));
    assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    drop(answer);
    send(&mut sender, "too long for an entry");
    run_background().await;
    assert_eq!(scene.live(), 0);
}

/// RFC 9111 §3.2: what the answer does not say stays as it is.
#[test]
fn what_is_called_by_groups_and_tags_keeps_those_that_it_is_not_told_anew() {
    let (groups, tag) = (("cache-groups", "\"g\""), ("surrogate-key", "a"));
    for method in ["GET", "HEAD"] {
        for (told, groups_left, tag_left) in [
            (&[][..], 1, 1),
            (&[groups][..], 1, 1),
            (&[tag], 1, 1),
            (&[("cache-groups", "\"other\"")], 0, 1),
            (&[("cache-tag", "other")], 1, 0),
        ] {
            for (is_purged, left) in [(false, groups_left), (true, tag_left)] {
                let mut scene = Scene::new();
                store(&mut scene, "/", page(&[MINUTE, TAG, groups, tag], "page"));
                scene.clock.forward(60);
                let mut fields = vec![MINUTE, TAG];
                fields.extend(told);
                let mut answer = page(&fields, "");
                if method == "GET" {
                    *answer.status_mut() = StatusCode::NOT_MODIFIED;
                }
                text(scene.through(request(method, "/", &[]), answer));
                assert_eq!(scene.handle.stats().entries, 1);
                if is_purged {
                    scene.handle.purge(&Scope::tag("a"));
                } else {
                    let invalidates = page(&[("cache-group-invalidation", "\"g\"")], "");
                    text(scene.through(request("POST", "/other", &[]), invalidates));
                }
                let entries = scene.handle.stats().entries;
                assert_eq!(entries, 1 - left, "{method} {told:?} {is_purged}");
            }
        }
    }
}

/// RFC 9110 §7.6.1 would have it taken away before it is stored.
#[test]
fn it_varies_as_before_whatever_the_connection_is_said_to_have() {
    let mut scene = Scene::new();
    let ask = |x| get_with("/", &[("x", x)]);
    let fields = [MINUTE, TAG, ("vary", "x"), ("connection", "vary")];
    text(scene.through(ask("1"), page(&fields, "one")));
    scene.clock.forward(60);
    text(scene.through(ask("1"), not_modified(&[MINUTE, TAG])));
    assert_eq!(text(scene.answer(ask("1"))), "one");
    assert!(scene.ask(ask("2")).poll().is_pending());
}

#[test]
fn what_says_to_leave_out_by_what_it_was_chosen_is_not_stored() {
    let mut scene = Scene::with(TurboCache::standard());
    let fields = [
        ("cache-control", "max-age=60, private=\"vary\""),
        ("vary", "x"),
    ];
    let said = store(&mut scene, "/", page(&fields, "page"));
    assert_eq!(said, "fwd=uri-miss; detail=vary");
}

#[test]
fn what_a_304_says_to_its_client_alone_reaches_it_and_nobody_else() {
    let mut scene = Scene::with(TurboCache::standard());
    let control = ("cache-control", "max-age=60, private=\"set-cookie\"");
    store(
        &mut scene,
        "/",
        page(&[control, TAG, ("set-cookie", "a=1")], "page"),
    );
    scene.clock.forward(60);
    let answer = not_modified(&[control, TAG, ("set-cookie", "a=2")]);
    let answer = scene.through(get("/"), answer);
    assert_eq!(answer.headers()["set-cookie"], "a=2");
    assert_eq!(text(answer), "page");
    assert!(scene.ask(get("/")).poll().is_pending());
}

/// Nothing is guessed of what is for someone with a cookie. But he may be told that what
/// was guessed before is still good.
#[test]
fn what_was_guessed_is_good_for_longer_and_gets_no_fields_of_one_with_a_cookie() {
    let changed = ("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT");
    for method in ["GET", "HEAD"] {
        let mut scene = Scene::with(TurboCache::standard());
        store(&mut scene, "/", page(&[changed, TAG], "page"));
        scene.clock.forward(24 * 60 * 60);
        let mut answer = page(&[changed, TAG, ("x-user", "bob")], "");
        if method == "GET" {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let bob = request(method, "/", &[("cookie", "session=bob")]);
        text(scene.through(bob, answer));
        let answer = scene.answer(get("/"));
        assert!(!answer.headers().contains_key("x-user"), "{method}");
        assert_eq!(text(answer), "page");
    }
}

/// RFC 9110 §13.1.3: "MUST ignore […] the field value has more than one member".
#[test]
fn what_a_client_says_twice_of_when_it_has_come_is_not_heard() {
    let mut scene = Scene::new();
    let date = "Sat, 05 Nov 1994 08:49:37 GMT";
    store(
        &mut scene,
        "/",
        page(&[MINUTE, ("last-modified", date)], "page"),
    );
    let since = ("if-modified-since", date);
    assert_eq!(scene.answer(get_with("/", &[since])).status(), 304);
    assert_eq!(scene.answer(get_with("/", &[since, since])).status(), 200);
}
