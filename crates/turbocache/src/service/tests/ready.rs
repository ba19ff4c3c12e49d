//! Answers that are made already, of pages that are asked for often.

use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::Full;

use super::*;
use crate::store::MemoryStore;

/// A page that has been asked for so often that the next answer is one that is made
/// already.
fn often_asked_for(scene: &mut Scene, fields: &[(&str, &str)]) {
    store(scene, "/", page(fields, "some text"));
    for _ in 0..3 {
        scene.answer(get("/"));
    }
}

/// Where the bytes are that an answer consists of.
fn place(answer: Answer) -> *const u8 {
    let Poll::Ready(body) = Task::new(answer.into_body().collect()).poll() else {
        panic!("all of it is there");
    };
    body.unwrap().to_bytes().as_ptr()
}

#[test]
fn it_is_the_one_that_would_be_made() {
    let nanos = Duration::from_nanos;
    let mut scenes = [
        Scene::new(),
        // Nothing is near at hand here.
        Scene::over(MemoryStore::new(1 << 20, 64)),
    ];
    let fields = [
        ("cache-control", "max-age=10"),
        ("age", "3"),
        ("etag", "\"a\""),
        ("x-of-its-own", "1"),
        ("x-of-its-own", "2"),
    ];
    for scene in &mut scenes {
        often_asked_for(scene, &fields);
    }
    let asked: [&[(&str, &str)]; 6] = [
        &[],
        &[],
        &[("if-none-match", "\"b\", \"a\"")],
        &[("if-none-match", "\"b\"")],
        &[("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")],
        &[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")],
    ];
    let steps = [
        nanos(0),
        nanos(1),
        nanos(999_999_998),
        nanos(1),
        nanos(1),
        nanos(500_000_000),
        nanos(499_999_998),
        nanos(1),
        nanos(1_000_000_000),
        nanos(2_999_999_999),
        nanos(1),
        nanos(999_999_999),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        for scene in &scenes {
            scene.clock.forward_by(step);
        }
        // The first of them is looked up in the store again, if it is time.
        for fields in asked {
            let answers = scenes.each_mut();
            let [near, other] = answers.map(|scene| scene.answer(get_with("/", fields)));
            assert_eq!(near.headers(), other.headers(), "{number} {fields:?}");
            assert_eq!(status(&near), status(&other), "{number} {fields:?}");
            assert_eq!(near.status(), other.status(), "{number} {fields:?}");
            assert_eq!(text(near), text(other), "{number} {fields:?}");
        }
    }
    // They have been stored for seven seconds now, and were three seconds old.
    for scene in &mut scenes {
        assert!(
            scene.ask(get("/")).poll().is_ready(),
            "a nanosecond is left"
        );
        scene.clock.forward_by(nanos(1));
        assert!(scene.ask(get("/")).poll().is_pending());
    }
}

#[test]
fn its_body_is_one_of_the_thread_that_asks() {
    let mut scene = Scene::new();
    store(&mut scene, "/", page(&[MINUTE], "some text"));
    let stored = place(scene.answer(get("/")));
    scene.answer(get("/"));
    let near = place(scene.answer(get("/")));
    assert_ne!(near, stored);
    assert_eq!(place(scene.answer(get("/"))), near);
}

#[test]
fn who_asks_for_something_else_does_not_get_it() {
    let cases: [(&str, &[(&str, &str)], Method, StatusCode, &str); 5] = [
        ("its head", &[], Method::HEAD, StatusCode::OK, ""),
        (
            "a part of it",
            &[("range", "bytes=0-3")],
            Method::GET,
            StatusCode::PARTIAL_CONTENT,
            "some",
        ),
        (
            "whether it is what the client has",
            &[("if-none-match", "\"a\"")],
            Method::GET,
            StatusCode::NOT_MODIFIED,
            "",
        ),
        (
            "only what is cached",
            &[("cache-control", "only-if-cached")],
            Method::GET,
            StatusCode::OK,
            "some text",
        ),
        (
            "the page, with a cookie",
            &[("cookie", "a=b")],
            Method::GET,
            StatusCode::OK,
            "some text",
        ),
    ];
    let mut scene = Scene::new();
    often_asked_for(&mut scene, &[MINUTE, ("etag", "\"a\"")]);
    for (name, fields, method, expected, content) in cases {
        let answer = scene.answer(request(method.as_str(), "/", fields));
        assert_eq!(answer.status(), expected, "{name}");
        assert_eq!(text(answer), content, "{name}");
        let answer = scene.answer(get("/"));
        assert_eq!(answer.status(), StatusCode::OK, "after {name}");
        assert_eq!(text(answer), "some text", "after {name}");
    }
}

#[test]
fn who_may_not_have_it_does_not_get_it() {
    let cases: [(&str, &[(&str, &str)]); 3] = [
        (
            "it is for nobody with a password",
            &[("authorization", "x")],
        ),
        ("it is not young enough", &[("cache-control", "max-age=0")]),
        (
            "it is not fresh for long enough",
            &[("cache-control", "min-fresh=61")],
        ),
    ];
    let cache = TurboCache::standard().honour_request_directives(true);
    let mut scene = Scene::with(cache);
    often_asked_for(&mut scene, &[MINUTE]);
    scene.clock.forward(1);
    for (name, fields) in cases {
        scene.answer(get("/"));
        let mut asking = scene.ask(get_with("/", fields));
        assert!(asking.poll().is_pending(), "{name}");
        assert!(scene.app_asked().is_some(), "{name}");
    }
}

#[test]
fn it_is_one_of_those_that_the_request_selects() {
    let mut scene = Scene::new();
    let fields = [MINUTE, ("vary", "accept-language")];
    for language in ["de", "en"] {
        let ask = get_with("/", &[("accept-language", language)]);
        let body = Full::from(language).map_err(Into::into).boxed_unsync();
        text(scene.through(ask, streaming(&fields, body)));
    }
    for _ in 0..10 {
        for language in ["de", "en"] {
            let ask = get_with("/", &[("accept-language", language)]);
            assert_eq!(text(scene.answer(ask)), language);
        }
    }
    assert!(
        scene.ask(get("/")).poll().is_pending(),
        "there is none without a language"
    );
}

#[test]
fn nothing_that_the_request_had_with_it_comes_back() {
    #[derive(Clone)]
    struct Secret;

    let mut scene = Scene::new();
    often_asked_for(&mut scene, &[MINUTE]);
    let mut ask = get("/");
    ask.extensions_mut().insert(Secret);
    let answer = scene.answer(ask);
    assert_eq!(status(&answer), "hit; ttl=60");
    assert!(answer.extensions().get::<Secret>().is_none());
}

#[test]
fn it_is_gone_when_the_page_is() {
    let mut scene = Scene::new();
    often_asked_for(&mut scene, &[MINUTE]);
    scene.handle.purge(&crate::Scope::everything());
    assert!(scene.ask(get("/")).poll().is_pending());
}
