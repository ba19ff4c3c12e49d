//! Several stored responses for one key: RFC 9111 §4.1.

use super::*;

fn in_language(language: &'static str, text: &'static str) -> Response<AppBody> {
    page(
        &[
            MINUTE,
            ("vary", "accept-language"),
            ("content-language", language),
        ],
        text,
    )
}

fn ask(language: &str) -> Ask {
    get_with("/", &[("accept-language", language)])
}

fn stored(scene: &mut Scene, request: Ask, response: Response<AppBody>) -> String {
    let answer = scene.through(request, response);
    let said = status(&answer);
    text(answer);
    said
}

#[test]
fn each_variant_is_given_to_those_who_select_it() {
    let mut scene = Scene::new();
    let said = stored(&mut scene, ask("de"), in_language("de", "Seite"));
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
    let said = stored(&mut scene, ask("fr"), in_language("fr", "page"));
    assert_eq!(said, "fwd=vary-miss; stored; ttl=60");
    for (language, expected) in [("de", "Seite"), ("fr", "page"), ("de", "Seite")] {
        let answer = scene.answer(ask(language));
        assert_eq!(status(&answer), "hit; ttl=60");
        assert_eq!(text(answer), expected);
    }
    let stats = scene.handle.stats();
    assert_eq!((stats.entries, stats.stored, stats.hits), (1, 2, 3));
}

#[test]
fn a_newer_variant_takes_the_place_of_the_same_one_only() {
    let mut scene = Scene::new();
    stored(&mut scene, ask("de"), in_language("de", "alt"));
    scene.clock.forward(30);
    stored(&mut scene, ask("fr"), in_language("fr", "page"));
    scene.clock.forward(30);
    let said = stored(&mut scene, ask("de"), in_language("de", "neu"));
    assert_eq!(said, "fwd=stale; stored; ttl=60");
    assert_eq!(text(scene.answer(ask("de"))), "neu");
    assert_eq!(text(scene.answer(ask("fr"))), "page");
}

#[test]
fn of_several_that_match_one_that_says_by_what_it_was_chosen_is_given() {
    let mut scene = Scene::new();
    stored(&mut scene, ask("de"), in_language("de", "Seite"));
    // An application that forgets its `Vary` where it has nothing to choose from.
    stored(&mut scene, ask("fr"), page(&[MINUTE], "for all"));
    assert_eq!(text(scene.answer(ask("de"))), "Seite");
    assert_eq!(text(scene.answer(ask("fr"))), "for all");
    assert_eq!(text(scene.answer(get("/"))), "for all");
}

#[test]
fn what_came_last_for_a_request_takes_the_place_of_all_that_it_selects() {
    let mut scene = Scene::new();
    stored(&mut scene, ask("de"), in_language("de", "Seite"));
    scene.clock.forward(60);
    // It does not vary any more. The one that did is not asked about again.
    let said = stored(&mut scene, ask("de"), page(&[MINUTE], "for all"));
    assert_eq!(said, "fwd=stale; stored; ttl=60");
    let answer = scene.answer(ask("de"));
    assert_eq!(status(&answer), "hit; ttl=60");
    assert_eq!(text(answer), "for all");
}

#[test]
fn what_one_has_validated_is_still_for_all_who_select_it() {
    const TAG: (&str, &str) = ("etag", "\"a\"");
    let accepting = |codings| get_with("/", &[("accept-encoding", codings)]);
    let encoded = [
        MINUTE,
        TAG,
        ("vary", "accept-encoding"),
        ("content-encoding", "br"),
    ];
    let mut scene = Scene::new();
    stored(&mut scene, accepting("gzip, br"), page(&encoded, "page"));
    scene.clock.forward(60);
    // It accepts nothing that the application had not been offered.
    let mut not_modified = page(&[TAG], "");
    *not_modified.status_mut() = http::StatusCode::NOT_MODIFIED;
    let said = stored(&mut scene, accepting("br"), not_modified);
    assert_eq!(said, "fwd=stale; fwd-status=304; stored; ttl=60");
    for codings in ["gzip, br", "br"] {
        assert_eq!(
            status(&scene.answer(accepting(codings))),
            "hit; ttl=60",
            "{codings}"
        );
    }
}

#[test]
fn with_one_variant_too_many_the_oldest_is_forgotten() {
    let mut scene = Scene::with(TurboCache::conservative().max_variants(2));
    for language in ["de", "fr", "it"] {
        stored(&mut scene, ask(language), in_language("", "page"));
    }
    assert_eq!(status(&scene.answer(ask("it"))), "hit; ttl=60");
    assert_eq!(status(&scene.answer(ask("fr"))), "hit; ttl=60");
    let said = stored(&mut scene, ask("de"), in_language("de", "Seite"));
    assert_eq!(said, "fwd=vary-miss; stored; ttl=60");
}

#[test]
fn a_response_of_another_variant_sends_the_followers_round_to_collapse_again() {
    let mut scene = Scene::new();
    let mut asking: Vec<_> = ["de", "fr", "fr", "de"]
        .map(|language| scene.ask(ask(language)))
        .into();
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    let (_, respond) = scene.app_asked().unwrap();
    assert!(
        scene.app_asked().is_none(),
        "nothing is known of variants yet"
    );
    respond.send_response(in_language("de", "Seite"));
    assert_eq!(text(ready(&mut asking[0])), "Seite");
    assert!(asking[1].poll().is_pending());
    assert!(asking[2].poll().is_pending());
    let answer = ready(&mut asking[3]);
    assert_eq!(status(&answer), "fwd=uri-miss; collapsed");
    assert_eq!(text(answer), "Seite");

    let (request, respond) = scene.app_asked().expect("one of both is sent");
    assert_eq!(request.headers()["accept-language"], "fr");
    assert!(
        scene.app_asked().is_none(),
        "and the other one waits for it"
    );
    respond.send_response(in_language("fr", "page"));
    assert_eq!(text(ready(&mut asking[1])), "page");
    assert_eq!(text(ready(&mut asking[2])), "page");
    assert_eq!((scene.flights(), scene.live()), (0, 0));
}

#[test]
fn known_variants_are_fetched_beside_one_another() {
    let mut scene = Scene::new();
    stored(&mut scene, ask("de"), in_language("de", "Seite"));
    let mut asking: Vec<_> = ["fr", "it", "fr"]
        .map(|language| scene.ask(ask(language)))
        .into();
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    let mut asked = Vec::new();
    while let Some((request, respond)) = scene.app_asked() {
        asked.push(request.headers()["accept-language"].clone());
        respond.send_response(in_language("", "page"));
    }
    assert_eq!(asked, ["fr", "it"]);
    for asking in &mut asking {
        assert_eq!(text(ready(asking)), "page");
    }
}

#[test]
fn an_application_that_varies_by_something_else_each_time_keeps_nobody_waiting_for_ever() {
    let mut scene = Scene::new();
    let varies = ["x-a", "x-b", "x-c", "x-d"];
    let fields = |value: &'static str| varies.map(|name| (name, value));
    let mut leader = scene.ask(get_with("/", &fields("1")));
    assert!(leader.poll().is_pending());
    let mut follower = scene.ask(get_with("/", &fields("2")));
    assert!(follower.poll().is_pending());
    for (round, field) in varies.iter().enumerate() {
        let Some((_, respond)) = scene.app_asked() else {
            panic!("round {round}: it waits for nothing");
        };
        respond.send_response(page(&[MINUTE, ("vary", field)], "page"));
        if round == 0 {
            assert_eq!(text(ready(&mut leader)), "page");
        } else {
            assert_eq!(text(ready(&mut follower)), "page");
            break;
        }
        assert!(follower.poll().is_pending());
    }
    assert_eq!((scene.flights(), scene.live()), (0, 0));
}

/// An application that reads one line is not to see less than what is compared.
#[test]
fn cookies_in_several_lines_are_sent_on_in_one() {
    let mut scene = Scene::new();
    let by_cookies = [MINUTE, ("vary", "cookie")];
    let several = [("cookie", "consent=yes"), ("cookie", "lang=de ")];
    let mut asking = scene.ask(get_with("/", &several));
    assert!(asking.poll().is_pending());
    let (sent, respond) = scene.app_asked().unwrap();
    let lines: Vec<_> = sent.headers().get_all("cookie").iter().collect();
    assert_eq!(lines, ["consent=yes; lang=de"]);
    respond.send_response(page(&by_cookies, "Seite"));
    assert_eq!(text(ready(&mut asking)), "Seite");
    let in_one = get_with("/", &[("cookie", "consent=yes; lang=de")]);
    assert_eq!(text(scene.answer(in_one)), "Seite");
    assert_eq!(text(scene.answer(get_with("/", &several))), "Seite");
}

/// RFC 9111 §4: "the most recent one (as determined by the Date header field)".
#[test]
fn of_several_that_match_the_one_that_was_made_last_is_given() {
    let mut scene = Scene::new();
    let made = |date, vary, text| page(&[MINUTE, ("vary", vary), ("date", date)], text);
    let asked = get_with("/", &[("x", "1"), ("y", "1")]);
    text(scene.through(asked, made("Sun, 06 Nov 1994 08:49:37 GMT", "x", "newer")));
    let asked = get_with("/", &[("x", "2"), ("y", "2")]);
    text(scene.through(asked, made("Sun, 06 Nov 1994 08:49:07 GMT", "y", "older")));
    let asked = get_with("/", &[("x", "1"), ("y", "2")]);
    assert_eq!(text(scene.answer(asked)), "newer");
    let asked = get_with("/", &[("x", "2"), ("y", "2")]);
    assert_eq!(text(scene.answer(asked)), "older");
}
