use proptest::prelude::*;

use super::*;

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn group(name: &str) -> Tag {
    Tag::Group(name.into())
}

fn tag(name: &str) -> Tag {
    Tag::Tag(name.as_bytes().into())
}

#[test]
fn the_names_of_a_response() {
    let cases: &[(&str, &str, &[(&str, &str)], &[Tag])] = &[
        ("§2", "no field", &[], &[]),
        ("§2", "a group", &[("cache-groups", "\"a\"")], &[group("a")]),
        (
            "§2",
            "several, one of them twice",
            &[("cache-groups", "\"a\", \"b c\", \"a\"")],
            &[group("a"), group("b c")],
        ),
        (
            "RFC 9651 §3.1",
            "over several lines",
            &[("cache-groups", "\"a\""), ("cache-groups", "\"b\"")],
            &[group("a"), group("b")],
        ),
        (
            "§2",
            "parameters, which are ignored",
            &[("cache-groups", "\"a\";revalidate;x=1")],
            &[group("a")],
        ),
        (
            "§2.1",
            "the case of a group counts",
            &[("cache-groups", "\"a\", \"A\"")],
            &[group("a"), group("A")],
        ),
        (
            "RFC 9651 §3.3.3",
            "escapes",
            &[("cache-groups", "\"a\\\"b\\\\\"")],
            &[group("a\"b\\")],
        ),
        (
            "RFC 9651 §3.1",
            "an empty list",
            &[("cache-groups", "")],
            &[],
        ),
        (
            "Surrogate-Key",
            "divided by spaces",
            &[("surrogate-key", "a b,c   d"), ("surrogate-key", "e")],
            &[tag("a"), tag("b,c"), tag("d"), tag("e")],
        ),
        (
            "Cache-Tag",
            "divided by commas",
            &[("cache-tag", "a, b c ,,d"), ("cache-tag", "e")],
            &[tag("a"), tag("b c"), tag("d"), tag("e")],
        ),
        (
            "both",
            "the same tag in both fields, and a group of that name",
            &[
                ("cache-tag", "a"),
                ("surrogate-key", "a"),
                ("cache-groups", "\"a\""),
            ],
            &[group("a"), tag("a")],
        ),
    ];
    for (section, name, fields, expected) in cases {
        let read = of(&headers(fields));
        assert_eq!(read.as_deref(), Ok(*expected), "{section}: {name}");
    }
}

#[test]
fn names_that_cannot_be_kept_are_a_reason_not_to_store() {
    let long = "x".repeat(1025);
    let many: Vec<_> = (0..257).map(|number| number.to_string()).collect();
    let cases: &[(&str, &'static str, &str, Untaggable)] = &[
        ("a token", "cache-groups", "a", Untaggable::Malformed),
        (
            "an inner list",
            "cache-groups",
            "(\"a\")",
            Untaggable::Malformed,
        ),
        (
            "a good one and a bad one",
            "cache-groups",
            "\"a\", 1",
            Untaggable::Malformed,
        ),
        (
            "a quote that is not closed",
            "cache-groups",
            "\"a",
            Untaggable::Malformed,
        ),
        (
            "a long group",
            "cache-groups",
            &format!("\"{long}\""),
            Untaggable::TooMany,
        ),
        ("a long key", "surrogate-key", &long, Untaggable::TooMany),
        ("a long tag", "cache-tag", &long, Untaggable::TooMany),
        (
            "many keys",
            "surrogate-key",
            &many.join(" "),
            Untaggable::TooMany,
        ),
        (
            "many tags",
            "cache-tag",
            &many.join(","),
            Untaggable::TooMany,
        ),
    ];
    for (name, field, value, reason) in cases {
        assert_eq!(of(&headers(&[(field, value)])), Err(*reason), "{name}");
    }
}

#[test]
fn the_reasons_are_words_that_cache_status_takes() {
    for reason in [Untaggable::Malformed, Untaggable::TooMany] {
        assert!(crate::policy::list::is_token(reason.as_str().as_bytes()));
    }
}

#[test]
fn as_many_names_as_fit_are_kept() {
    let names: Vec<_> = (0..MAX_TAGS)
        .map(|number| format!("{number:0>1024}"))
        .collect();
    let tags = of(&headers(&[("cache-tag", &names.join(","))])).unwrap();
    assert_eq!(tags.len(), MAX_TAGS);
}

#[test]
fn the_groups_that_a_response_invalidates() {
    let cases: &[(&str, &[&str], &[Tag])] = &[
        ("no field", &[], &[]),
        (
            "groups",
            &["\"a\", \"b\";x", "\"c\""],
            &[group("a"), group("b"), group("c")],
        ),
        ("what is no list of strings", &["\"a\", b"], &[]),
        ("what is no list", &["\"a\","], &[]),
    ];
    for (name, lines, expected) in cases {
        let fields: Vec<_> = lines
            .iter()
            .map(|line| ("cache-group-invalidation", *line))
            .collect();
        assert_eq!(invalidated(&headers(&fields)), *expected, "{name}");
    }
}

#[test]
fn a_client_sees_only_what_is_for_every_cache() {
    let mut response = headers(&[
        ("cache-groups", "\"a\""),
        ("cache-group-invalidation", "\"a\""),
        ("cache-tag", "a"),
        ("surrogate-key", "a"),
        ("surrogate-key", "b"),
        ("etag", "\"a\""),
    ]);
    strip(&mut response);
    let mut names: Vec<_> = response.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-group-invalidation", "cache-groups", "etag"]);
}

proptest! {
    #[test]
    fn any_list_of_strings_is_read_as_it_was_written(
        names in prop::collection::vec("[ -~]{0,20}", 1..20),
    ) {
        let quoted: Vec<_> = names
            .iter()
            .map(|name| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        let read = invalidated(&headers(&[("cache-group-invalidation", &quoted.join(", "))]));
        let expected: Vec<_> = names.iter().map(|name| group(name)).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_field_makes_the_parsers_panic(field in "[ -~]{0,40}") {
        let fields = ["cache-groups", "cache-group-invalidation", "surrogate-key", "cache-tag"];
        let response = headers(&fields.map(|name| (name, field.as_str())));
        let _ = of(&response);
        invalidated(&response);
    }
}
