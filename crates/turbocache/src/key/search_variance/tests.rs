use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn variance(lines: &[&str]) -> Option<SearchVariance> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(NO_VARY_SEARCH, HeaderValue::from_str(line).unwrap());
    }
    SearchVariance::of(&headers)
}

fn simplified(line: &str, target: &str) -> String {
    let mut simplified = Vec::new();
    variance(&[line])
        .unwrap()
        .simplify(target.as_bytes(), &mut simplified);
    String::from_utf8(simplified).unwrap()
}

#[test]
fn a_field_that_says_nothing_or_nothing_valid_leaves_the_query_as_it_is() {
    let many = format!("params=({})", "\"a\" ".repeat(65).trim_end());
    // Those of the draft, "Examples" of "Obtain a URL search variance".
    let fields = [
        "",
        "unknown-key",
        "key-order=\"not a boolean\"",
        "params=\"not a boolean or inner list\"",
        "params=(not-a-string)",
        "params=(\"a\"), except=(\"x\")",
        "params=(), except=()",
        "params=?0, except=(\"x\")",
        "params, except=(not-a-string)",
        "params, except=\"not an inner list\"",
        "params, except=?1",
        "except=(\"x\")",
        "except=()",
        "params=?0",
        "params=()",
        "key-order=?0",
        // One bad character voids all of it (RFC 9651 §4.2).
        "params, key-order, %",
        "params; =",
        "key-order=(\"a\")",
        &many,
    ];
    for field in fields {
        assert_eq!(variance(&[field]), None, "{field}");
    }
    assert_eq!(variance(&[]), None, "no field");
}

#[test]
fn fields_that_say_the_same_are_the_same() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["params"], &["params=?1"]),
        (&["params"], &["params, except=()"]),
        (&["key-order"], &["key-order=?1, params=?0"]),
        (
            &["params, key-order, except=(\"x\")"],
            &["key-order, params, except=(\"x\")"],
        ),
        (&["params=(\"a\" \"b\")"], &["params=(\"b\" \"a\" \"b\")"]),
        (&["params=(\"a b\")"], &["params=(\"%61+b\")"]),
        (&["params=(\"a\")"], &["unknown=1, params=(\"a\";x);y"]),
        (&["params, except=(\"x\")"], &["params", "except=(\"x\")"]),
        (&["params=(\"a\")"], &["params=(\"b\"), params=(\"a\")"]),
    ];
    for (one, other) in cases {
        assert!(variance(one).is_some(), "{one:?}");
        assert_eq!(variance(one), variance(other), "{one:?} and {other:?}");
    }
}

#[test]
fn fields_that_say_something_else_are_not() {
    let fields = [
        "key-order",
        "params",
        "params, key-order",
        "params=(\"a\")",
        "params=(\"a&b\")",
        "params=(\"a\" \"b\")",
        "params=(\"a\"), key-order",
        "params, except=(\"a\")",
        "params, except=(\"a\"), key-order",
    ];
    for (at, one) in fields.iter().enumerate() {
        for other in &fields[at + 1..] {
            assert_ne!(variance(&[one]), variance(&[other]), "{one} and {other}");
        }
    }
}

#[test]
fn targets_that_are_equivalent() {
    let cases = [
        ("no query and an empty one", "key-order", "/", "/?"),
        (
            "an encoded name and value",
            "key-order",
            "/?a=x",
            "/?%61=%78",
        ),
        ("a byte beyond ASCII", "key-order", "/?a=é", "/?a=%C3%A9"),
        (
            "nothing between two signs",
            "key-order",
            "/?a=x&&&&",
            "/?a=x",
        ),
        ("no value and an empty one", "key-order", "/?a=", "/?a"),
        ("a plus is a space", "key-order", "/?a=%20", "/?a=+"),
        ("another order", "key-order", "/?a=1&b=2", "/?b=2&a=1"),
        (
            "one that does not count",
            "params=(\"a\")",
            "/?a=1&b=2",
            "/?b=2",
        ),
        ("two of them", "params=(\"a\" \"b\")", "/?a=1&b=2", "/"),
        ("its value", "params=(\"a\")", "/?a=1&b=2", "/?b=2&a=2"),
        ("its encoded name", "params=(\"a\")", "/?%61=1", "/"),
        (
            "an encoded name in the field",
            "params=(\"%C3%A9+%E6%B0%97\")",
            "/?%C3%A9%20気=3",
            "/",
        ),
        ("anything", "params", "/?a=1&b", "/?c"),
        (
            "anything else",
            "params, except=(\"a\")",
            "/?a=1&b=2",
            "/?c&a=1",
        ),
    ];
    for (name, field, one, other) in cases {
        assert_eq!(simplified(field, one), simplified(field, other), "{name}");
    }
}

#[test]
fn targets_that_are_not() {
    let cases = [
        ("paths", "params", "/p", "/q"),
        ("the encoding of a path", "params", "/%70", "/p"),
        ("values", "key-order", "/?a=1", "/?a=2"),
        (
            "the order, where it counts",
            "params=(\"x\")",
            "/?a=1&b=2",
            "/?b=2&a=1",
        ),
        (
            "the order of values of one name",
            "key-order",
            "/?a=1&a=2",
            "/?a=2&a=1",
        ),
        ("how often", "key-order", "/?a=1", "/?a=1&a=1"),
        ("the case of a name", "params=(\"a\")", "/?A=1", "/"),
        (
            "one of those that count",
            "params, except=(\"a\")",
            "/?a=1",
            "/?a=2",
        ),
        (
            "another reading of it",
            "params, except=(\"a\")",
            "/?a[]=1",
            "/",
        ),
        (
            "a sign that is encoded",
            "key-order",
            "/?a=1&b=2",
            "/?a=1%26b=2",
        ),
        (
            "an equals sign in a value",
            "key-order",
            "/?a=b=c",
            "/?a%3Db=c",
        ),
        (
            "a semicolon, which some take for an ampersand",
            "params=(\"a\")",
            "/?a=1;b=2",
            "/?a=1",
        ),
        (
            "a semicolon, which no longer divides once it is encoded",
            "params=(\"utm\")",
            "/?q=x;page=2",
            "/?q=x%3Bpage%3D2",
        ),
        (
            "the order of what a semicolon divides",
            "key-order",
            "/?a=1;b=2&b=3",
            "/?b=3&a=1;b=2",
        ),
        (
            "bytes that are no UTF-8",
            "key-order",
            "/?a=%F6",
            "/?a=%EF%BF%BD",
        ),
    ];
    for (name, field, one, other) in cases {
        assert_ne!(simplified(field, one), simplified(field, other), "{name}");
    }
}

/// The draft's "Comparing", step by step, over bytes.
fn equivalent(only: bool, any_order: bool, names: &[&str], one: &str, other: &str) -> bool {
    let read = |query: &str| {
        let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query::parameters(query)
            .filter(|parameter| !parameter.is_empty())
            .map(|parameter| {
                (
                    parameter.name().into_owned(),
                    parameter.value().into_owned(),
                )
            })
            .filter(|(name, _)| names.iter().any(|known| known.as_bytes() == name) == only)
            .collect();
        if any_order {
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
        }
        pairs
    };
    read(one) == read(other)
}

/// Two queries at random are hardly ever equivalent, so some of them are one in
/// another order.
fn two_queries(alphabet: &str) -> impl Strategy<Value = (String, String)> {
    let query = || prop::string::string_regex(&format!("{alphabet}{{0,12}}")).unwrap();
    (query(), query(), any::<bool>()).prop_map(|(one, other, shuffled)| {
        let reversed = one.split('&').rev().collect::<Vec<_>>().join("&");
        (one, if shuffled { reversed } else { other })
    })
}

fn simplify_to_one(only: bool, any_order: bool, names: &[&str], one: &str, other: &str) -> bool {
    let names = names.iter().map(|name| name.as_bytes().to_vec()).collect();
    let variance = SearchVariance::new(any_order, only, names);
    let simplify = |query: &str| {
        let mut simplified = Vec::new();
        variance.simplify(format!("/p?{query}").as_bytes(), &mut simplified);
        simplified
    };
    simplify(one) == simplify(other)
}

proptest! {
    #[test]
    fn two_targets_are_simplified_to_one_if_they_are_equivalent(
        (one, other) in two_queries("[ab=&%61]"),
        only in any::<bool>(),
        any_order in any::<bool>(),
        names in prop::sample::subsequence(vec!["a", "b", "ab"], 0..=3),
    ) {
        prop_assert_eq!(
            simplify_to_one(only, any_order, &names, &one, &other),
            equivalent(only, any_order, &names, &one, &other)
        );
    }

    #[test]
    fn whatever_is_strange_about_them_it_is_so_only_if_they_are_equivalent(
        (one, other) in two_queries("[aAb=&%61+;.\\[]"),
        only in any::<bool>(),
        any_order in any::<bool>(),
        names in prop::sample::subsequence(vec!["a", "b", "ab"], 0..=3),
    ) {
        if simplify_to_one(only, any_order, &names, &one, &other) {
            prop_assert!(equivalent(only, any_order, &names, &one, &other));
        }
    }

    #[test]
    fn no_field_makes_the_parser_panic(field in "[ -~]{0,40}") {
        variance(&[&field]);
    }
}
