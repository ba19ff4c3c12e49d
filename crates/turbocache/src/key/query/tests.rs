use proptest::prelude::*;

use super::*;

#[test]
fn what_is_left_of_a_query() {
    let ignore = QueryRules::Ignore(Names::new(["utm_*", "gclid"]));
    let keep = QueryRules::Keep(Names::new(["page", "filter_*"]));
    let cases = [
        ("no query", &ignore, "/p", "/p"),
        ("nothing to ignore", &ignore, "/p?b=2&a=1", "/p?b=2&a=1"),
        (
            "one that is named",
            &ignore,
            "/p?a=1&gclid=x&b=2",
            "/p?a=1&b=2",
        ),
        (
            "one with the prefix",
            &ignore,
            "/p?utm_source=x&a=1",
            "/p?a=1",
        ),
        ("all of it", &ignore, "/p?utm_source=x&gclid=y", "/p"),
        ("without a value", &ignore, "/p?gclid&a", "/p?a"),
        ("an encoded name", &ignore, "/p?%67clid=x&a=1", "/p?a=1"),
        (
            "a name that is only longer",
            &ignore,
            "/p?gclids=x",
            "/p?gclids=x",
        ),
        (
            "a name in another case",
            &ignore,
            "/p?GCLID=x",
            "/p?GCLID=x",
        ),
        (
            "what is kept stays as it was sent",
            &ignore,
            "/p?gclid=x&%61=%7e&&b",
            "/p?%61=%7e&&b",
        ),
        ("an empty query", &ignore, "/p?", "/p?"),
        (
            "a second parameter behind a semicolon",
            &ignore,
            "/p?utm_source=x;page=9",
            "/p?utm_source=x;page=9",
        ),
        ("one to keep", &keep, "/p?a=1&page=2", "/p?page=2"),
        (
            "one to keep by its prefix",
            &keep,
            "/p?filter_a=1&b",
            "/p?filter_a=1",
        ),
        ("nothing to keep", &keep, "/p?a=1&b=2", "/p"),
        ("an empty query has nothing to keep", &keep, "/p?", "/p"),
        (
            "twice, which some read differently",
            &keep,
            "/p?page=1&a&page=2",
            "/p?page=1&page=2",
        ),
        (
            "an array",
            &keep,
            "/p?page[]=1&page[a]=2&x",
            "/p?page[]=1&page[a]=2",
        ),
        (
            "a dot that PHP reads as another sign",
            &keep,
            "/p?filter.a=1&x",
            "/p?filter.a=1",
        ),
        (
            "a space that PHP reads over",
            &keep,
            "/p?+page=1&x",
            "/p?+page=1",
        ),
        ("another case", &keep, "/p?Page=1&x", "/p?Page=1"),
        (
            "an encoded bracket",
            &keep,
            "/p?page%5B%5D=1&x",
            "/p?page%5B%5D=1",
        ),
        ("a semicolon", &keep, "/p?x=1;page=2", "/p?x=1;page=2"),
    ];
    for (name, rules, target, left) in cases {
        assert_eq!(rules.apply(target), left, "{name}");
        assert_eq!(
            rules.apply(left),
            left,
            "{name}: nothing is left to be left out"
        );
    }
}

#[test]
fn a_query_is_as_it_was_sent_unless_told_otherwise() {
    let all = QueryRules::default();
    assert!(matches!(
        all.apply("/p?utm_source=x&&"),
        Cow::Borrowed("/p?utm_source=x&&")
    ));
}

#[test]
fn a_star_alone_is_for_every_name() {
    let rules = QueryRules::Ignore(Names::new(["*"]));
    assert_eq!(rules.apply("/p?a=1&b"), "/p");
}

#[test]
fn percent_encoding_that_is_none_stays() {
    let cases = [
        ("a+b", "a b"),
        ("%41%4a%4A", "AJJ"),
        ("%", "%"),
        ("%4", "%4"),
        ("%4g%%34", "%4g%4"),
        ("%2B", "+"),
    ];
    for (text, decoded) in cases {
        assert_eq!(&*decode(text.as_bytes()), decoded.as_bytes(), "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_again(text in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut encoded = Vec::new();
        encode(&text, &mut encoded);
        prop_assert!(encoded.iter().all(u8::is_ascii_graphic));
        prop_assert!(!encoded.iter().any(|byte| b"?&=;".contains(byte)));
        prop_assert_eq!(&*decode(&encoded), &text[..]);
    }

    #[test]
    fn an_application_that_reads_what_counts_reads_the_same(
        query in "[abu=&;%+\\[\\]1]{0,20}",
    ) {
        // What a form parser finds under a name that is not ignored, or under one
        // that is kept, is found in what is left.
        let read = |target: &str, wanted: &dyn Fn(&[u8]) -> bool| -> Vec<(Vec<u8>, Vec<u8>)> {
            let query = target.split_once('?').map_or("", |parts| parts.1);
            parameters(query)
                .filter(|parameter| !parameter.is_empty() && wanted(&parameter.name()))
                .map(|parameter| (parameter.name().into_owned(), parameter.value().into_owned()))
                .collect()
        };
        let target = format!("/p?{query}");
        let ignore = QueryRules::Ignore(Names::new(["u*"]));
        let not_ignored = |name: &[u8]| !name.starts_with(b"u");
        prop_assert_eq!(read(&target, &not_ignored), read(&ignore.apply(&target), &not_ignored));

        let keep = QueryRules::Keep(Names::new(["a"]));
        let kept = |name: &[u8]| name == b"a";
        prop_assert_eq!(read(&target, &kept), read(&keep.apply(&target), &kept));
    }
}
