//! Parts of what is stored: RFC 9110 §14.

use super::*;

#[test]
fn a_part_of_a_stored_response_is_given() {
    let cases = [
        ("bytes=0-3", 206, "some", Some("bytes 0-3/9")),
        ("bytes=-4", 206, "text", Some("bytes 5-8/9")),
        ("bytes=20-", 416, "", Some("bytes */9")),
        ("lines=1-2", 200, "some text", None),
    ];
    let mut scene = Scene::new();
    store(
        &mut scene,
        "/",
        page(&[MINUTE, ("etag", "\"a\"")], "some text"),
    );
    for (range, expected, body, content_range) in cases {
        let answer = scene.answer(get_with("/", &[("range", range)]));
        assert_eq!(status(&answer), "hit; ttl=60", "{range}");
        assert_eq!(answer.status(), expected, "{range}");
        let given = answer.headers().get("content-range");
        assert_eq!(given.map(|range| range.to_str().unwrap()), content_range);
        assert_eq!(
            answer.body().size_hint().exact(),
            Some(body.len() as u64),
            "{range}"
        );
        assert_eq!(text(answer), body, "{range}");
    }
    let fields = [("range", "bytes=0-3"), ("if-range", "\"b\"")];
    assert_eq!(text(scene.answer(get_with("/", &fields))), "some text");
    let fields = [("range", "bytes=0-3"), ("if-none-match", "\"a\"")];
    assert_eq!(scene.answer(get_with("/", &fields)).status(), 304);
}

#[test]
fn several_parts_are_given_in_one_body() {
    let mut scene = Scene::new();
    let fields = [MINUTE, ("content-type", "text/plain")];
    store(&mut scene, "/", page(&fields, "some text"));
    let answer = scene.answer(get_with("/", &[("range", "bytes=0-0,5-5")]));
    assert_eq!(answer.status(), 206);
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .expect("a multipart body");
    let part = |at, text| {
        format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {at}-{at}/9\r\n\r\n{text}\r\n"
        )
    };
    let expected = format!("{}{}--{boundary}--\r\n", part(0, "s"), part(5, "t"));
    assert_eq!(text(answer), expected);
}

#[test]
fn a_part_is_not_fetched_for_others() {
    let mut scene = Scene::new();
    let mut part = page(&[MINUTE, ("content-range", "bytes 0-3/9")], "some");
    *part.status_mut() = http::StatusCode::PARTIAL_CONTENT;
    let answer = scene.through(get_with("/", &[("range", "bytes=0-3")]), part);
    assert_eq!(status(&answer), "fwd=uri-miss; detail=partial");
    assert_eq!(text(answer), "some");
    assert_eq!(scene.handle.stats().entries, 0);
    // And the key may still be collapsed.
    let mut asking = [scene.ask(get("/")), scene.ask(get("/"))];
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    assert!(scene.app_asked().is_some());
    assert!(scene.app_asked().is_none());
}

#[test]
fn one_who_asks_for_a_part_of_something_stale_has_all_of_it_validated() {
    let mut scene = Scene::new();
    store(
        &mut scene,
        "/",
        page(&[MINUTE, ("etag", "\"a\"")], "some text"),
    );
    scene.clock.forward(60);
    let mut asking = scene.ask(get_with("/", &[("range", "bytes=0-3")]));
    assert!(asking.poll().is_pending());
    let (request, respond) = scene.app_asked().unwrap();
    assert!(!request.headers().contains_key("range"));
    let mut not_modified = page(&[MINUTE], "");
    *not_modified.status_mut() = http::StatusCode::NOT_MODIFIED;
    respond.send_response(not_modified);
    let answer = ready(&mut asking);
    assert_eq!(answer.status(), 206);
    assert_eq!(text(answer), "some");
}
