//! Asking whether a stored response is still good, and clients that ask the same:
//! RFC 9111 §4.3.

use http::StatusCode;

use super::*;

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
