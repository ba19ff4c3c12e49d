use proptest::prelude::*;

use super::{RangeSpec::*, *};

fn fields(name: &http::HeaderName, lines: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(name, HeaderValue::from_str(line).unwrap());
    }
    headers
}

#[test]
fn what_is_read_from_a_range_field() {
    let cases: &[(&str, &str, &[&str], Option<&[RangeSpec]>)] = &[
        ("§14.2", "no field", &[], None),
        (
            "§14.1.2",
            "a first and a last byte",
            &["bytes=0-499"],
            Some(&[Between(0, 499)]),
        ),
        (
            "§14.1.2",
            "one byte",
            &["bytes=7-7"],
            Some(&[Between(7, 7)]),
        ),
        ("§14.1.2", "from a byte on", &["bytes=5-"], Some(&[From(5)])),
        ("§14.1.2", "a suffix", &["bytes=-500"], Some(&[Suffix(500)])),
        (
            "§14.1.2",
            "an empty suffix, which is valid",
            &["bytes=-0"],
            Some(&[Suffix(0)]),
        ),
        (
            "§14.1",
            "the unit in any case",
            &["BYTES=1-"],
            Some(&[From(1)]),
        ),
        (
            "§14.1.1",
            "several, in their order",
            &["bytes=9-, -2 ,\t0-0"],
            Some(&[From(9), Suffix(2), Between(0, 0)]),
        ),
        (
            "§5.6.1.2",
            "empty members",
            &["bytes=,, 1-2 ,"],
            Some(&[Between(1, 2)]),
        ),
        (
            "§14.1.2",
            "a number too great to hold",
            &["bytes=0-99999999999999999999999"],
            Some(&[Between(0, u64::MAX)]),
        ),
        ("§14.2", "another unit", &["lines=1-2"], None),
        ("§14.1", "no unit", &["1-2"], None),
        ("§14.1.1", "no ranges", &["bytes="], None),
        ("§14.1.1", "empty members only", &["bytes=, ,"], None),
        ("§14.1.1", "the last before the first", &["bytes=5-4"], None),
        ("§14.1.1", "nothing on either side", &["bytes=-"], None),
        ("§14.1.1", "no hyphen", &["bytes=5"], None),
        ("§14.1.1", "two hyphens", &["bytes=1-2-3"], None),
        ("§14.1.1", "a sign", &["bytes=+1-2"], None),
        ("§14.1.1", "a space inside", &["bytes=1 -2"], None),
        (
            "§14.1.1",
            "something strange behind a good one",
            &["bytes=1-2, x"],
            None,
        ),
        ("§14.2", "several fields", &["bytes=1-2", "bytes=1-2"], None),
        (
            "a limit of four",
            "just as many",
            &["bytes=1-,2-,3-,4-"],
            Some(&[From(1), From(2), From(3), From(4)]),
        ),
        (
            "a limit of four",
            "one too many",
            &["bytes=1-,2-,3-,4-,5-"],
            None,
        ),
    ];
    for (section, name, lines, expected) in cases {
        let read = requested(&fields(&RANGE, lines), 4);
        assert_eq!(read.as_deref(), *expected, "{section}: {name}");
    }
}

#[test]
fn what_is_read_from_a_content_range_field() {
    let range = |start, end, length| {
        let span = Span::new(start, end).unwrap();
        Some(ContentRange { span, length })
    };
    let cases: &[(&str, &str, &[&str], Option<ContentRange>)] = &[
        ("§14.4", "no field", &[], None),
        (
            "§14.4",
            "a part of a known whole",
            &["bytes 42-1233/1234"],
            range(42, 1234, 1234),
        ),
        (
            "§14.1",
            "the unit in any case",
            &["Bytes 0-0/1"],
            range(0, 1, 1),
        ),
        (
            "§14.4",
            "a whole of unknown length",
            &["bytes 42-1233/*"],
            None,
        ),
        ("§14.4", "an unsatisfied range", &["bytes */1234"], None),
        ("§14.4", "another unit", &["lines 1-2/3"], None),
        (
            "§14.4",
            "the last before the first",
            &["bytes 5-4/10"],
            None,
        ),
        (
            "§14.4",
            "a last one beyond the whole",
            &["bytes 0-10/10"],
            None,
        ),
        ("§14.4", "no length", &["bytes 0-10"], None),
        ("§14.4", "a suffix", &["bytes -5/10"], None),
        ("§14.4", "an open end", &["bytes 5-/10"], None),
        (
            "§14.4",
            "the greatest numbers",
            &["bytes 0-18446744073709551615/18446744073709551615"],
            None,
        ),
        (
            "§14.4",
            "several fields",
            &["bytes 0-0/1", "bytes 0-0/1"],
            None,
        ),
    ];
    for (section, name, lines, expected) in cases {
        let read = ContentRange::of(&fields(&CONTENT_RANGE, lines));
        assert_eq!(read, *expected, "{section}: {name}");
    }
}

#[test]
fn a_part_is_as_long_as_it_is_and_not_as_it_says() {
    let part = |start, end, length| {
        let span = Span::new(start, end).unwrap();
        ContentRange { span, length }
    };
    let cases = [
        (
            "as long as it says",
            part(4, 9, 10),
            5,
            Some(part(4, 9, 10)),
        ),
        (
            "longer is for others to refuse",
            part(4, 9, 10),
            9,
            Some(part(4, 9, 10)),
        ),
        (
            "shorter, in the middle",
            part(4, 9, 20),
            3,
            Some(part(4, 7, 20)),
        ),
        (
            "shorter, and to the end",
            part(4, 10, 10),
            5,
            Some(part(4, 9, 9)),
        ),
        ("nothing", part(4, 10, 10), 0, None),
    ];
    for (name, says, length, expected) in cases {
        assert_eq!(says.cut_to(length), expected, "{name}");
    }
}

#[test]
fn what_is_missing_is_asked_for_up_to_the_end_if_it_goes_so_far() {
    let ask = |start, end| ask_for(Span::new(start, end).unwrap(), 10);
    assert_eq!(ask(5, 10), "bytes=5-");
    assert_eq!(ask(5, 8), "bytes=5-7");
}

/// The bytes of a representation of `length` that `spec` selects, by looking at
/// each of them.
fn selected(spec: RangeSpec, length: u64) -> Vec<u64> {
    let is_in = |at: &u64| match spec {
        Between(first, last) => first <= *at && *at <= last,
        From(first) => first <= *at,
        Suffix(suffix) => length - at <= suffix,
    };
    (0..length).filter(is_in).collect()
}

fn any_spec() -> impl Strategy<Value = RangeSpec> {
    prop_oneof![
        (0..40_u64, 0..40_u64).prop_map(|(first, more)| Between(first, first + more)),
        (0..40_u64).prop_map(From),
        (0..40_u64).prop_map(Suffix),
    ]
}

fn written(spec: RangeSpec) -> String {
    match spec {
        Between(first, last) => format!("{first}-{last}"),
        From(first) => format!("{first}-"),
        Suffix(suffix) => format!("-{suffix}"),
    }
}

proptest! {
    #[test]
    fn a_range_selects_what_looking_at_each_byte_selects(spec in any_spec(), length in 0..40_u64) {
        let span = spec.of(length);
        let bytes: Vec<u64> = span.map_or(0..0, |span| span.start()..span.end()).collect();
        prop_assert_eq!(bytes, selected(spec, length));
    }

    #[test]
    fn what_is_written_is_read_again(specs in prop::collection::vec(any_spec(), 1..16)) {
        let members: Vec<_> = specs.iter().copied().map(written).collect();
        let line = format!("bytes={}", members.join(", "));
        prop_assert_eq!(requested(&fields(&RANGE, &[&line]), 16), Some(specs));
    }

    #[test]
    fn a_content_range_that_is_written_is_read_again(start in 0..40_u64, len in 1..40_u64, more in 0..40_u64) {
        let range = ContentRange {
            span: Span::new(start, start + len).unwrap(),
            length: start + len + more,
        };
        let line = range.field();
        prop_assert_eq!(ContentRange::of(&fields(&CONTENT_RANGE, &[line.to_str().unwrap()])), Some(range));
    }

    #[test]
    fn no_field_makes_the_parsers_panic(text in "[ -~]{0,40}", tail in "[-0-9,/* ]{0,20}") {
        for line in [text, format!("bytes={tail}"), format!("bytes {tail}")] {
            requested(&fields(&RANGE, &[&line]), 16);
            ContentRange::of(&fields(&CONTENT_RANGE, &[&line]));
        }
    }
}
