use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn of(lines: &[&str]) -> Option<(String, bool)> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(ETAG, HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    EntityTag::of(&headers).map(|etag| {
        let whole = String::from_utf8_lossy(etag.as_bytes()).into_owned();
        (whole, etag.is_strong())
    })
}

#[test]
fn what_an_entity_tag_is() {
    let cases: &[(&str, &[&str], Option<bool>)] = &[
        ("none", &[], None),
        ("a strong one", &["\"a\""], Some(true)),
        ("an empty one", &["\"\""], Some(true)),
        ("a weak one", &["W/\"a\""], Some(false)),
        ("with a comma", &["\"a,b\""], Some(true)),
        (
            "with a backslash, which escapes nothing",
            &["\"a\\\""],
            Some(true),
        ),
        ("beyond ASCII", &["\"ä\""], Some(true)),
        ("with white space around it", &[" \"a\" "], Some(true)),
        ("with white space in it", &["\"a b\""], None),
        ("without quotes", &["a"], None),
        ("half quoted", &["\"a"], None),
        ("something behind it", &["\"a\"b"], None),
        ("a list", &["\"a\", \"b\""], None),
        ("two lines", &["\"a\"", "\"a\""], None),
        ("a small w", &["w/\"a\""], None),
        ("no slash", &["W\"a\""], None),
        ("a backslash for it", &["W\\\"a\""], None),
        ("nothing", &[""], None),
    ];
    for (name, lines, strong) in cases {
        assert_eq!(
            of(lines).map(|(_, strong)| strong),
            *strong,
            "RFC 9110 §8.8.3: {name}"
        );
    }
}

#[test]
fn which_entity_tags_are_in_a_list() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("nothing", "", &[]),
        ("one", "\"a\"", &["\"a\""]),
        (
            "several",
            "\"a\",W/\"b\" ,\t\"c\"",
            &["\"a\"", "W/\"b\"", "\"c\""],
        ),
        ("empty members", ",, \"a\" ,,", &["\"a\""]),
        ("a comma in one", "\"a,b\", \"c\"", &["\"a,b\"", "\"c\""]),
        (
            "what is none is passed over",
            "a, \"b\", W\"c\", \"d\"e, \"f\"",
            &["\"b\"", "\"f\""],
        ),
        ("one that does not end", "\"a\", \"b", &["\"a\""]),
    ];
    for (name, line, expected) in cases {
        let tags: Vec<_> = List(line.as_bytes())
            .map(|etag| String::from_utf8_lossy(etag.as_bytes()).into_owned())
            .collect();
        assert_eq!(tags, *expected, "RFC 9110 §13.1.2: {name}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        tags in prop::collection::vec(("(W/)?\"[!#-~]{0,6}\"", "[ \t]{0,2}"), 0..6),
    ) {
        let line: Vec<_> = tags.iter().map(|(tag, space)| format!("{space}{tag}{space}")).collect();
        let line = line.join(",");
        let read: Vec<_> = List(line.as_bytes()).map(EntityTag::as_bytes).collect();
        let written: Vec<_> = tags.iter().map(|(tag, _)| tag.as_bytes()).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn any_bytes_can_be_read(line in prop::collection::vec(any::<u8>(), 0..32)) {
        for etag in List(&line) {
            prop_assert!(EntityTag::parse(etag.as_bytes()).is_some_and(|(_, rest)| rest.is_empty()));
        }
    }
}
