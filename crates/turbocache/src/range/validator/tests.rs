use super::*;

const NINE: &str = "Sun, 06 Nov 1994 08:49:09 GMT";
const TEN: &str = "Sun, 06 Nov 1994 08:49:10 GMT";

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

#[test]
fn when_the_parts_that_are_asked_for_may_be_sent() {
    let tagged: &[(&str, &str)] = &[("etag", "\"a\""), ("last-modified", NINE), ("date", TEN)];
    let dated: &[(&str, &str)] = &[("last-modified", NINE), ("date", TEN)];
    let cases: &[(&str, &str, &[&str], &[(&str, &str)], bool)] = &[
        ("§13.1.5", "no condition", &[], &[], true),
        ("§13.1.5", "the same tag", &["\"a\""], tagged, true),
        ("§13.1.5", "another tag", &["\"b\""], tagged, false),
        ("§8.8.3.2", "a weak tag", &["W/\"a\""], tagged, false),
        (
            "§8.8.3.2",
            "the same weak tag on both sides",
            &["W/\"a\""],
            &[("etag", "W/\"a\"")],
            false,
        ),
        (
            "§8.8.3.2",
            "a strong one against a weak one",
            &["\"a\""],
            &[("etag", "W/\"a\"")],
            false,
        ),
        (
            "§13.1.5",
            "a tag, and nothing to compare",
            &["\"a\""],
            dated,
            false,
        ),
        (
            "§13.1.5",
            "several tags, which it cannot have",
            &["\"a\", \"b\""],
            tagged,
            false,
        ),
        ("§13.1.5", "the same date", &[NINE], dated, true),
        (
            "§13.1.5",
            "the same date beside a tag",
            &[NINE],
            tagged,
            true,
        ),
        ("§13.1.5", "a later date", &[TEN], dated, false),
        (
            "§13.1.5",
            "a date, and nothing to compare",
            &[NINE],
            &[],
            false,
        ),
        (
            "§8.8.2.2",
            "a date within the second in which the response was made",
            &[NINE],
            &[("last-modified", NINE), ("date", NINE)],
            false,
        ),
        (
            "§8.8.2.2",
            "a date, and no telling when the response was made",
            &[NINE],
            &[("last-modified", NINE)],
            false,
        ),
        ("§13.1.5", "no date", &["yesterday"], dated, false),
        (
            "§13.1.5",
            "what is no date on either side",
            &["yesterday"],
            &[("last-modified", "yesterday"), ("date", TEN)],
            false,
        ),
        (
            "§13.1.5",
            "several conditions",
            &["\"a\"", "\"a\""],
            tagged,
            false,
        ),
    ];
    for (section, name, conditions, stored, expected) in cases {
        let request: Vec<_> = conditions.iter().map(|line| ("if-range", *line)).collect();
        let holds = if_range(&headers(&request), &headers(stored));
        assert_eq!(holds, *expected, "{section}: {name}");
    }
}

#[test]
fn what_counts_as_a_strong_validator() {
    let cases: &[(&str, &str, &[(&str, &str)], Option<&str>)] = &[
        ("§8.8.3", "a tag", &[("etag", "\"a\"")], Some("\"a\"")),
        ("§8.8.3", "an empty one", &[("etag", "\"\"")], Some("\"\"")),
        ("§8.8.3", "a weak one", &[("etag", "W/\"a\"")], None),
        (
            "§8.8.1",
            "a weak one, which says more than a date",
            &[("etag", "W/\"a\""), ("last-modified", NINE), ("date", TEN)],
            None,
        ),
        ("§8.8.3", "no quotes", &[("etag", "a")], None),
        ("§8.8.3", "one quote", &[("etag", "\"")], None),
        ("§8.8.3", "a quote inside", &[("etag", "\"a\"b\"")], None),
        (
            "§8.8.3",
            "two",
            &[("etag", "\"a\""), ("etag", "\"b\"")],
            None,
        ),
        (
            "§8.8.2.2",
            "a date of a second ago",
            &[("last-modified", NINE), ("date", TEN)],
            Some(NINE),
        ),
        (
            "§8.8.2.2",
            "a date of the future",
            &[("last-modified", TEN), ("date", NINE)],
            None,
        ),
        ("§8.8", "nothing", &[], None),
    ];
    for (section, name, fields, expected) in cases {
        let stored = headers(fields);
        let validator = StrongValidator::of(&stored);
        let read = validator.map(StrongValidator::if_range);
        assert_eq!(
            read.as_ref().map(|value| value.to_str().unwrap()),
            *expected,
            "{section}: {name}"
        );
        // What the cache asks with is what it would accept itself.
        if let Some(condition) = read {
            let request = headers(&[("if-range", condition.to_str().unwrap())]);
            assert!(if_range(&request, &stored), "{section}: {name}");
        }
    }
}

#[test]
fn parts_belong_together_by_a_strong_validator_only() {
    let cases: &[(&str, &str, &[(&str, &str)], &[(&str, &str)], bool)] = &[
        (
            "§15.3.7.3",
            "the same tag",
            &[("etag", "\"a\"")],
            &[("etag", "\"a\""), ("last-modified", NINE), ("date", TEN)],
            true,
        ),
        (
            "§15.3.7.3",
            "another tag",
            &[("etag", "\"a\"")],
            &[("etag", "\"b\"")],
            false,
        ),
        (
            "§8.8.3.2",
            "the same weak tag",
            &[("etag", "W/\"a\"")],
            &[("etag", "W/\"a\"")],
            false,
        ),
        (
            "§8.8.2.2",
            "the same date, which is strong",
            &[("last-modified", NINE), ("date", TEN)],
            &[("last-modified", NINE), ("date", TEN)],
            true,
        ),
        (
            "§8.8.2.2",
            "the same date, which is weak in one of them",
            &[("last-modified", NINE), ("date", TEN)],
            &[("last-modified", NINE), ("date", NINE)],
            false,
        ),
        (
            "§15.3.7.3",
            "a tag in one, and a date in the other",
            &[("etag", "\"a\"")],
            &[("last-modified", NINE), ("date", TEN)],
            false,
        ),
        ("§15.3.7.3", "nothing", &[], &[], false),
    ];
    for (section, name, stored, received, expected) in cases {
        let shared = StrongValidator::is_shared(&headers(stored), &headers(received));
        assert_eq!(shared, *expected, "{section}: {name}");
    }
}
