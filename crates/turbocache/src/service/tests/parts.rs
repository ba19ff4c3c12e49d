//! Parts that are stored, and put together: RFC 9111 §3.3 and §3.4.

use http::StatusCode;

use super::*;
use crate::Scope;

const TAG: (&str, &str) = ("etag", "\"a\"");
/// Of "0123456789".
const TEN: &str = "0123456789";

fn scene() -> Scene {
    Scene::with(TurboCache::standard())
}

fn ask(range: &str) -> Ask {
    get_with("/", &[("range", range)])
}

/// The bytes from `first` to `last` of [`TEN`], as an application sends them.
fn part(first: usize, last: usize, fields: &[(&str, &str)]) -> Response<AppBody> {
    let range = format!("bytes {first}-{last}/10");
    let mut all = vec![MINUTE, ("content-range", range.as_str())];
    all.extend(fields);
    let mut response = page(&all, &TEN[first..=last]);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    response
}

/// Asks for `range`, which goes to the application as it is.
fn fetch(scene: &mut Scene, range: &str, response: Response<AppBody>) -> String {
    let answer = scene.through(ask(range), response);
    assert_eq!(answer.status(), 206);
    let said = status(&answer);
    text(answer);
    said
}

#[test]
fn a_part_is_stored_and_what_is_within_it_given_again() {
    let mut scene = scene();
    let said = fetch(&mut scene, "bytes=4-", part(4, 9, &[]));
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
    let cases = [
        ("bytes=4-9", "456789", "bytes 4-9/10"),
        ("bytes=6-8", "678", "bytes 6-8/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
    ];
    for (range, expected, content_range) in cases {
        let answer = scene.answer(ask(range));
        assert_eq!(status(&answer), "hit; ttl=60", "{range}");
        assert_eq!(answer.status(), 206, "{range}");
        assert_eq!(answer.headers()["content-range"], content_range, "{range}");
        assert_eq!(text(answer), expected, "{range}");
    }
}

#[test]
fn a_conservative_cache_stores_no_parts() {
    let mut scene = Scene::new();
    let said = fetch(&mut scene, "bytes=4-", part(4, 9, &[]));
    assert_eq!(said, "fwd=uri-miss; detail=partial");
}

#[test]
fn what_is_missing_is_fetched_and_put_together() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    let (request, respond) = scene.app_asked().unwrap();
    assert_eq!(request.headers()["range"], "bytes=5-");
    assert_eq!(request.headers()["if-range"], TAG.1);
    respond.send_response(part(5, 9, &[TAG, ("x-new", "1")]));
    let answer = ready(&mut asking);
    assert_eq!(
        status(&answer),
        "fwd=partial; fwd-status=206; stored; ttl=60"
    );
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-length"], "10");
    assert_eq!(answer.headers()["x-new"], "1");
    assert!(!answer.headers().contains_key("content-range"));
    assert_eq!(text(answer), TEN);

    let answer = scene.answer(get("/"));
    assert_eq!(status(&answer), "hit; ttl=60", "it is whole now");
    assert_eq!(text(answer), TEN);
    assert_eq!(
        scene.answer(request_head()).headers()["content-length"],
        "10"
    );
}

fn request_head() -> Ask {
    request("HEAD", "/", &[])
}

#[test]
fn parts_that_were_asked_for_one_by_one_come_together() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-3", part(0, 3, &[TAG]));
    let mut asking = scene.ask(ask("bytes=2-6"));
    assert!(asking.poll().is_pending());
    let (request, respond) = scene.app_asked().unwrap();
    assert_eq!(request.headers()["range"], "bytes=4-6");
    respond.send_response(part(4, 6, &[TAG]));
    let answer = ready(&mut asking);
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.headers()["content-range"], "bytes 2-6/10");
    assert_eq!(text(answer), "23456");
    assert_eq!(text(scene.answer(ask("bytes=0-6"))), "0123456");
}

#[test]
fn parts_of_which_nothing_tells_that_they_belong_together_do_not_come_together() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-3", part(0, 3, &[]));
    let mut asking = scene.ask(ask("bytes=4-9"));
    assert!(asking.poll().is_pending());
    let (request, respond) = scene.app_asked().unwrap();
    assert_eq!(request.headers()["range"], "bytes=4-9", "as it was asked");
    respond.send_response(part(4, 9, &[]));
    assert_eq!(text(ready(&mut asking)), "456789");
    assert_eq!(text(scene.answer(ask("bytes=4-9"))), "456789");
    let mut asking = scene.ask(ask("bytes=0-3"));
    assert!(asking.poll().is_pending(), "the newer one is stored");
}

/// Each of them was in what is purged when it came.
#[test]
fn what_came_together_is_purged_by_the_tags_of_each_part() {
    for tags in [&["a", "b"][..], &["b", "a"], &["a", ""], &["", "a"]] {
        let mut scene = scene();
        for (tag, (first, last)) in tags.iter().zip([(0, 3), (4, 9)]) {
            let part = part(first, last, &[TAG, ("surrogate-key", tag)]);
            fetch(&mut scene, &format!("bytes={first}-{last}"), part);
        }
        assert_eq!(text(scene.answer(get("/"))), TEN);
        assert_eq!(scene.handle.purge(&Scope::tag("a")), 1, "{tags:?}");
        assert!(scene.ask(get("/")).poll().is_pending());
    }
}

#[test]
fn a_new_representation_takes_the_place_of_the_parts_of_the_old_one() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
    let answer = scene.through(get("/"), page(&[MINUTE, ("etag", "\"b\"")], "new"));
    assert_eq!(status(&answer), "fwd=partial; stored; ttl=60");
    assert_eq!(text(answer), "new");
    assert_eq!(text(scene.answer(get("/"))), "new");
}

#[test]
fn what_does_not_fit_in_is_no_answer() {
    let other = [("etag", "\"b\"")];
    let mut unsatisfied = page(&[("content-range", "bytes */3")], "");
    *unsatisfied.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    let mut not_modified = page(&[TAG], "");
    *not_modified.status_mut() = StatusCode::NOT_MODIFIED;
    let cases = [
        ("another representation", part(5, 9, &other)),
        ("not all that is missing", part(5, 8, &[TAG])),
        ("it has become shorter", unsatisfied),
        ("nobody asked that", not_modified),
    ];
    for (name, response) in cases {
        let mut scene = scene();
        fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
        let answer = scene.through(get("/"), response);
        assert_eq!(answer.status(), 502, "{name}");
        assert_eq!(text(answer), "", "{name}");
    }
}

#[test]
fn what_may_not_be_stored_any_more_is_still_put_together_once() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
    let mut response = part(5, 9, &[TAG]);
    response
        .headers_mut()
        .insert("cache-control", "no-store".parse().unwrap());
    let answer = scene.through(get("/"), response);
    assert_eq!(answer.status(), 200);
    assert_eq!(text(answer), TEN);
    assert_eq!(scene.handle.stats().entries, 0);
}

#[test]
fn what_is_purged_while_it_is_completed_is_still_put_together_once() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    let (_, respond) = scene.app_asked().unwrap();
    scene.handle.clear();
    respond.send_response(part(5, 9, &[TAG]));
    let answer = ready(&mut asking);
    assert_eq!(answer.status(), 200);
    assert_eq!(text(answer), TEN);
    assert_eq!(scene.handle.stats().entries, 0);
}

#[test]
fn an_error_is_passed_on_and_what_is_stored_stays() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
    let mut response = page(&[], "down");
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let answer = scene.through(get("/"), response);
    assert_eq!(answer.status(), 503);
    assert_eq!(text(answer), "down");
    assert_eq!(text(scene.answer(ask("bytes=0-4"))), "01234");
}

#[test]
fn a_part_does_not_take_the_place_of_what_is_whole() {
    let mut scene = scene();
    text(scene.through(get("/"), page(&[MINUTE], TEN)));
    scene.clock.forward(60);
    let said = fetch(&mut scene, "bytes=0-4", part(0, 4, &[]));
    assert_eq!(said, "fwd=stale; stored; ttl=60");
    assert_eq!(scene.handle.stats().entries, 1);
    let mut asking = scene.ask(ask("bytes=0-4"));
    assert!(asking.poll().is_pending());
}

#[test]
fn a_part_that_breaks_off_is_as_good_as_it_is_long() {
    let mut scene = scene();
    let (mut sender, body) = scene.streamed();
    let fields = [MINUTE, TAG, ("content-range", "bytes 0-9/10")];
    let mut response = streaming(&fields, body);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let mut reading = Reading::new(scene.through(ask("bytes=0-9"), response));
    send(&mut sender, "0123");
    drop(sender);
    while !matches!(reading.next(), Piece::End | Piece::Error(_)) {}
    let answer = scene.answer(ask("bytes=1-3"));
    assert_eq!(text(answer), "123");
}

/// Or whoever asks for a byte of a page has each of its readers ask the application.
#[test]
fn those_who_come_while_what_is_missing_is_fetched_are_collapsed() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
    let mut asking: Vec<_> = (0..4).map(|_| scene.ask(get("/"))).collect();
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    let (rest, respond_with_rest) = scene.app_asked().unwrap();
    assert_eq!(rest.headers()["range"], "bytes=5-");
    let (all, respond_with_all) = scene.app_asked().unwrap();
    assert!(!all.headers().contains_key("range"));
    assert!(scene.app_asked().is_none());
    respond_with_all.send_response(page(&[MINUTE, TAG], TEN));
    for asking in &mut asking[1..] {
        assert_eq!(text(ready(asking)), TEN);
    }
    respond_with_rest.send_response(part(5, 9, &[TAG]));
    assert_eq!(text(ready(&mut asking[0])), TEN);
    assert_eq!(text(scene.answer(get("/"))), TEN);
}

#[test]
fn who_leaves_while_what_is_missing_is_fetched_keeps_nobody_from_it() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
    for _ in 0..2 {
        assert!(scene.ask(get("/")).poll().is_pending());
        let (rest, _) = scene.app_asked().unwrap();
        assert_eq!(rest.headers()["range"], "bytes=5-");
    }
}

/// RFC 9110 §15.3.7: a 206 to `If-Range` leaves out what its client has been told before.
#[test]
fn what_is_for_one_who_has_another_part_is_not_stored_for_others() {
    for (range, last) in [("bytes=0-4", 4), ("bytes=0-9", 9)] {
        let mut scene = scene();
        let asked = get_with("/", &[("range", range), ("if-range", TAG.1)]);
        let answer = scene.through(asked, part(0, last, &[TAG]));
        assert_eq!(status(&answer), "fwd=uri-miss; detail=partial");
        assert!(scene.ask(ask(range)).poll().is_pending());
    }
}

#[test]
fn nor_does_it_take_fields_away_from_what_is_stored() {
    let mut scene = scene();
    let coded = [TAG, ("content-encoding", "gzip")];
    fetch(&mut scene, "bytes=0-4", part(0, 4, &coded));
    scene.clock.forward(60);
    let asked = get_with("/", &[("range", "bytes=5-9"), ("if-range", TAG.1)]);
    text(scene.through(asked, part(5, 9, &[TAG])));
    assert!(scene.ask(get("/")).poll().is_pending());
}

/// RFC 9110 §6.6.1: what has no `Date` has come now. As from file servers, which say when
/// a file was changed, and leave the rest to their server.
#[test]
fn parts_that_say_nothing_but_when_they_were_changed_come_together() {
    let mut scene = scene();
    let changed = [("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT")];
    fetch(&mut scene, "bytes=0-4", part(0, 4, &changed));
    let mut asking = scene.ask(get("/"));
    assert!(asking.poll().is_pending());
    let (request, respond) = scene.app_asked().unwrap();
    assert_eq!(request.headers()["if-range"], changed[0].1);
    respond.send_response(part(5, 9, &changed));
    let answer = ready(&mut asking);
    assert_eq!(answer.status(), 200);
    assert_eq!(text(answer), TEN);
}

/// RFC 9530 §2: it is of what was sent.
#[test]
fn the_digest_of_a_part_is_not_that_of_the_whole() {
    let mut scene = scene();
    let digest = ("content-digest", "sha-256=:cGFydA==:");
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG, digest]));
    let answer = scene.through(get("/"), part(5, 9, &[TAG]));
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("content-digest"));
    assert_eq!(text(answer), TEN);
}

#[test]
fn a_part_that_is_shorter_than_it_says_is_not_the_whole() {
    let mut scene = scene();
    let mut response = part(0, 9, &[TAG, ("content-length", "5")]);
    *response.body_mut() = page(&[], "01234").into_body();
    text(scene.through(ask("bytes=0-"), response));
    assert!(scene.ask(get("/")).poll().is_pending());
}

/// RFC 9110 §14.2: a range means something to a `GET` alone.
#[test]
fn a_head_is_not_answered_by_a_part() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
    for fields in [&[][..], &[("range", "bytes=0-1")]] {
        assert!(scene.ask(request("HEAD", "/", fields)).poll().is_pending());
    }
}

#[test]
fn what_is_put_together_and_not_stored_is_not_said_to_be() {
    let mut scene = scene();
    fetch(&mut scene, "bytes=0-4", part(0, 4, &[TAG]));
    let mut response = part(5, 9, &[TAG]);
    let no_store = "no-store".parse().unwrap();
    response.headers_mut().insert("cache-control", no_store);
    let answer = scene.through(get("/"), response);
    assert_eq!(status(&answer), "fwd=partial; fwd-status=206");
    assert_eq!(text(answer), TEN);
}
