use http::{
    HeaderValue,
    header::{ETAG, IF_RANGE, RANGE},
};
use proptest::prelude::*;

use super::*;

fn span(start: u64, end: u64) -> Span {
    Span::new(start, end).unwrap()
}

fn of(range: &str, length: u64) -> Verdict {
    let mut request = HeaderMap::new();
    request.insert(RANGE, HeaderValue::from_str(range).unwrap());
    verdict(&request, &HeaderMap::new(), length, MAX_RANGES)
}

#[test]
fn what_is_sent_of_ten_bytes() {
    let single = |start, end| Verdict::Single(span(start, end));
    let multipart = |spans: &[(u64, u64)]| {
        Verdict::Multipart(spans.iter().map(|(a, b)| span(*a, *b)).collect())
    };
    let cases = [
        ("§14.1.2", "the first byte", "bytes=0-0", single(0, 1)),
        ("§14.1.2", "from a byte on", "bytes=5-", single(5, 10)),
        ("§14.1.2", "the last byte", "bytes=-1", single(9, 10)),
        ("§14.1.2", "beyond the end", "bytes=8-100", single(8, 10)),
        (
            "§14.1.2",
            "a suffix that is longer than all of it",
            "bytes=-100",
            single(0, 10),
        ),
        ("§14.1.2", "all of it as a range", "bytes=0-", single(0, 10)),
        (
            "§15.5.17",
            "behind the end",
            "bytes=10-",
            Verdict::NotSatisfiable,
        ),
        (
            "§15.5.17",
            "far behind the end",
            "bytes=99999999999999999999-",
            Verdict::NotSatisfiable,
        ),
        (
            "§15.5.17",
            "an empty suffix",
            "bytes=-0",
            Verdict::NotSatisfiable,
        ),
        (
            "§15.5.17",
            "nothing of several",
            "bytes=10-11, 20-, -0",
            Verdict::NotSatisfiable,
        ),
        ("§14.2", "another unit", "lines=0-0", Verdict::Whole),
        ("§14.2", "an invalid range", "bytes=2-1", Verdict::Whole),
        (
            "§15.3.7.2",
            "several",
            "bytes=0-1, 4-5",
            multipart(&[(0, 2), (4, 6)]),
        ),
        (
            "§15.3.7.2",
            "in the order of the request",
            "bytes=-1, 0-0",
            multipart(&[(9, 10), (0, 1)]),
        ),
        (
            "§15.3.7.2",
            "one of several is there",
            "bytes=0-1, 50-",
            single(0, 2),
        ),
        (
            "§15.3.7.2",
            "neighbours",
            "bytes=0-1, 2-3",
            multipart(&[(0, 2), (2, 4)]),
        ),
        (
            "§14.2",
            "overlapping ones",
            "bytes=0-5, 5-7",
            Verdict::Whole,
        ),
        (
            "§14.2",
            "the same one twice",
            "bytes=0-0, 0-0",
            Verdict::Whole,
        ),
        (
            "§14.2",
            "overlapping ones that are not side by side",
            "bytes=0-5, 7-8, 1-2",
            Verdict::Whole,
        ),
        (
            "§14.2",
            "all of it in pieces",
            "bytes=5-, 0-4",
            Verdict::Whole,
        ),
    ];
    for (section, name, range, expected) in cases {
        assert_eq!(of(range, 10), expected, "{section}: {name}");
    }
}

#[test]
fn what_is_sent_of_nothing() {
    let cases = [
        ("from the first byte on", "bytes=0-", Verdict::Whole),
        ("a suffix", "bytes=-5", Verdict::Whole),
        ("an empty suffix", "bytes=-0", Verdict::NotSatisfiable),
        (
            "what would be behind a first byte",
            "bytes=1-",
            Verdict::NotSatisfiable,
        ),
    ];
    for (name, range, expected) in cases {
        assert_eq!(of(range, 0), expected, "{name}");
    }
}

#[test]
fn more_ranges_than_the_limit_are_the_whole() {
    let ranges = |count: usize| {
        let members: Vec<_> = (0..count).map(|at| format!("{0}-{0}", at * 2)).collect();
        of(&format!("bytes={}", members.join(",")), 1000)
    };
    assert!(matches!(ranges(16), Verdict::Multipart(spans) if spans.len() == 16));
    assert_eq!(ranges(17), Verdict::Whole);
}

#[test]
fn a_condition_that_does_not_hold_means_the_whole() {
    let mut request = HeaderMap::new();
    request.insert(RANGE, HeaderValue::from_static("bytes=0-0"));
    request.insert(IF_RANGE, HeaderValue::from_static("\"a\""));
    let mut stored = HeaderMap::new();
    for (etag, expected) in [
        ("\"a\"", Verdict::Single(span(0, 1))),
        ("\"b\"", Verdict::Whole),
    ] {
        stored.insert(ETAG, HeaderValue::from_static(etag));
        assert_eq!(
            verdict(&request, &stored, 10, MAX_RANGES),
            expected,
            "{etag}"
        );
    }
}

#[test]
fn a_condition_without_a_range_means_nothing() {
    let mut request = HeaderMap::new();
    request.insert(IF_RANGE, HeaderValue::from_static("\"a\""));
    assert_eq!(
        verdict(&request, &HeaderMap::new(), 10, MAX_RANGES),
        Verdict::Whole
    );
}

proptest! {
    #[test]
    fn nobody_is_sent_more_than_there_is(range in "bytes=[0-9]{0,2}-[0-9]{0,2}(, ?[0-9]{0,2}-[0-9]{0,2}){0,20}", length in 0..100_u64) {
        let spans = match of(&range, length) {
            Verdict::Whole | Verdict::NotSatisfiable => Vec::new(),
            Verdict::Single(span) => vec![span],
            Verdict::Multipart(spans) => {
                prop_assert!((2..=MAX_RANGES).contains(&spans.len()));
                spans
            }
        };
        prop_assert!(spans.iter().all(|span| span.end() <= length));
        prop_assert!(spans.iter().map(|span| span.len()).sum::<u64>() <= length);
    }
}
