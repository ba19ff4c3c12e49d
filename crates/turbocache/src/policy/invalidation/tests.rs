use http::HeaderValue;
use proptest::prelude::*;

use super::*;

const TARGET: Target<'_> = Target {
    scheme: "http",
    authority: "a.example",
    path_and_query: "/b/c/d;p?q",
};

#[test]
fn which_answers_invalidate() {
    let invalidates = |method: &_, status| !is_safe(method) && is_non_error(status);
    let cases = [
        ("GET is safe", "GET", 200, false),
        ("HEAD is safe", "HEAD", 200, false),
        ("OPTIONS is safe", "OPTIONS", 200, false),
        ("TRACE is safe", "TRACE", 200, false),
        ("QUERY is safe", "QUERY", 200, false),
        ("POST", "POST", 200, true),
        ("PUT", "PUT", 201, true),
        ("DELETE", "DELETE", 204, true),
        ("PATCH", "PATCH", 200, true),
        ("an unknown method", "M-SEARCH", 200, true),
        ("methods have a case", "get", 200, true),
        ("a redirection is no error", "POST", 303, true),
        ("a client's error is one", "POST", 404, false),
        ("a server's error is one", "POST", 500, false),
        ("what is not final is nothing yet", "POST", 103, false),
    ];
    for (name, method, status, expected) in cases {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(invalidates(&method, status), expected, "§4.4: {name}");
    }
}

#[test]
fn references_are_resolved() {
    // RFC 3986 §5.4, at http://a.example/b/c/d;p?q.
    let cases = [
        ("g", "/b/c/g"),
        ("./g", "/b/c/g"),
        ("g/", "/b/c/g/"),
        ("/g", "/g"),
        ("?y", "/b/c/d;p?y"),
        ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"),
        ("g#s", "/b/c/g"),
        ("g?y#s", "/b/c/g?y"),
        (";x", "/b/c/;x"),
        ("", "/b/c/d;p?q"),
        (".", "/b/c/"),
        ("./", "/b/c/"),
        ("..", "/b/"),
        ("../", "/b/"),
        ("../g", "/b/g"),
        ("../..", "/"),
        ("../../g", "/g"),
        ("../../../g", "/g"),
        ("/./g", "/g"),
        ("/../g", "/g"),
        ("g.", "/b/c/g."),
        ("..g", "/b/c/..g"),
        ("./../g", "/b/g"),
        ("./g/.", "/b/c/g/"),
        ("g/./h", "/b/c/g/h"),
        ("g/../h", "/b/c/h"),
        ("g?y/../x", "/b/c/g?y/../x"),
        ("//a.example/g", "/g"),
        ("//a.example", "/"),
        ("//a.example?y", "/?y"),
    ];
    for (reference, expected) in cases {
        assert_eq!(
            TARGET.resolve(reference).as_deref(),
            Some(expected),
            "{reference}"
        );
    }
}

#[test]
fn only_what_is_of_the_same_origin_is_invalidated() {
    let cases: &[(&str, &[(&str, &str)], &[&str])] = &[
        ("neither field", &[], &[]),
        ("Location", &[("location", "/e")], &["/e"]),
        ("Content-Location", &[("content-location", "/e")], &["/e"]),
        (
            "both",
            &[("location", "/e"), ("content-location", "/f")],
            &["/e", "/f"],
        ),
        (
            "the same in both",
            &[("location", "/e"), ("content-location", "/e")],
            &["/e"],
        ),
        ("the target itself", &[("location", "d;p?q")], &[]),
        (
            "an absolute URI",
            &[("location", "http://a.example/e?f#g")],
            &["/e?f"],
        ),
        (
            "in another case, with the scheme's own port",
            &[("location", "HTTP://A.Example:80/e")],
            &["/e"],
        ),
        (
            "with an empty port",
            &[("location", "http://a.example:/e")],
            &["/e"],
        ),
        ("another host", &[("location", "http://b.example/e")], &[]),
        (
            "a host that begins alike",
            &[("location", "http://a.example.org/e")],
            &[],
        ),
        (
            "another port",
            &[("location", "http://a.example:8080/e")],
            &[],
        ),
        (
            "another scheme",
            &[("location", "https://a.example/e")],
            &[],
        ),
        (
            "user information",
            &[("location", "http://u@a.example/e")],
            &[],
        ),
        ("no host", &[("location", "http:///e")], &[]),
        ("a scheme without a host", &[("location", "http:e")], &[]),
        (
            "another kind of thing",
            &[("location", "mailto:a@a.example")],
            &[],
        ),
        ("two lines", &[("location", "/e"), ("location", "/f")], &[]),
        ("beyond ASCII", &[("location", "/é")], &[]),
    ];
    for (name, fields, expected) in cases {
        let mut response = HeaderMap::new();
        for (name, value) in *fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            response.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        assert_eq!(other_targets(TARGET, &response), *expected, "§4.4: {name}");
    }
}

proptest! {
    #[test]
    fn what_is_resolved_is_what_comes_of_resolving_it(reference in "/[a./?]{0,12}") {
        let (path, query) = divide(&reference);
        let path = without_dots(path);
        let general = query.map_or(path.clone(), |query| format!("{path}?{query}"));
        if is_resolved(&reference) {
            prop_assert_eq!(general, reference);
        }
    }

    #[test]
    fn what_a_reference_becomes_is_a_path(reference in "[a-c./?#:@\\[\\] ]{0,16}") {
        if let Some(resolved) = TARGET.resolve(&reference) {
            prop_assert!(resolved.starts_with('/'));
            let (path, _) = divide(&resolved);
            prop_assert!(!path.split('/').any(|segment| segment == ".." || segment == "."));
            // An absolute path is its own resolution.
            prop_assert_eq!(TARGET.resolve(&resolved).is_some(), !resolved.starts_with("//"));
        }
    }
}
