use http::uri::{Authority as UriAuthority, Scheme};

use super::*;
use crate::policy::Policy;

fn get(uri: &str, host: &str) -> Request<http_body_util::Empty<Bytes>> {
    let request = Request::get(uri).header("host", host);
    request.body(http_body_util::Empty::new()).unwrap()
}

fn key<B: http_body::Body>(request: &Request<B>) -> Key {
    let lookup = Policy::conservative().look_up(request).unwrap();
    Key::of(request, &lookup, &QueryRules::All).unwrap()
}

fn of_uri(uri: &str) -> Key {
    Key::of_uri(&uri.parse().unwrap(), &QueryRules::All).unwrap()
}

fn origin(scheme: &str, authority: &str) -> TargetOrigin {
    TargetOrigin {
        scheme: scheme.parse::<Scheme>().unwrap(),
        authority: authority.parse::<UriAuthority>().unwrap(),
    }
}

#[test]
fn the_key_of_a_uri_is_the_plain_key_of_a_request_for_it() {
    assert_eq!(
        of_uri("http://Example.com:80/p?q"),
        key(&get("/p?q", "example.com"))
    );
    assert_eq!(of_uri("http://a"), key(&get("/", "a")));
    assert_eq!(key(&get("/p", "a")).plain(), None, "it is plain already");
}

#[test]
fn what_has_no_host_has_no_key() {
    for uri in ["/p", "a", "http://user@a/p"] {
        assert_eq!(
            Key::of_uri(&uri.parse().unwrap(), &QueryRules::All),
            None,
            "{uri}"
        );
    }
}

#[test]
fn whatever_else_is_in_a_key_its_plain_one_is_that_of_the_uri() {
    let mut forwarded = get("/p", "a");
    forwarded
        .headers_mut()
        .insert("x-forwarded-host", "b".parse().unwrap());
    let mut behind_a_proxy = get("/p", "inner");
    behind_a_proxy.extensions_mut().insert(origin("https", "a"));
    let mut nested = get("/p", "a");
    nested
        .extensions_mut()
        .insert(axum::extract::OriginalUri("/x/p".parse().unwrap()));
    let cases = [
        ("forwarded", forwarded, "http://a/p"),
        ("behind a proxy", behind_a_proxy, "https://a/p"),
        ("nested", nested, "http://a/x/p"),
    ];
    for (name, request, uri) in cases {
        let key = key(&request);
        assert_eq!(key.plain(), Some(of_uri(uri)), "{name}");
        assert!(
            Targets::of(&request)
                .keys(&QueryRules::All)
                .contains(&of_uri(uri)),
            "{name}"
        );
    }
}

#[test]
fn a_request_that_contradicts_itself_is_for_all_that_it_says() {
    let mut request = get("http://a/p", "b");
    request.headers_mut().append("host", "c".parse().unwrap());
    request
        .headers_mut()
        .append("host", "not a host".parse().unwrap());
    let expected = ["http://a/p", "http://b/p", "http://c/p"].map(of_uri);
    assert_eq!(Targets::of(&request).keys(&QueryRules::All), expected);
}

#[test]
fn parameters_that_are_ignored_are_so_in_every_key() {
    let rules = QueryRules::Ignore(super::super::query::Names::new(["utm_*"]));
    let plain = of_uri("http://a/p?x");
    let request = get("/p?utm_a&x", "a");
    assert_eq!(
        Targets::of(&request).keys(&rules),
        std::slice::from_ref(&plain)
    );
    let lookup = Policy::conservative().look_up(&request).unwrap();
    assert_eq!(Key::of(&request, &lookup, &rules).unwrap(), plain);
    assert_eq!(
        Key::of_uri(&"http://a/p?x&utm_b".parse().unwrap(), &rules).unwrap(),
        plain
    );
    assert_eq!(of_uri("http://a/").beside("/p?utm_c&x", &rules), plain);
}

#[test]
fn a_uri_of_the_same_origin_is_beside_it() {
    let key = of_uri("https://a:8080/p?q");
    assert_eq!(
        key.beside("/other?x", &QueryRules::All),
        of_uri("https://a:8080/other?x")
    );
}

#[test]
fn the_parts_of_a_key_can_be_told() {
    let key = of_uri("https://a:8080/p/q?r?s");
    assert_eq!(key.origin(), "https\0a:8080");
    assert_eq!(key.path(), "https\0a:8080\0/p/q");
    assert!(key.may_begin_with(&of_uri("https://a:8080/p/")));
    assert!(!key.may_begin_with(&of_uri("https://a:8080/q")));
    assert!(!key.may_begin_with(&of_uri("https://a/p/")));
}

#[test]
fn the_paths_of_targets_are_those_of_their_keys() {
    let rules = QueryRules::Ignore(super::super::query::Names::new(["utm_*"]));
    let mut nested = get("/p?utm_a&x", "a");
    nested
        .extensions_mut()
        .insert(axum::extract::OriginalUri("/x/p?utm_a".parse().unwrap()));
    let cases = [
        ("plain", get("/p?utm_a&x", "a"), &["/p?x"][..]),
        ("none", get("http://a", "a"), &["/"]),
        ("nested", nested, &["/p?x", "/x/p"]),
    ];
    for (name, request, expected) in cases {
        let targets = Targets::of(&request);
        let paths: Vec<_> = targets.paths(&rules).collect();
        assert_eq!(paths, expected, "{name}");
        let keys = targets.keys(&rules);
        let of_keys: Vec<_> = keys.iter().rev().map(Key::path_and_query).collect();
        let paths: Vec<_> = paths.iter().map(|path| path.as_bytes()).collect();
        assert_eq!(of_keys, paths, "{name}");
    }
}

#[test]
fn a_router_that_took_no_prefix_off_changes_nothing() {
    let cases = [("/p?q", Some(&b"/p"[..])), ("/x/p?q", None), ("/p", None)];
    for (original, path) in cases {
        let mut request = get("/p?q", "a");
        let uri = axum::extract::OriginalUri(original.parse().unwrap());
        request.extensions_mut().insert(uri);
        assert_eq!(Targets::of(&request).path(), path, "{original}");
    }
}

#[test]
fn what_is_plain_is_so_in_every_way_and_has_the_keys_of_any_other() {
    let with = |change: fn(&mut Request<http_body_util::Empty<Bytes>>)| {
        let mut request = get("/p?q", "a");
        change(&mut request);
        request
    };
    let cases = [
        ("as most are", with(|_| ()), true),
        (
            "another field",
            with(|request| {
                request
                    .headers_mut()
                    .insert("accept", "*/*".parse().unwrap());
            }),
            true,
        ),
        (
            "two of another field",
            with(|request| {
                for value in ["a", "b"] {
                    let value = value.parse().unwrap();
                    request.headers_mut().append("accept", value);
                }
            }),
            false,
        ),
        (
            "two hosts",
            with(|request| {
                request.headers_mut().append("host", "b".parse().unwrap());
            }),
            false,
        ),
        (
            "its host later",
            with(|request| {
                request.headers_mut().clear();
                for (name, value) in [("accept", "*/*"), ("host", "a")] {
                    request.headers_mut().insert(name, value.parse().unwrap());
                }
            }),
            false,
        ),
        (
            "no host",
            with(|request| request.headers_mut().clear()),
            false,
        ),
        ("an authority", get("http://a/p?q", "a"), false),
        (
            "not short",
            get(&format!("/{}", "p".repeat(100)), "a"),
            false,
        ),
        (
            "a router that took no prefix off",
            with(|request| {
                let uri = axum::extract::OriginalUri("/p?q".parse().unwrap());
                request.extensions_mut().insert(uri);
            }),
            true,
        ),
        (
            "one that took one off",
            with(|request| {
                let uri = axum::extract::OriginalUri("/x/p?q".parse().unwrap());
                request.extensions_mut().insert(uri);
            }),
            false,
        ),
        (
            "a trusted origin",
            with(|request| {
                request.extensions_mut().insert(origin("https", "a"));
            }),
            false,
        ),
    ];
    for (name, request, is_plain) in cases {
        let plain = PlainTargets::of(&request).map(Targets::from);
        assert_eq!(plain.is_some(), is_plain, "{name}");
        if let Some(plain) = plain {
            let any = Targets::of(&request);
            let rules = &QueryRules::All;
            assert_eq!(plain.keys(rules), any.keys(rules), "{name}");
            assert_eq!(plain.path(), any.path(), "{name}");
        }
    }
}
