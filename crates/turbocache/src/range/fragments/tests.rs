#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

use proptest::prelude::*;

use super::*;

fn span(start: u64, end: u64) -> Span {
    Span::new(start, end).unwrap()
}

fn range(start: u64, end: u64, length: u64) -> ContentRange {
    let span = span(start, end);
    ContentRange { span, length }
}

/// The bytes from `start` to `end` of a representation whose bytes are all
/// different.
fn content(start: u8, end: u8) -> Bytes {
    (start..end).collect()
}

fn ten(parts: &[(u8, u8)]) -> Fragments {
    let mut fragments = Fragments::new(10);
    for (start, end) in parts {
        fragments
            .insert(
                range((*start).into(), (*end).into(), 10),
                &content(*start, *end),
            )
            .unwrap();
    }
    fragments
}

fn read(fragments: &Fragments, span: Span) -> Vec<u8> {
    let mut pieces = Pieces::default();
    fragments.read(span, &mut pieces);
    std::iter::from_fn(|| pieces.pop()).flatten().collect()
}

#[test]
fn what_of_a_partly_stored_representation_can_be_sent() {
    let single = |start, end| Verdict::Single(span(start, end));
    let both = |one: (u64, u64), other: (u64, u64)| {
        Verdict::Multipart(vec![span(one.0, one.1), span(other.0, other.1)])
    };
    let cases: &[(&str, &str, &[(u8, u8)], Verdict, Option<Span>)] = &[
        (
            "§3.3",
            "a part of what is stored",
            &[(4, 9)],
            single(6, 9),
            None,
        ),
        ("§3.3", "just what is stored", &[(4, 9)], single(4, 9), None),
        (
            "§3.3",
            "something before it",
            &[(4, 9)],
            single(3, 5),
            Some(span(3, 4)),
        ),
        (
            "§3.3",
            "something behind it",
            &[(4, 9)],
            single(5, 10),
            Some(span(9, 10)),
        ),
        (
            "§3.3",
            "more on both sides",
            &[(4, 6)],
            single(2, 8),
            Some(span(2, 8)),
        ),
        (
            "§3.3",
            "nothing of it",
            &[(4, 6)],
            single(0, 2),
            Some(span(0, 2)),
        ),
        (
            "§3.3",
            "all of it",
            &[(0, 5)],
            Verdict::Whole,
            Some(span(5, 10)),
        ),
        (
            "§3.3",
            "nothing is stored",
            &[],
            Verdict::Whole,
            Some(span(0, 10)),
        ),
        (
            "§3.4",
            "over two neighbours",
            &[(0, 5), (5, 8)],
            single(3, 7),
            None,
        ),
        (
            "§3.4",
            "over a hole",
            &[(0, 3), (5, 8)],
            single(2, 7),
            Some(span(3, 5)),
        ),
        (
            "§3.4",
            "over two holes",
            &[(0, 2), (4, 5), (7, 10)],
            Verdict::Whole,
            Some(span(2, 7)),
        ),
        ("§3.4", "complete", &[(0, 6), (6, 10)], Verdict::Whole, None),
        (
            "§3.4",
            "complete with overlaps",
            &[(0, 6), (3, 10)],
            Verdict::Whole,
            None,
        ),
        (
            "§3.3",
            "several, all stored",
            &[(0, 2), (8, 10)],
            both((0, 1), (9, 10)),
            None,
        ),
        (
            "§3.3",
            "several, one missing",
            &[(0, 2)],
            both((0, 1), (9, 10)),
            Some(span(9, 10)),
        ),
        (
            "§15.5.17",
            "nothing that there is",
            &[(0, 2)],
            Verdict::NotSatisfiable,
            None,
        ),
    ];
    for (section, name, parts, verdict, missing) in cases {
        let answer = ten(parts).reuse(verdict.clone());
        let expected = missing.map_or(Ok(verdict.clone()), Err);
        assert_eq!(answer, expected, "{section}: {name}");
    }
}

#[test]
fn what_cannot_be_a_part_is_refused() {
    let cases = [
        (
            "of something longer",
            range(0, 2, 11),
            content(0, 2),
            Refused::Length,
        ),
        (
            "more than it said",
            range(0, 2, 10),
            content(0, 3),
            Refused::Content,
        ),
        (
            "nothing at all",
            range(0, 2, 10),
            Bytes::new(),
            Refused::Content,
        ),
    ];
    for (name, range, content, reason) in cases {
        let mut fragments = ten(&[(4, 6)]);
        let before = fragments.clone();
        assert_eq!(fragments.insert(range, &content), Err(reason), "{name}");
        assert_eq!(fragments, before, "{name}");
    }
}

#[test]
fn a_part_that_broke_off_counts_for_as_far_as_it_came() {
    let mut fragments = Fragments::new(10);
    fragments.insert(range(4, 10, 10), &content(4, 7)).unwrap();
    assert_eq!(fragments.stored(), 3);
    assert_eq!(
        fragments.reuse(Verdict::Single(span(5, 10))),
        Err(span(7, 10))
    );
}

#[test]
fn a_representation_is_whole_once_its_last_hole_is_filled() {
    let mut fragments = ten(&[(7, 10), (0, 3)]);
    assert_eq!(fragments.complete(), None);
    fragments.insert(range(2, 8, 10), &content(2, 8)).unwrap();
    assert_eq!(fragments.complete(), Some(content(0, 10)));
    assert_eq!(Fragments::new(0).complete(), Some(Bytes::new()));
}

#[test]
fn what_is_missing_is_asked_for_by_its_positions() {
    let fragments = ten(&[(0, 5), (7, 8)]);
    assert_eq!(fragments.ask_for(span(5, 7)), "bytes=5-6");
    assert_eq!(fragments.ask_for(span(5, 10)), "bytes=5-");
}

#[test]
fn what_is_stored_in_one_piece_is_not_copied() {
    let whole = content(0, 10);
    let mut fragments = Fragments::new(10);
    fragments.insert(range(0, 10, 10), &whole).unwrap();
    assert_eq!(fragments.complete().unwrap().as_ptr(), whole.as_ptr());
    let mut pieces = Pieces::default();
    fragments.read(span(2, 5), &mut pieces);
    assert_eq!(pieces.pop().unwrap().as_ptr(), whole[2..].as_ptr());
}

#[test]
fn what_is_too_scattered_takes_nothing_more_but_what_fills_a_hole() {
    let length = 1000;
    let mut fragments = Fragments::new(length);
    let mut insert = |start: u64, end: u64| {
        let content = vec![0; usize::try_from(end - start).unwrap()].into();
        fragments.insert(range(start, end, length), &content)
    };
    for island in 0..64 {
        insert(island * 2, island * 2 + 1).unwrap();
    }
    assert_eq!(insert(500, 501), Err(Refused::TooScattered));
    insert(1, 2).unwrap();
    insert(500, 501).unwrap();
}

#[test]
fn ever_so_many_neighbours_are_one() {
    let length = 1000;
    let mut fragments = Fragments::new(length);
    for at in 0..length {
        let byte = vec![u8::try_from(at % 251).unwrap()].into();
        fragments.insert(range(at, at + 1, length), &byte).unwrap();
        assert!(fragments.fragments.len() <= MAX_FRAGMENTS);
    }
    let whole: Vec<_> = (0..length)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect();
    assert_eq!(fragments.complete().unwrap(), whole);
}

proptest! {
    #[test]
    fn what_is_stored_is_read_as_from_the_whole(
        parts in prop::collection::vec((0..60_u8, 1..20_u8), 0..12),
        asked in (0..60_u8, 1..60_u8),
    ) {
        let length = 80;
        let mut fragments = Fragments::new(length);
        let mut known = [false; 80];
        for (start, len) in parts {
            let end = start + len;
            fragments.insert(range(start.into(), end.into(), length), &content(start, end)).unwrap();
            known[usize::from(start)..usize::from(end)].fill(true);
        }
        prop_assert_eq!(fragments.stored(), known.iter().filter(|known| **known).count() as u64);

        let (start, end) = (asked.0, (asked.0 + asked.1).min(80));
        let asked = span(start.into(), end.into());
        let missing: Vec<u64> = (asked.start()..asked.end())
            .filter(|at| !known[usize::try_from(*at).unwrap()])
            .collect();
        match fragments.reuse(Verdict::Single(asked)) {
            Ok(_) => {
                prop_assert!(missing.is_empty());
                let from_the_whole: Vec<u8> = (start..end).collect();
                prop_assert_eq!(read(&fragments, asked), from_the_whole);
            }
            Err(span) => {
                prop_assert_eq!(missing.first(), Some(&span.start()));
                prop_assert_eq!(missing.last(), Some(&(span.end() - 1)));
            }
        }
        prop_assert_eq!(fragments.complete().is_some(), known.iter().all(|known| *known));
    }
}
