//! Requests that the application may read in another way than we do.

use super::*;

const ATTACKS: [&[(&str, &str)]; 2] = [
    &[("connection", "close, x-tenant"), ("x-tenant", "blue")],
    &[("x_tenant", "blue")],
];
const BY_TENANT: (&str, &str) = ("vary", "x-tenant");

#[test]
fn what_comes_of_one_is_given_to_nobody_else() {
    for attack in ATTACKS {
        let mut scene = Scene::new();
        let answer = scene.through(get_with("/", attack), page(&[MINUTE, BY_TENANT], "evil"));
        assert_eq!(status(&answer), "fwd=uri-miss; detail=ambiguous-request");
        assert_eq!(text(answer), "evil");
        for honest in [&[][..], &[("x-tenant", "blue")]] {
            let answer = scene.through(get_with("/", honest), page(&[MINUTE, BY_TENANT], "page"));
            assert_eq!(text(answer), "page");
            assert_eq!(text(scene.answer(get_with("/", honest))), "page");
        }
    }
}

#[test]
fn nobody_waits_for_what_comes_of_one_but_it_may_wait_for_others() {
    for attack in ATTACKS {
        let mut scene = Scene::new();
        let mut attacker = scene.ask(get_with("/", attack));
        assert!(attacker.poll().is_pending());
        let (_, _attackers_own) = scene.app_asked().unwrap();
        let mut honest = scene.ask(get("/"));
        assert!(honest.poll().is_pending());
        let (_, respond) = scene.app_asked().expect("it goes by itself");
        let mut second = scene.ask(get_with("/", attack));
        assert!(second.poll().is_pending());
        assert!(scene.app_asked().is_none());
        respond.send_response(fresh("page"));
        for asking in [&mut honest, &mut second] {
            assert_eq!(text(ready(asking)), "page");
        }
    }
}

#[test]
fn one_changes_nothing_of_what_is_stored() {
    for attack in ATTACKS {
        let mut scene = Scene::new();
        store(&mut scene, "/", page(&[MINUTE, ("etag", "\"a\"")], "page"));
        assert_eq!(text(scene.answer(get_with("/", attack))), "page");

        scene.clock.forward(60);
        for method in ["GET", "HEAD"] {
            let mut asking = scene.ask(request(method, "/", attack));
            assert!(asking.poll().is_pending());
            let (sent, respond) = scene.app_asked().unwrap();
            assert!(!sent.headers().contains_key("if-none-match"), "{method}");
            respond.send_response(page(&[MINUTE, ("etag", "\"a\"")], "evil"));
            ready(&mut asking);
        }
        let mut honest = scene.ask(get("/"));
        assert!(honest.poll().is_pending());
        let (sent, respond) = scene.app_asked().expect("it is as stale as it was");
        assert_eq!(sent.headers()["if-none-match"], "\"a\"");
        let mut not_modified = page(&[MINUTE], "");
        *not_modified.status_mut() = http::StatusCode::NOT_MODIFIED;
        respond.send_response(not_modified);
        assert_eq!(text(ready(&mut honest)), "page");
    }
}

/// The application sends those who call it by another name to the one that it goes by.
#[test]
fn how_a_host_is_spelled_decides_nothing_for_those_who_spell_it_as_usual() {
    for host in ["FORUM.example", "forum.example:80", "forum.example:"] {
        let mut scene = Scene::new();
        let mut respelled = get("/");
        respelled
            .headers_mut()
            .insert("host", host.parse().unwrap());
        let mut redirect = page(&[MINUTE, ("location", "http://forum.example/")], "");
        *redirect.status_mut() = http::StatusCode::MOVED_PERMANENTLY;
        let answer = scene.through(respelled.clone(), redirect);
        assert_eq!(answer.status(), http::StatusCode::MOVED_PERMANENTLY);
        store(&mut scene, "/", fresh("page"));
        assert_eq!(text(scene.answer(get("/"))), "page");
        assert_eq!(text(scene.answer(respelled)), "page", "it may have that");
    }
}
