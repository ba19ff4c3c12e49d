//! Variants that somebody in front of the cache has named: `peregrine_core`'s
//! `Variant` on requests, `RenderedFor` on responses.

use peregrine_core::{RenderedFor, Variant, VariantName};

use super::*;

fn name(name: &'static str) -> VariantName {
    VariantName::new(name)
}

fn of(variant: Variant, mut request: Ask) -> Ask {
    request.extensions_mut().insert(variant);
    request
}

fn known(variant: &'static str) -> Ask {
    of(Variant::Known(name(variant)), get("/"))
}

fn expected(variant: &'static str) -> Ask {
    of(Variant::Expected(name(variant)), get("/"))
}

fn told() -> Ask {
    of(Variant::ToldByResponse, get("/"))
}

fn rendered_for(variant: &'static str, mut response: Response<AppBody>) -> Response<AppBody> {
    let said = RenderedFor::Variant(name(variant));
    response.extensions_mut().insert(said);
    response
}

fn for_one(mut response: Response<AppBody>) -> Response<AppBody> {
    response.extensions_mut().insert(RenderedFor::OneClient);
    response
}

fn stored(scene: &mut Scene, request: Ask, response: Response<AppBody>) -> String {
    let answer = scene.through(request, response);
    let said = status(&answer);
    text(answer);
    said
}

#[test]
fn each_variant_has_its_own_page() {
    let mut scene = Scene::new();
    for (variant, text) in [("staff", "for staff"), ("member", "for members")] {
        let said = stored(&mut scene, known(variant), fresh(text));
        assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
    }
    assert_eq!(text(scene.answer(known("staff"))), "for staff");
    assert_eq!(text(scene.answer(expected("member"))), "for members");
    let said = stored(&mut scene, get("/"), fresh("without any"));
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
    assert_eq!(text(scene.answer(known("staff"))), "for staff");
}

#[test]
fn a_pass_reads_nothing_and_leaves_nothing() {
    let mut scene = Scene::new();
    let pass = || of(Variant::Pass("session-cookie"), get("/"));
    stored(&mut scene, get("/"), fresh("without any"));
    let said = stored(&mut scene, pass(), fresh("own"));
    assert_eq!(said, "fwd=bypass; detail=session-cookie");
    assert_eq!(text(scene.answer(get("/"))), "without any");
    assert_eq!(scene.handle.stats().entries, 1);
}

#[test]
fn a_pass_that_changes_something_invalidates_every_variant() {
    let mut scene = Scene::new();
    stored(&mut scene, known("staff"), fresh("for staff"));
    stored(&mut scene, get("/"), fresh("without any"));
    let post = of(Variant::Pass("session-cookie"), request("POST", "/", &[]));
    let said = stored(&mut scene, post, page(&[], "changed"));
    assert_eq!(said, "fwd=method");
    assert_eq!(scene.handle.stats().entries, 0);
}

#[test]
fn an_override_that_passes_for_its_cookies_too_still_invalidates() {
    let mut scene = Scene::new();
    stored(&mut scene, known("staff"), fresh("for staff"));
    let delete = get_with("/", &[("x-http-method-override", "DELETE")]);
    let said = stored(
        &mut scene,
        of(Variant::Pass("session-cookie"), delete),
        page(&[], "gone"),
    );
    assert_eq!(said, "fwd=bypass; detail=method-override");
    assert!(scene.ask(known("staff")).poll().is_pending());
}

#[test]
fn who_is_told_by_the_response_reads_nothing_and_stores_for_those_it_names() {
    let mut scene = Scene::new();
    stored(&mut scene, get("/"), fresh("without any"));
    stored(&mut scene, known("staff"), fresh("for staff"));
    let said = stored(
        &mut scene,
        told(),
        rendered_for("member", fresh("for members")),
    );
    assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
    assert_eq!(text(scene.answer(expected("member"))), "for members");
    assert_eq!(text(scene.answer(known("staff"))), "for staff");
    assert_eq!(text(scene.answer(get("/"))), "without any");
}

#[test]
fn what_names_nobody_is_not_stored_for_who_had_to_be_told() {
    for response in [fresh("own"), for_one(fresh("own"))] {
        let mut scene = Scene::new();
        let said = stored(&mut scene, told(), response);
        assert_eq!(said, "fwd=uri-miss; detail=variant");
        assert_eq!(scene.handle.stats().entries, 0);
    }
}

#[test]
fn nobody_waits_for_a_response_that_is_still_to_say_whose_it_is() {
    let mut scene = Scene::new();
    let mut asking = [told(), told(), get("/")].map(|request| scene.ask(request));
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    for (place, own) in ["alice", "bob", "nobody"].into_iter().enumerate() {
        let (_, respond) = scene.app_asked().expect("each goes alone");
        let answer = fresh(own);
        respond.send_response(if place < 2 {
            rendered_for(own, answer)
        } else {
            answer
        });
        assert_eq!(text(ready(&mut asking[place])), own);
    }
}

#[test]
fn what_is_said_to_be_of_another_variant_is_for_its_client_alone() {
    for request in [known("staff"), expected("staff"), get("/")] {
        for response in [rendered_for("member", fresh("own")), for_one(fresh("own"))] {
            let mut scene = Scene::new();
            let mut again = get("/");
            *again.extensions_mut() = request.extensions().clone();
            let mut first = get("/");
            *first.extensions_mut() = request.extensions().clone();
            let said = stored(&mut scene, first, response);
            assert_eq!(said, "fwd=uri-miss; detail=variant");
            let said = stored(&mut scene, again, fresh("newer"));
            assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
            assert_eq!(scene.handle.stats().entries, 1);
        }
    }
}

#[test]
fn those_who_waited_for_it_are_not_given_what_is_for_another_variant() {
    let mut scene = Scene::new();
    let mut asking = [expected("staff"), expected("staff")].map(|request| scene.ask(request));
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    let (_, respond) = scene.app_asked().unwrap();
    assert!(scene.app_asked().is_none(), "the second one waits");
    respond.send_response(rendered_for("member", fresh("for members")));
    assert_eq!(text(ready(&mut asking[0])), "for members");
    assert!(asking[1].poll().is_pending());
    let (_, respond) = scene.app_asked().expect("it goes alone");
    respond.send_response(rendered_for("staff", fresh("for staff")));
    assert_eq!(text(ready(&mut asking[1])), "for staff");
    assert_eq!(text(scene.answer(expected("staff"))), "for staff");
}

#[test]
fn variants_are_fetched_beside_one_another() {
    let mut scene = Scene::new();
    let mut asking = ["staff", "member"].map(|variant| scene.ask(known(variant)));
    for asking in &mut asking {
        assert!(asking.poll().is_pending());
    }
    assert!(scene.app_asked().is_some() && scene.app_asked().is_some());
}

const ETAG: (&str, &str) = ("etag", "\"1\"");

#[test]
fn a_certain_variant_is_validated_and_a_remembered_one_is_asked_for_anew() {
    let mut scene = Scene::new();
    for (request, validates) in [(known("staff"), true), (expected("member"), false)] {
        let mut again = get("/");
        *again.extensions_mut() = request.extensions().clone();
        stored(&mut scene, request, page(&[MINUTE, ETAG], "page"));
        scene.clock.forward(60);
        let mut asking = scene.ask(again);
        assert!(asking.poll().is_pending());
        let (sent, _) = scene.app_asked().unwrap();
        assert_eq!(sent.headers().contains_key("if-none-match"), validates);
    }
}

#[test]
fn a_part_of_a_certain_variant_is_completed_and_of_a_remembered_one_asked_for_anew() {
    for (variant, completes) in [
        (Variant::Known(name("staff")), true),
        (Variant::Expected(name("staff")), false),
    ] {
        let mut scene = Scene::with(TurboCache::standard());
        let first = get_with("/", &[("range", "bytes=0-4")]);
        let mut part = page(&[MINUTE, ETAG, ("content-range", "bytes 0-4/10")], "01234");
        *part.status_mut() = http::StatusCode::PARTIAL_CONTENT;
        let said = stored(&mut scene, of(variant.clone(), first), part);
        assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
        let mut asking = scene.ask(of(variant, get("/")));
        assert!(asking.poll().is_pending());
        let (sent, _) = scene.app_asked().unwrap();
        assert_eq!(sent.headers().contains_key("range"), completes);
    }
}

#[test]
fn a_304_for_one_client_freshens_nothing() {
    let mut scene = Scene::new();
    stored(&mut scene, known("visitors"), page(&[MINUTE, ETAG], "page"));
    scene.clock.forward(60);
    let mut not_modified = page(&[MINUTE, ETAG], "");
    *not_modified.status_mut() = http::StatusCode::NOT_MODIFIED;
    let answer = scene.through(known("visitors"), for_one(not_modified));
    assert_eq!(status(&answer), "fwd=stale; fwd-status=304; detail=variant");
    assert_eq!(text(answer), "page");
    let mut asking = scene.ask(known("visitors"));
    assert!(asking.poll().is_pending(), "it is as stale as before");
}

#[test]
fn a_head_of_another_variant_changes_nothing() {
    let mut scene = Scene::new();
    stored(&mut scene, expected("staff"), page(&[MINUTE, ETAG], "page"));
    scene.clock.forward(60);
    let head = || of(Variant::Expected(name("staff")), request("HEAD", "/", &[]));
    let fields = [MINUTE, ETAG, ("content-length", "4")];
    scene.through(head(), rendered_for("member", page(&fields, "")));
    let mut asking = scene.ask(expected("staff"));
    assert!(asking.poll().is_pending(), "it is as stale as before");
    drop((asking, scene.app_asked()));

    scene.through(head(), rendered_for("staff", page(&fields, "")));
    assert_eq!(text(scene.answer(expected("staff"))), "page");
}

#[test]
fn a_stale_page_takes_the_place_of_an_error_but_not_for_somebody_else() {
    let stale_if_error = ("cache-control", "max-age=60, stale-if-error=600");
    let error = || {
        let mut error = page(&[], "broken");
        *error.status_mut() = http::StatusCode::BAD_GATEWAY;
        error
    };
    let cases = [
        ("nothing said", error(), "page"),
        ("for one client", for_one(error()), "page"),
        ("the same", rendered_for("staff", error()), "page"),
        ("another one", rendered_for("member", error()), "broken"),
    ];
    for (name, error, expected_text) in cases {
        let mut scene = Scene::new();
        stored(
            &mut scene,
            expected("staff"),
            page(&[stale_if_error], "page"),
        );
        scene.clock.forward(60);
        let answer = scene.through(expected("staff"), error);
        assert_eq!(text(answer), expected_text, "{name}");
    }
}

#[test]
fn a_page_has_so_many_variants_and_no_more_and_pushes_no_other_page_out() {
    let mut scene = Scene::with(TurboCache::conservative().max_named_variants(3));
    let ask = |variant: String, path| of(Variant::Known(VariantName::new(variant)), get(path));
    stored(&mut scene, ask("0".to_owned(), "/other"), fresh("other"));
    for user in 0..20 {
        let said = stored(&mut scene, ask(user.to_string(), "/"), fresh("own"));
        assert_eq!(said, "fwd=uri-miss; stored; ttl=60");
        // The first one is always in use.
        assert!(status(&scene.answer(ask("0".to_owned(), "/"))).starts_with("hit"));
        assert!(scene.handle.stats().entries <= 4);
    }
    for (user, is_stored) in [(0, true), (1, false), (17, false), (18, true), (19, true)] {
        let mut asking = scene.ask(ask(user.to_string(), "/"));
        assert_eq!(asking.poll().is_ready(), is_stored, "{user}");
        assert_eq!(scene.app_asked().is_none(), is_stored, "{user}");
    }
    assert_eq!(text(scene.answer(ask("0".to_owned(), "/other"))), "other");
}

#[test]
fn the_name_of_a_variant_is_told_nobody() {
    let mut scene = Scene::with(TurboCache::conservative().key_in_cache_status(true));
    let answer = scene.through(known("alice"), fresh("own"));
    let told = format!("{:?} {:?}", answer.headers(), scene.service);
    assert!(told.contains("http forum.example / v"), "{told}");
    assert!(!told.contains("alice"), "{told}");
}
